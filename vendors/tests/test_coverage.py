import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vendors.coverage import (
    COVERED,
    Assurance,
    CarveOut,
    Limits,
    ReportFacts,
    assess,
    cover,
    gaps,
    red_on,
    relied_until,
)
from vendors.models import AssuranceReport, BridgeLetter
from vendors.services.report_facts import current_reports, limits, report_facts, with_facts
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


def own(**fields) -> CarveOut:
    """A carve-out with one report of its own, over the same period unless told."""
    return CarveOut("hosting", (facts(report_id=9, **fields),))


@pytest.mark.parametrize(
    ("carve_out", "on", "state"),
    [
        (CarveOut("hosting"), END, Assurance.CARVE_OUT),
        (own(), END, Assurance.CURRENT),
        (own(), STALE, Assurance.CURRENT),
        (own(first_day=START + DAY), START, Assurance.CARVE_OUT),
        (own(first_day=START + DAY), START + DAY, Assurance.CURRENT),
        (own(last_day=END - DAY), STALE - DAY, Assurance.CURRENT),
        (own(last_day=END - DAY), STALE, Assurance.CARVE_OUT),
        (own(last_day=END - DAY), STALE + DAY, Assurance.STALE),
        (
            own(last_day=END - DAY, bridges=((END, STALE + 9 * DAY),)),
            STALE,
            Assurance.CURRENT,
        ),
        (own(clean=False), END, Assurance.CARVE_OUT),
        (own(accepted=False), END, Assurance.CARVE_OUT),
        (own(type2=False, last_day=START, type2_due_on=END), END, Assurance.CURRENT),
        (own(type2=False, last_day=START, type2_due_on=END), END + DAY, Assurance.CARVE_OUT),
    ],
)
def test_a_carve_out_needs_a_report_of_its_own(carve_out, on, state):
    found = assess((facts(carve_outs=(carve_out,)),), on, LIMITS)
    assert found.state == state
    assert found.missing == (("hosting",) if state == Assurance.CARVE_OUT else ())


def test_what_is_carved_out_names_the_parts_that_are_missing():
    report = facts(carve_outs=(CarveOut("b"), own(), CarveOut("a")))
    assert assess((report,), END, LIMITS).missing == ("a", "b")


def test_a_report_that_carves_nothing_out_comes_before_one_that_does():
    carved = facts(report_id=2, last_day=END + 90 * DAY, carve_outs=(CarveOut("hosting"),))
    assert assess((carved, facts()), END, LIMITS).report_id == 1


def test_a_type1_with_an_opinion_that_is_not_clean_is_qualified():
    report = facts(**TYPE1, type2_due_on=END, clean=False)
    assert assess((report,), END, LIMITS).state == Assurance.QUALIFIED
    assert assess((report,), END + DAY, LIMITS).state == Assurance.QUALIFIED


def test_a_year_with_a_gap_between_two_reports():
    """Both ends of every stretch count, and the days add up."""
    old = facts(first_day=dt.date(2022, 1, 1), last_day=dt.date(2022, 12, 31))
    new = facts(report_id=2, first_day=dt.date(2024, 3, 1), last_day=dt.date(2025, 2, 28))
    found = cover((new, old), dt.date(2023, 7, 1), dt.date(2024, 6, 30), LIMITS)
    assert [(s.first, s.last, s.state, s.report_id) for s in found.stretches] == [
        (dt.date(2023, 7, 1), dt.date(2023, 12, 31), Assurance.CURRENT, 1),
        (dt.date(2024, 1, 1), dt.date(2024, 2, 29), Assurance.GAP, 1),
        (dt.date(2024, 3, 1), dt.date(2024, 6, 30), Assurance.CURRENT, 2),
    ]
    assert found.gaps == [(dt.date(2024, 1, 1), dt.date(2024, 2, 29))]
    assert (found.days, found.covered_days, found.attested_days) == (366, 306, 122)


def test_chained_letters_are_attested_as_far_as_a_bridge_may_reach():
    letters = ((END + DAY, END + 40 * DAY), (END + 41 * DAY, END + 200 * DAY))
    found = cover((facts(bridges=letters),), END + DAY, END + 365 * DAY, LIMITS)
    assert (found.covered_days, found.attested_days) == (365, 92)
    gap = ((END + DAY, END + 40 * DAY), (END + 42 * DAY, END + 200 * DAY))
    found = cover((facts(bridges=gap),), END + DAY, END + 365 * DAY, LIMITS)
    assert found.attested_days == 40


