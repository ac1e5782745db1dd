import csv
import datetime as dt
import io

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from vendors.models import AssuranceReport, ReportException, Vendor
from vendors.tests import make
from vendors.tests.test_pages import VIEWS, signed_in

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def today() -> dt.date:
    return timezone.localdate()


@pytest.fixture
def register():
    """Six vendors, each with its own trouble; by name."""
    by = make.person()
    on = today()
    made = {}
    for name in ("Good", "Ending", "Ended", "Bare", "Typeone", "Stale"):
        made[name] = make.service(make.vendor(name, criticality="high")).vendor
    for name in ("Good", "Typeone", "Stale"):
        make.baa(made[name], ends_on=on + 300 * DAY)
    make.baa(made["Ending"], ends_on=on + 30 * DAY)
    make.baa(made["Ended"], ends_on=on - DAY)
    for name in ("Good", "Ending", "Ended"):
        make.report(made[name], by=by, period_end=on - 60 * DAY)
    make.report(made["Stale"], by=by, period_start=on - 900 * DAY, period_end=on - 500 * DAY)
    make.report(
        made["Typeone"],
        by=by,
        kind=AssuranceReport.Kind.SOC2_TYPE1,
        period_start=None,
        period_end=None,
        as_of=on - DAY,
        type2_due_on=on + DAY,
    )
    Vendor.objects.filter(name="Bare").update(owner=by, criticality="low", state="prospect")
    return made


def names(**query: str) -> list[str]:
    response = signed_in(*VIEWS).get("/vendors/", query)
    assert response.status_code == 200
    return [row.vendor.name for row in response.context["rows"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Bare", "Ended", "Ending", "Good", "Stale", "Typeone"]),
        ({"baa": "in_force"}, ["Ending", "Good", "Stale", "Typeone"]),
        ({"baa": "ending"}, ["Ending"]),
        ({"baa": "ended"}, ["Ended"]),
        ({"baa": "none"}, ["Bare"]),
        ({"soc2": "current"}, ["Ended", "Ending", "Good"]),
        ({"soc2": "not_current"}, ["Stale"]),
        ({"soc2": "type1"}, ["Typeone"]),
        ({"soc2": "none"}, ["Bare"]),
        ({"state": "prospect"}, ["Bare"]),
        ({"criticality": "low"}, ["Bare"]),
        ({"owner": "nobody"}, ["Ended", "Ending", "Good", "Stale", "Typeone"]),
        ({"owner": "me"}, []),
        ({"q": "good"}, ["Good"]),
        ({"q": "gpt-"}, ["Bare", "Ended", "Ending", "Good", "Stale", "Typeone"]),
        ({"q": "nothing like it"}, []),
        ({"sort": "-name"}, ["Typeone", "Stale", "Good", "Ending", "Ended", "Bare"]),
        ({"sort": "baa", "soc2": "current"}, ["Ending", "Good", "Ended"]),
        ({"sort": "-report", "baa": "in_force"}, ["Ending", "Good", "Stale", "Typeone"]),
        ({"sort": "criticality", "baa": "none"}, ["Bare"]),
    ],
)
@pytest.mark.usefixtures("register")
def test_the_address_narrows_and_sorts(query, found):
    assert names(**query) == found


@pytest.mark.parametrize(
    "column", ["name", "state", "criticality", "baa", "report", "review", "owner"]
)
@pytest.mark.usefixtures("register")
def test_every_column_sorts_both_ways(column):
    assert set(names(sort=column)) == set(names(sort=f"-{column}"))


@pytest.mark.parametrize("query", [{"state": "x"}, {"baa": "'--"}, {"sort": "x"}, {"page": "x"}])
@pytest.mark.usefixtures("register")
def test_nonsense_in_the_address_is_no_error(query):
    assert signed_in(*VIEWS).get("/vendors/", query).status_code == 200


@pytest.mark.usefixtures("register")
def test_the_figures_count_what_the_filters_find():
    figures = signed_in(*VIEWS).get("/vendors/").context["figures"]
    assert figures["baa"] == len(names(baa="in_force"))
    assert figures["report"] == len(names(soc2="current"))
    assert (figures["ending"], figures["everything"], figures["overdue"]) == (1, 6, 0)


@pytest.mark.usefixtures("register")
def test_a_row_says_what_carries_the_vendor():
    rows = {r.vendor.name: r for r in signed_in(*VIEWS).get("/vendors/").context["rows"]}
    assert [rows[n].baa_standing.word for n in ("Good", "Ended", "Bare")] == ["To", "Ended", "None"]
    assert rows["Ending"].baa_standing.kind == "soon"
    assert rows["Ending"].baa_standing.day == today() + 30 * DAY
    assert rows["Stale"].assurance == ("bad", "Stale")
    assert rows["Typeone"].assurance == ("soon", "Type I only")
    assert rows["Good"].training == "No"
    assert rows["Good"].retention == "None kept"


