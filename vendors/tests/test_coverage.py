import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.coverage import Assurance, Limits, ReportFacts, assess, gaps, relied_until
from vendors.models import AssuranceReport, BridgeLetter
from vendors.services.postures import limits, report_facts
from vendors.tests import make
from vendors.tests.make import person

LIMITS = Limits(stale_days=365, bridge_days=92)
DAY = dt.timedelta(days=1)
START = dt.date(2025, 1, 1)
END = dt.date(2025, 12, 31)
STALE = dt.date(2026, 12, 31)


def facts(**fields) -> ReportFacts:
    fields = {
        "report_id": 1,
        "type2": True,
        "first_day": START,
        "last_day": END,
        "clean": True,
        "accepted": True,
        **fields,
    }
    return ReportFacts(**fields)


TYPE1 = {"type2": False, "first_day": START, "last_day": START}


@pytest.mark.parametrize(
    ("fields", "on", "state"),
    [
        ({}, START - DAY, Assurance.NONE),
        ({}, START, Assurance.CURRENT),
        ({}, STALE, Assurance.CURRENT),
        ({}, STALE + DAY, Assurance.STALE),
        ({"clean": False}, STALE, Assurance.QUALIFIED),
        ({"clean": False}, STALE + DAY, Assurance.STALE),
        ({"accepted": False}, END, Assurance.NONE),
        ({"bridges": ((END + DAY, STALE + 30 * DAY),)}, STALE + 30 * DAY, Assurance.BRIDGED),
        ({"bridges": ((END + DAY, STALE + 30 * DAY),)}, STALE + 31 * DAY, Assurance.STALE),
        ({"bridges": ((END + 2 * DAY, STALE + 30 * DAY),)}, STALE + DAY, Assurance.STALE),
        ({"bridges": ((END + DAY, STALE + 200 * DAY),)}, STALE + 92 * DAY, Assurance.BRIDGED),
        ({"bridges": ((END + DAY, STALE + 200 * DAY),)}, STALE + 93 * DAY, Assurance.STALE),
        ({**TYPE1, "type2_due_on": END}, END, Assurance.TYPE1_ONLY),
        ({**TYPE1, "type2_due_on": END}, END + DAY, Assurance.TYPE1_OVERDUE),
        (TYPE1, END, Assurance.TYPE1_OVERDUE),
    ],
)
def test_the_state_of_one_report_on_a_day(fields, on, state):
    assert assess((facts(**fields),), on, LIMITS).state == state


def test_no_report_is_none():
    assert assess((), END, LIMITS).state == Assurance.NONE


def test_of_two_the_one_that_reaches_further_is_taken():
    later = facts(report_id=2, first_day=START + 90 * DAY, last_day=END + 90 * DAY)
    coverage = assess((facts(), later), END, LIMITS)
    assert (coverage.report_id, coverage.until) == (2, STALE + 90 * DAY)


days = st.dates(dt.date(2024, 1, 1), dt.date(2027, 12, 31))
spans = st.tuples(days, days).map(lambda pair: (min(pair), max(pair)))


@st.composite
def any_report(draw) -> ReportFacts:
    first, last = draw(spans)
    return facts(
        report_id=draw(st.integers(1, 99)),
        type2=draw(st.booleans()),
        first_day=first,
        last_day=last,
        clean=draw(st.booleans()),
        accepted=draw(st.booleans()),
        type2_due_on=draw(st.none() | days),
        bridges=tuple(draw(st.lists(spans, max_size=3))),
    )


@given(st.lists(any_report(), max_size=4), any_report(), days)
def test_another_report_never_makes_it_worse(reports, another, on):
    order = list(Assurance)
    before = assess(tuple(reports), on, LIMITS)
    after = assess((*reports, another), on, LIMITS)
    assert order.index(after.state) <= order.index(before.state)
    if after.state == before.state and before.until:
        assert after.until >= before.until


@given(any_report(), days)
def test_what_is_said_to_hold_until_a_day_holds_on_it_and_not_after(report, on):
    coverage = assess((report,), on, LIMITS)
    if coverage.until is None:
        return
    held = (Assurance.CURRENT, Assurance.BRIDGED, Assurance.TYPE1_ONLY, Assurance.QUALIFIED)
    assert assess((report,), coverage.until, LIMITS).state in held
    assert assess((report,), coverage.until + DAY, LIMITS).state not in held


@given(any_report())
def test_a_bridge_never_shortens_and_never_reaches_past_its_limit(report):
    alone, bridged = relied_until(report, LIMITS)
    assert alone <= bridged <= alone + dt.timedelta(days=LIMITS.bridge_days)


@given(st.lists(spans, max_size=5), spans)
def test_every_day_is_either_covered_or_in_a_gap(covered, asked):
    found = gaps(tuple(covered), *asked)
    day = asked[0]
    while day <= asked[1]:
        inside = any(a <= day <= b for a, b in covered)
        assert inside != any(a <= day <= b for a, b in found)
        day += 37 * DAY
    assert found == sorted(found)


@pytest.mark.django_db
def test_the_query_for_current_reports_agrees_with_the_arithmetic():
    by, service = person(), make.service()
    for kind in ("soc2_type1", "soc2_type2"):
        for opinion in ("unqualified", "qualified"):
            for review in ("accept", "accept_with_conditions", "reject"):
                made = make.report(
                    service.vendor,
                    by=by,
                    kind=kind,
                    opinion=opinion,
                    review=review,
                    period_start=START,
                    period_end=END,
                    as_of=START,
                    type2_due_on=END,
                )
                if kind == "soc2_type2":
                    BridgeLetter.objects.create(
                        report=made, covers_from=END + DAY, covers_to=STALE + 9 * DAY, signer="x"
                    )
    for on in (START - DAY, START, END, STALE, STALE + DAY, STALE + 10 * DAY):
        found = set(
            AssuranceReport.objects.current(on, stale_days=365).values_list("pk", flat=True)
        )
        assert found == {
            report.pk
            for report in AssuranceReport.objects.all()
            if assess((report_facts(report),), on, limits()).state == Assurance.CURRENT
        }