def test_a_day_is_a_period():
    found = cover((facts(),), END, END, LIMITS)
    assert (found.days, found.covered_days, found.gaps) == (1, 1, [])


def test_days_on_a_type1_alone_are_covered_contingently():
    found = cover((facts(**TYPE1, type2_due_on=START + 9 * DAY),), START, END, LIMITS)
    assert (found.covered_days, found.contingent_days, found.attested_days) == (10, 10, 0)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="before it begins"):
        cover((), END, START, LIMITS)


def test_the_lack_of_a_successor_turns_red_fifteen_months_after_the_period():
    assert red_on((facts(), facts(last_day=START)), LIMITS) == END + 458 * DAY
    assert red_on((facts(accepted=False), facts(**TYPE1)), LIMITS) is None


def test_the_last_of_all_days_breaks_nothing():
    last = dt.date.max
    report = facts(last_day=last, bridges=((END, last),), carve_outs=(own(last_day=last),))
    type1 = facts(**TYPE1, type2_due_on=last, carve_outs=(own(type2=False, type2_due_on=last),))
    for one in (report, type1):
        assert assess((one,), last, LIMITS).state in Assurance
        assert cover((one,), START, last, LIMITS).days == (last - START).days + 1


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


@st.composite
def carved_report(draw) -> ReportFacts:
    """Any report, with up to two carve-outs that have up to two reports of their own each."""
    parts = draw(st.lists(st.lists(any_report(), max_size=2), max_size=2))
    carve_outs = tuple(CarveOut(f"part {i}", tuple(own)) for i, own in enumerate(parts))
    return replace(draw(any_report()), carve_outs=carve_outs)


def days_of(span):
    return [span[0] + DAY * i for i in range((span[1] - span[0]).days + 1)]


@given(st.lists(carved_report(), max_size=3), spans)
@settings(max_examples=60, deadline=None)
def test_each_day_of_a_period_is_as_the_day_alone(reports, asked):
    found = cover(reports, *asked, LIMITS)
    by_day = {day: s for s in found.stretches for day in days_of((s.first, s.last))}
    assert list(by_day) == days_of(asked)
    for day, stretch in by_day.items():
        alone = assess(tuple(reports), day, LIMITS)
        assert (stretch.state, stretch.missing) == (alone.state, alone.missing)
    assert found.covered_days == sum(s.state in COVERED for s in by_day.values())
    in_gaps = {day for gap in found.gaps for day in days_of(gap)}
    assert in_gaps == {day for day, s in by_day.items() if s.state not in COVERED}
    assert found.covered_days + len(in_gaps) == found.days
    assert 0 <= found.attested_days <= found.covered_days


def with_less(report: ReportFacts):
    """The report with one paper less each: a letter, a carve-out's own report."""
    for letter in set(report.bridges):
        yield replace(report, bridges=tuple(b for b in report.bridges if b != letter))
    for i, part in enumerate(report.carve_outs):
        for j in range(len(part.reports)):
            bare = replace(part, reports=part.reports[:j] + part.reports[j + 1 :])
            parts = (*report.carve_outs[:i], bare, *report.carve_outs[i + 1 :])
            yield replace(report, carve_outs=parts)


def covered_days(reports, asked) -> set[dt.date]:
    found = cover(reports, *asked, LIMITS)
    return {day for s in found.stretches if s.covered for day in days_of((s.first, s.last))}


@given(st.lists(carved_report(), min_size=1, max_size=3), spans)
@settings(max_examples=60, deadline=None)
def test_a_paper_less_never_adds_a_covered_day(reports, asked):
    before = covered_days(reports, asked)
    for i, report in enumerate(reports):
        rest = reports[:i] + reports[i + 1 :]
        for less in (rest, *([*rest, bare] for bare in with_less(report))):
            assert covered_days(less, asked) <= before


