"""Cost figures: what counts, what they replaced, and who may record them."""

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from vendors.models import CostFact
from vendors.services.catalogue import load_catalogue
from vendors.services.costs import costs_of, load_costs, record_cost, rule_of_thumb
from vendors.tests import make
from vendors.tests.test_pages import signed_in

pytestmark = pytest.mark.django_db
ON = dt.date(2026, 11, 21)
DAY = dt.timedelta(days=1)


def cost(**fields) -> CostFact:
    fields = {
        "capability": "byok",
        "basis": "percent",
        "low": Decimal(10),
        "high": Decimal(20),
        "grade": "quote",
        "source": "Quote Q-1",
        "as_of": ON,
        **fields,
    }
    return CostFact(**fields)


def test_the_article_comes_as_an_old_estimate_of_its_own_day():
    load_catalogue(on=ON)
    rows = CostFact.objects.all()
    assert rows.count() == 15
    assert set(rows.values_list("grade", "as_of", "verified_on", "recorded_on")) == {
        ("estimate", *[dt.date(2025, 1, 15)] * 3)
    }
    assert all(row.stale_on(fresh_days=90) < ON for row in rows)
    assert all("Enterprise Developers, 2025-01-15" in row.source for row in rows)


def test_loading_again_adds_nothing():
    load_catalogue(on=ON)
    assert load_costs() == 0


@pytest.mark.parametrize(
    ("vendor", "low", "high"), [("openai", 30, 50), ("microsoft", 0, 0), ("cohere", 0, 50)]
)
def test_the_premium_of_a_baa_is_that_of_the_vendor(vendor, low, high):
    load_catalogue(on=ON)
    service = make.Service.objects.get(vendor__slug=vendor)
    baa = [c for c in costs_of([service], ON)[service.pk] if c.capability == "baa"]
    percent = max((c for c in baa if c.basis == "percent"), key=lambda c: bool(c.vendor_id))
    assert (percent.low, percent.high) == (low, high)


def test_a_newer_look_replaces_the_older_which_stays():
    load_costs()
    by = make.person()
    record_cost(cost(low=Decimal(1), high=Decimal(2)), by=by, on=ON)
    current = CostFact.objects.current(ON).get(capability="byok")
    assert (current.high, current.verified_by, current.verified_on) == (2, by, ON)
    assert CostFact.objects.filter(capability="byok").count() == 2
    assert CostFact.objects.current(ON - DAY).get(capability="byok").high == 20


def test_the_rule_of_thumb_is_the_articles():
    load_costs()
    rule = rule_of_thumb(ON)
    assert (rule.low, rule.high) == (30, 60)
    assert rule_of_thumb(dt.date(2025, 1, 14)) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"low": Decimal(30)}, "lower figure"),
        ({"low": Decimal(-1)}, "greater than or equal"),
        ({"currency": "USD"}, "nothing else has"),
        ({"basis": "money_once"}, "Money has a currency"),
        ({"basis": "money_once", "currency": "usd"}, "ISO 4217"),
        ({"capability": "overall", "basis": "hours_once"}, "percentage"),
        ({"as_of": ON + DAY}, "in the future"),
    ],
)
def test_nonsense_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        record_cost(cost(**fields), by=None, on=ON)
    assert not CostFact.objects.exists()


def test_it_names_the_service_or_the_vendor():
    service = make.service()
    with pytest.raises(ValidationError, match="not both"):
        record_cost(cost(service=service, vendor=service.vendor), by=None, on=ON)


def test_a_stored_figure_cannot_be_changed():
    load_costs()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        CostFact.objects.filter(capability="byok").update(low=0)


def test_the_page_shows_what_counts_and_what_was_replaced():
    load_costs()
    record_cost(cost(high=Decimal("12.5")), by=make.person(), on=timezone.localdate())
    text = signed_in("vendors.view_costfact").get("/costs/figures/").content.decode()
    assert "10 to 12.5" in text
    assert "Replaced" in text
    assert "Look again" not in text


def test_looking_again_fills_the_form_and_records_a_new_row():
    load_costs()
    client = signed_in("vendors.view_costfact", "vendors.add_costfact")
    old = CostFact.objects.get(capability="own_audit")
    text = client.get(f"/costs/figures/new/?from={old.pk}").content.decode()
    assert "15000" in text
    form = {
        "capability": "own_audit",
        "basis": "money_year",
        "low": "16000",
        "high": "41000",
        "currency": "usd",
        "grade": "quote",
        "source": "Quote Q-2",
        "as_of": timezone.localdate().isoformat(),
    }
    assert client.post("/costs/figures/new/", form).status_code == 302
    new = CostFact.objects.current(timezone.localdate()).get(capability="own_audit")
    assert (new.low, new.currency) == (16000, "USD")
    assert new.verified_by is not None


def test_an_unknown_vendor_is_refused_without_repeating_it():
    client = signed_in("vendors.view_costfact", "vendors.add_costfact")
    answer = client.post("/costs/figures/new/", {"vendor": "no-such-vendor", "capability": "byok"})
    assert "There is none of this name." in answer.content.decode()


def test_the_file_holds_what_counts_and_all_that_was_replaced():
    load_costs()
    record_cost(
        cost(high=Decimal("12.5"), source="=cmd()"), by=make.person(), on=timezone.localdate()
    )
    client = signed_in("vendors.view_costfact")
    answer = client.get("/costs/figures/export/csv/")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    page = client.get("/costs/figures/").context
    assert len(rows) == len(page["current"]) + len(page["earlier"]) == CostFact.objects.count()
    counting = [row["Counts today"] for row in rows]
    assert counting == ["yes"] * len(page["current"]) + ["no"] * len(page["earlier"])
    new = next(row for row in rows if row["Source"] == "'=cmd()")
    assert (new["To"], new["Counts today"], new["Age in days"]) == ("12.50", "yes", "0")
    assert client.get("/costs/figures/export/xlsx/").getvalue().startswith(b"PK")
    assert client.get("/costs/figures/export/pdf/").status_code == 404
