"""Charts over the calls, and the calls of a vendor."""

import pytest
from django.test import Client
from django.utils import timezone

from audits.models import ReadEvent
from audits.tests import make
from policies.tests import make as policies_make
from policies.tests.make import person


@pytest.fixture
def calls(api) -> list[str]:
    """Two allowed calls and a denied one."""
    return [api.open(region=r).json()["call_id"] for r in ("us-east-1", "eu-west-1", "us-east-1")]


def test_the_charts_count_what_the_filters_choose(officer, calls, integration):
    page = officer.get("/calls/figures/").content.decode()
    vendor = integration.service.vendor.name
    for words in (f"{vendor}: 3", "gpt-4.1: 3", "PHI: 3", "Region not allowed: 1"):
        assert words in page
    denied = officer.get("/calls/figures/?decision=deny").content.decode()
    assert f"{vendor}: 1" in denied
    assert "No calls in these days" in officer.get("/calls/figures/?log=test").content.decode()
    assert officer.get("/calls/figures/?start=never").status_code == 400


def test_the_list_loads_the_charts_under_its_filters(officer, calls):
    page = officer.get("/calls/?decision=deny").content.decode()
    assert "/calls/figures/?decision=deny" in page


def test_charts_take_few_queries(officer, calls, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        officer.get("/calls/figures/")


def test_a_vendor_shows_its_newest_calls_and_notes_who_read_them(officer, calls, integration):
    other = make.active_integration().service.vendor
    vendor = integration.service.vendor
    page = officer.get(f"/vendors/{vendor.slug}/calls/").content.decode()
    assert all(call_id in page for call_id in calls)
    assert "No calls yet" in officer.get(f"/vendors/{other.slug}/calls/").content.decode()
    read = ReadEvent.objects.order_by("-pk")[1]
    assert (read.row_count, read.filters) == (3, {"vendor": vendor.slug})


def test_who_may_read_one_log_sees_that_part_of_a_vendor(calls, integration):
    reader = person("engineer")
    vendor = integration.service.vendor
    client = Client()
    client.force_login(reader)
    assert client.get(f"/vendors/{vendor.slug}/calls/").status_code == 403
    policies_make.grant(integration, reader, "read_log", at=timezone.now())
    assert calls[0] in client.get(f"/vendors/{vendor.slug}/calls/").content.decode()


def test_the_tabs_of_a_vendor_follow_the_permissions(officer, integration):
    viewer = Client()
    viewer.force_login(person("viewer"))
    url = f"/vendors/{integration.service.vendor.slug}/"
    assert "?tab=calls" in officer.get(url).content.decode()
    assert "?tab=calls" not in viewer.get(url).content.decode()
    page = officer.get(f"{url}?tab=calls").content.decode()
    assert f"{url}calls/" in page
    assert "/findings/about/vendor/" in officer.get(f"{url}?tab=evidence").content.decode()