@given(st.lists(carved_report(), max_size=4), spans, st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_papers_never_matters(reports, asked, random):
    reports = [replace(report, report_id=i) for i, report in enumerate(reports)]
    before = cover(reports, *asked, LIMITS)
    mixed = []
    for report in random.sample(reports, len(reports)):
        letters = tuple(random.sample(report.bridges, len(report.bridges)))
        parts = tuple(
            replace(part, reports=tuple(random.sample(part.reports, len(part.reports))))
            for part in random.sample(report.carve_outs, len(report.carve_outs))
        )
        mixed.append(replace(report, bridges=letters, carve_outs=parts))
    assert cover(mixed, *asked, LIMITS) == before


@given(st.lists(any_report(), max_size=4), any_report(), days)
def test_another_report_never_makes_it_worse(reports, another, on):
    order = list(Assurance)
    before = assess(tuple(reports), on, LIMITS)
    after = assess((*reports, another), on, LIMITS)
    assert order.index(after.state) <= order.index(before.state)
    if after.state == before.state and before.until:
        assert after.until >= before.until


@given(carved_report(), days)
def test_what_is_said_to_hold_until_a_day_holds_on_it_and_not_after(report, on):
    coverage = assess((report,), on, LIMITS)
    if coverage.until is None:
        return
    order = list(Assurance)
    best = order[: 1 + max(order.index(coverage.state), order.index(Assurance.TYPE1_ONLY))]
    if coverage.covered:
        best = list(COVERED)
    assert assess((report,), coverage.until, LIMITS).state in best
    assert assess((report,), coverage.until + DAY, LIMITS).state not in best


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
        found = set(current_reports(on).values_list("pk", flat=True))
        assert found == {
            report.pk
            for report in AssuranceReport.objects.all()
            if assess((report_facts(report),), on, limits()).state == Assurance.CURRENT
        }


def bridged(report: AssuranceReport, *spans: tuple[int, int]) -> AssuranceReport:
    """The report with letters over spans of days, counted from the end of its period."""
    for first, last in spans:
        make.bridge(
            report,
            covers_from=report.period_end + first * DAY,
            covers_to=report.period_end + last * DAY,
        )
    return report


@pytest.mark.django_db
def test_the_query_counts_carve_outs_as_the_arithmetic_does():
    """Own reports of every kind: none, linked, in the line of the linked one, corrected."""
    by, ours, hosting = person(), make.vendor(), make.vendor()
    service, theirs = make.service(ours), make.service(hosting)
    other = make.service(hosting)
    bare = {"services": [], "by": by, "period_start": START - 400 * DAY}
    linked = make.report(hosting, **bare, period_end=END - 200 * DAY)
    make.report(hosting, by=by, services=[theirs], period_start=END, period_end=END + 90 * DAY)
    lined = make.report(
        hosting, by=by, services=[theirs], period_start=START, period_end=END - 300 * DAY
    )
    narrow = make.report(
        hosting, by=by, services=[theirs, other], period_start=START, period_end=END - 300 * DAY
    )
    corrected = make.report(hosting, **bare, period_end=END)
    make.report(hosting, **bare, period_end=END, replaces=corrected)
    early = {**bare, "period_end": END - 340 * DAY}
    chained = bridged(make.report(hosting, **early), (1, 200), (201, 395), (10, 60))
    broken = bridged(make.report(hosting, **early), (1, 200), (202, 395))
    type1 = make.report(
        hosting, **bare, kind="soc2_type1", as_of=START, type2_due_on=END - 30 * DAY
    )
    qualified = make.report(hosting, **bare, period_end=END, opinion="qualified")
    owns = [None, linked, lined, narrow, corrected, chained, broken, type1, qualified]
    for own in owns:
        report = make.report(ours, by=by, services=[service], period_start=START, period_end=END)
        make.subservice(report, own_report=own)
    make.subservice(report, method="inclusive")
    days = {START + n * DAY for n in range(0, 800, 7)}
    days |= {chained.period_end + n * DAY for n in (365, 366, 395, 396, 458)}
    facts = {report.pk: facts for report, facts, _ in with_facts(AssuranceReport.objects.all())}
    seen = set()
    for on in sorted(days):
        found = set(current_reports(on).filter(vendor=ours).values_list("pk", flat=True))
        expected = {
            pk
            for pk in AssuranceReport.objects.filter(vendor=ours).values_list("pk", flat=True)
            if assess((facts[pk],), on, limits()).state == Assurance.CURRENT
        }
        assert found == expected, on
        seen |= expected
    assert len(seen) == len(owns) - 3
