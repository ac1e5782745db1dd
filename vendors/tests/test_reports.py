import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from vendors.coverage import Assurance
from vendors.models import AssuranceReport, BridgeLetter, ReportScope
from vendors.services.assurance import audit_period, coverage_of, coverage_over
from vendors.services.reports import add_bridge, correct_report, record_report, review_report
from vendors.tests import make
from vendors.tests.make import TODAY, YEAR, person
from vendors.tests.test_agreements import run

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def draft(vendor, **fields) -> AssuranceReport:
    fields = {
        "kind": "soc2_type2",
        "period_start": TODAY - YEAR,
        "period_end": TODAY - 30 * DAY,
        "auditor": "Example Audit LLP",
        **fields,
    }
    return AssuranceReport(vendor=vendor, **fields)


def state(service, on=TODAY) -> str:
    return coverage_of([service], on)[0].coverage.state


def recorded(service, **fields) -> AssuranceReport:
    return record_report(draft(service.vendor, **fields), [ReportScope(service=service)], by=None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"period_end": TODAY - YEAR - DAY}, "ends before it begins"),
        ({"period_end": None}, "covers a period"),
        ({"kind": "soc2_type1"}, "describes one day"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(change, message):
    with pytest.raises(ValidationError, match=message):
        record_report(draft(make.vendor(), **change), [], by=None)


def test_a_report_counts_once_it_is_accepted():
    service = make.service()
    report = recorded(service)
    assert state(service) == Assurance.NONE
    review_report(report, "accept", by=person(), on=TODAY)
    assert state(service) == Assurance.CURRENT


def test_a_rejected_report_counts_for_nothing():
    service = make.service()
    review_report(recorded(service), "reject", by=person(), on=TODAY)
    assert state(service) == Assurance.NONE


def test_a_type_one_is_accepted_with_a_day_for_its_type_two():
    service = make.service()
    report = recorded(
        service, kind="soc2_type1", as_of=TODAY - DAY, period_start=None, period_end=None
    )
    with pytest.raises(ValidationError, match="Say by when"):
        review_report(report, "accept", by=person(), on=TODAY)
    review_report(report, "accept", by=person(), on=TODAY, type2_due_on=TODAY + 9 * DAY)
    assert state(service) == Assurance.TYPE1_ONLY
    assert state(service, TODAY + 10 * DAY) == Assurance.TYPE1_OVERDUE
    assert not AssuranceReport.objects.type1_overdue(TODAY + 9 * DAY).exists()
    assert list(AssuranceReport.objects.type1_overdue(TODAY + 10 * DAY)) == [report]
    assert list(AssuranceReport.objects.type2_due(TODAY, within_days=9)) == [report]
    assert not AssuranceReport.objects.type2_due(TODAY, within_days=8).exists()


def test_a_type_two_since_settles_the_type_one():
    service = make.service()
    report = recorded(
        service, kind="soc2_type1", as_of=TODAY - YEAR, period_start=None, period_end=None
    )
    review_report(report, "accept", by=person(), on=TODAY, type2_due_on=TODAY - DAY)
    make.report(service.vendor, by=person())
    assert not AssuranceReport.objects.type1_overdue(TODAY).exists()


def test_conditions_are_named():
    report = recorded(make.service())
    with pytest.raises(ValidationError, match="Name the conditions"):
        review_report(report, "accept_with_conditions", by=person(), on=TODAY)


def test_a_correction_takes_the_place_of_the_row_and_is_reviewed_anew():
    service = make.service()
    old = make.report(service.vendor, by=person())
    add_bridge(
        BridgeLetter(report=old, covers_from=TODAY, covers_to=TODAY + DAY, signer="CISO"), by=None
    )
    new = correct_report(old, draft(service.vendor), [ReportScope(service=service)], by=None)
    assert state(service) == Assurance.NONE
    assert new.bridges.count() == 1
    review_report(new, "accept", by=person(), on=TODAY)
    assert state(service) == Assurance.CURRENT
    with pytest.raises(ValidationError, match="newer row"):
        correct_report(old, draft(service.vendor), [], by=None)
    with pytest.raises(ValidationError, match="newer row"):
        review_report(old, "accept", by=person(), on=TODAY)


def test_a_bridge_letter_carries_a_period_past_its_year():
    service = make.service()
    ended = TODAY - YEAR - 10 * DAY
    report = make.report(service.vendor, by=person(), period_start=ended - YEAR, period_end=ended)
    assert state(service) == Assurance.STALE
    letter = BridgeLetter(
        report=report, covers_from=ended + DAY, covers_to=TODAY + DAY, signer="CISO"
    )
    add_bridge(letter, by=None)
    assert state(service) == Assurance.BRIDGED
    assert coverage_of([service], TODAY)[0].coverage.until == TODAY + DAY
    assert state(service, TODAY + 2 * DAY) == Assurance.STALE


def test_the_audit_period_is_the_one_set_or_the_last_twelve_months(settings):
    assert audit_period(TODAY) == (dt.date(2025, 11, 1), TODAY)
    assert audit_period(dt.date(2028, 2, 29))[0] == dt.date(2027, 2, 1)
    settings.AUDIT_PERIOD_START = dt.date(2026, 1, 1)
    assert audit_period(TODAY) == (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    settings.AUDIT_PERIOD_END = dt.date(2026, 6, 30)
    assert audit_period(TODAY) == (dt.date(2026, 1, 1), dt.date(2026, 6, 30))
    settings.AUDIT_PERIOD_START = None
    assert audit_period(TODAY) == (dt.date(2025, 7, 1), dt.date(2026, 6, 30))


def test_services_are_covered_over_a_period_in_one_query(django_assert_num_queries):
    service, bare = make.service(), make.service()
    report = make.report(service.vendor, by=person(), services=[service])
    hosting = make.report(make.vendor(), by=person(), services=[], period_start=TODAY - 300 * DAY)
    make.subservice(report, name="hosting", own_report=hosting)
    with django_assert_num_queries(1):
        found = coverage_over([service, bare], (TODAY - YEAR, TODAY))
    assert [a.coverage.covered_days for a in found] == [301, 0]
    assert found[0].coverage.gaps == [(TODAY - YEAR, TODAY - 301 * DAY)]
    assert found[0].coverage.stretches[0].missing == ("hosting",)


def test_a_correction_takes_the_place_of_a_carve_outs_own_report():
    service, hosting = make.service(), make.vendor()
    own = make.report(hosting, by=person(), services=[])
    part = make.subservice(make.report(service.vendor, by=person()), own_report=own)
    new = correct_report(own, draft(hosting), [], by=None)
    part.refresh_from_db()
    assert part.own_report == new
    assert state(service) == Assurance.CARVE_OUT
    review_report(new, "accept", by=person(), on=TODAY)
    assert state(service) == Assurance.CURRENT


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [(TODAY, TODAY - DAY, "before the first"), (TODAY - YEAR, TODAY - 90 * DAY, "covers these")],
)
def test_a_bridge_letter_covers_days_after_the_period(first, last, message):
    report = make.report(make.service().vendor, by=person())
    letter = BridgeLetter(report=report, covers_from=first, covers_to=last, signer="CISO")
    with pytest.raises(ValidationError, match=message):
        add_bridge(letter, by=None)


def test_a_bridge_letter_follows_a_type_two_only():
    report = make.report(make.service().vendor, by=person(), kind="iso27001")
    letter = BridgeLetter(report=report, covers_from=TODAY, covers_to=TODAY + DAY, signer="CISO")
    with pytest.raises(ValidationError, match="type II"):
        add_bridge(letter, by=None)


@pytest.mark.parametrize(
    "change",
    [
        lambda: AssuranceReport.objects.update(period_end=TODAY),
        lambda: run("DELETE FROM vendors_assurancereport"),
        lambda: ReportScope.objects.update(in_scope="no"),
        lambda: run("UPDATE vendors_assurancereport SET opinion = 'none'"),
        lambda: run("TRUNCATE vendors_assurancereport CASCADE"),
    ],
    ids=["update", "delete", "scope", "raw update", "truncate"],
)
def test_a_stored_report_keeps_its_words(change):
    report = make.report(make.service().vendor, by=person())
    with (
        pytest.raises(IntegrityError, match=r"append-only|keeps its versions"),
        transaction.atomic(),
    ):
        change()
    assert AssuranceReport.objects.get().period_end == report.period_end
