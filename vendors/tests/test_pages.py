"""Every page of the app: who may open it, and that it shows what is stored."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from vendors.models import BridgeLetter, Dimension
from vendors.services.catalogue import load_catalogue
from vendors.tests import make

pytestmark = pytest.mark.django_db
VIEWS = [
    "vendors.view_vendor",
    "vendors.view_service",
    "vendors.view_fact",
    "vendors.view_agreement",
    "vendors.view_assurancereport",
]
SHOWS = ("-list", "-detail", "-history")
WRITES = [
    "vendors.add_vendor",
    "vendors.change_vendor",
    "vendors.add_service",
    "vendors.change_service",
    "vendors.add_fact",
    "vendors.add_vendorreview",
    "vendors.add_vendorcondition",
    "vendors.change_vendorcondition",
    "vendors.add_agreement",
    "vendors.terminate_agreement",
    "vendors.add_assurancereport",
    "vendors.review_assurancereport",
    "vendors.add_bridgeletter",
]


def signed_in(*permissions: str) -> Client:
    client = Client()
    client.force_login(make.person(*permissions))
    return client


@pytest.fixture
def stored():
    """A vendor with a service, an agreement and a report; their addresses by name."""
    service = make.service()
    today = timezone.localdate()
    agreement = make.baa(service.vendor, ends_on=today + dt.timedelta(days=20))
    report = make.report(service.vendor, by=make.person(), period_end=today - dt.timedelta(days=60))
    BridgeLetter.objects.create(
        report=report, covers_from=today, covers_to=today + dt.timedelta(days=9), signer="CISO"
    )
    slug, of = service.vendor.slug, service.slug
    return {
        "vendor-list": [],
        "vendor-detail": [slug],
        "vendor-create": [],
        "vendor-edit": [slug],
        "vendor-state": [slug],
        "vendor-review": [slug],
        "service-create": [slug],
        "service-detail": [of],
        "service-edit": [of],
        "service-retire": [of],
        "fact-history": [of, "training_use"],
        "fact-create": [of, "training_use"],
        "agreement-create": [slug],
        "agreement-detail": [agreement.pk],
        "agreement-amend": [agreement.pk],
        "agreement-terminate": [agreement.pk],
        "report-create": [slug],
        "report-detail": [report.pk],
        "report-review": [report.pk],
        "report-correct": [report.pk],
        "bridge-create": [report.pk],
    }


def addresses(stored: dict) -> dict[str, str]:
    return {name: reverse(f"vendors:{name}", args=args) for name, args in stored.items()}


def test_who_may_write_can_open_every_page(stored):
    client = signed_in(*VIEWS, *WRITES)
    for name, url in addresses(stored).items():
        assert client.get(url).status_code == 200, name


def test_who_may_only_read_opens_what_shows_and_no_form(stored):
    client = signed_in(*VIEWS)
    for name, url in addresses(stored).items():
        expected = 200 if name.endswith(SHOWS) else 403
        assert client.get(url).status_code == expected, name
        if expected == 403:
            assert client.post(url).status_code == 403, name


def test_who_may_nothing_opens_nothing_and_a_stranger_signs_in(stored):
    nobody, stranger = signed_in(), Client()
    for name, url in addresses(stored).items():
        assert nobody.get(url).status_code == 403, name
        assert stranger.get(url).status_code == 302, name


def test_a_reader_sees_no_button_that_would_fail(stored):
    client = signed_in(*VIEWS)
    forms = [url for name, url in addresses(stored).items() if not name.endswith(SHOWS)]
    for name in shown():
        body = client.get(addresses(stored)[name]).content.decode()
        assert not [url for url in forms if f'href="{url}"' in body], name


def shown() -> list[str]:
    return ["vendor-list", "vendor-detail", "service-detail", "agreement-detail", "report-detail"]


@pytest.mark.parametrize(
    "tab", ["overview", "services", "agreements", "reports", "facts", "history", "nonsense"]
)
def test_every_tab_of_a_vendor_opens(stored, tab):
    url = addresses(stored)["vendor-detail"]
    assert signed_in(*VIEWS, *WRITES).get(url, {"tab": tab}).status_code == 200


def test_pages_never_change_anything_by_get(stored):
    client = signed_in(*VIEWS, *WRITES)
    urls = addresses(stored)
    client.get(urls["agreement-terminate"], {"terminated_on": "2026-11-20", "reason": "x"})
    body = client.get(urls["agreement-detail"]).content.decode()
    assert "Terminated" not in body
    assert client.post(urls["vendor-detail"]).status_code == 405


def test_a_dimension_that_is_none_is_not_found(stored):
    client = signed_in(*VIEWS, *WRITES)
    of = stored["service-detail"][0]
    for name in ("fact-history", "fact-create"):
        assert client.get(reverse(f"vendors:{name}", args=[of, "mood"])).status_code == 404


def test_a_stale_fact_asks_to_be_verified_again_and_a_fresh_one_does_not():
    load_catalogue(on=timezone.localdate())
    body = signed_in(*VIEWS).get("/services/openai-api/").content.decode()
    assert "Verify again" in body
    assert "day old" in body or "days old" in body
    assert body.count("<tr>") >= len(Dimension)


def test_a_page_costs_a_fixed_number_of_queries(stored, django_assert_max_num_queries):
    load_catalogue(on=timezone.localdate())
    client = signed_in(*VIEWS, *WRITES)
    urls = addresses(stored)
    limits = {"service-detail": 28, "agreement-detail": 28, "report-detail": 28}
    for name, limit in limits.items():
        with django_assert_max_num_queries(limit):
            client.get(urls[name])
    for tab in ("overview", "services", "agreements", "reports"):
        with django_assert_max_num_queries(32):
            client.get(urls["vendor-detail"], {"tab": tab})