def exported(kind: str, **query: str) -> bytes:
    response = signed_in(*VIEWS).get(f"/vendors/export/{kind}/", query)
    assert response.status_code == 200
    return b"".join(response)


@pytest.mark.usefixtures("register")
def test_the_file_holds_what_the_list_shows():
    rows = list(csv.DictReader(io.StringIO(exported("csv", baa="in_force").decode())))
    assert [row["Vendor"] for row in rows] == ["Ending", "Good", "Stale", "Typeone"]
    assert rows[0]["BAA last day"] == (today() + 30 * DAY).isoformat()
    assert exported("xlsx").startswith(b"PK")


def test_a_name_that_begins_like_a_formula_is_escaped_in_the_file():
    make.vendor("=1+1")
    assert b"'=1+1" in exported("csv")


def test_a_file_of_another_kind_is_not_found():
    assert signed_in(*VIEWS).get("/vendors/export/pdf/").status_code == 404


@pytest.mark.parametrize(
    "query", [{}, {"page": "2"}, {"baa": "ending", "sort": "-baa"}, {"soc2": "type1"}]
)
@pytest.mark.usefixtures("register")
def test_the_list_costs_at_most_fifteen_queries_however_long(query):
    by = make.person()
    for number in range(30):
        vendor = make.service(make.vendor(f"More {number}")).vendor
        make.baa(vendor)
        make.report(vendor, by=by)
    client = signed_in(*VIEWS)
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/vendors/", query).status_code == 200
    asked = [q for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]]
    assert len(asked) <= 15


def test_the_figures_follow_every_change_at_once(register):
    client = signed_in(*VIEWS)
    assert client.get("/vendors/").context["figures"]["baa"] == 4
    make.baa(register["Bare"])
    assert client.get("/vendors/").context["figures"]["baa"] == 5


def test_an_empty_register_says_what_to_do_next():
    body = signed_in(*VIEWS, "vendors.add_vendor").get("/vendors/").content.decode()
    assert "No vendors yet" in body
    assert 'href="/vendors/new/"' in body


def test_exceptions_that_nobody_judged_or_that_are_followed_up_are_open():
    vendor = make.service().vendor
    report = make.report(vendor, by=make.person(), exception_count=4)
    for disposition in ("accepted", "followed"):
        ReportException.objects.create(
            report=report, control="A1", failed="Access kept", disposition=disposition
        )
    row = signed_in(*VIEWS).get("/vendors/").context["rows"][0]
    assert (row.exceptions, row.open_exceptions) == (4, 3)


def test_one_owner_for_the_ticked_vendors_each_with_a_history_of_its_own():
    ticked, other = [make.vendor(), make.vendor()], make.vendor()
    owner = make.person()
    client = signed_in(*VIEWS, "vendors.change_vendor")
    form = {"vendor": [v.slug for v in ticked], "owner": owner.pk, "query": "baa=none&page=2"}
    answer = client.post("/owners/vendors/", form)
    assert answer.url == "/vendors/?baa=none&page=2"
    assert set(Vendor.objects.filter(owner=owner)) == set(ticked)
    assert Vendor.objects.get(pk=other.pk).owner is None
    for vendor in ticked:
        assert (
            LogEntry.objects.get_for_object(vendor).filter(action=LogEntry.Action.UPDATE).count()
            == 1
        )


@pytest.mark.parametrize("form", [{}, {"vendor": "nobody-such"}, {"owner": "999999"}])
def test_without_a_vendor_or_an_owner_nothing_changes(form):
    vendor = make.vendor()
    client = signed_in(*VIEWS, "vendors.change_vendor")
    form = {"vendor": vendor.slug, **form} if "owner" in form else form
    assert client.post("/owners/vendors/", form).status_code == 302
    assert Vendor.objects.get().owner is None


def test_only_who_may_change_vendors_can_tick_them():
    make.vendor()
    client = signed_in(*VIEWS)
    assert 'name="vendor"' not in client.get("/vendors/").content.decode()
    assert client.post("/owners/vendors/").status_code == 403


def test_a_vendor_that_was_left_is_due_for_no_review():
    make.vendor("Left", state="offboarded", next_review_on=today() - DAY)
    make.vendor("Late", next_review_on=today() - DAY)
    rows = {r.vendor.name: r for r in signed_in(*VIEWS).get("/vendors/").context["rows"]}
    assert (rows["Left"].review_days, rows["Late"].review_days) == (None, -1)
