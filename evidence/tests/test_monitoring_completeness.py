"""What providers counted and nobody recorded is a finding with its number."""

from __future__ import annotations

import datetime as dt

import pytest

from audits.completeness.comparing import Count
from audits.tests import make_usage
from evidence.models import Finding
from evidence.services.deadlines import deadlines
from evidence.services.findings import flag_findings, start_run
from evidence.tests import make
from policies.tests.make import data_class

pytestmark = pytest.mark.django_db
NOW, TODAY = make_usage.NOW, make_usage.TODAY
MONTH = (make_usage.day(30), make_usage.day(1))


@pytest.fixture
def use():
    return make.quiet(data_classes=[data_class("internal", is_phi=False)])


@pytest.fixture
def source(use):
    made = make_usage.source(name="Their export")
    make_usage.mapping(made, use, project="p1")
    return made


def run(days: int = 0):
    at = NOW + dt.timedelta(days=days)
    return flag_findings(start_run(on=at.date(), at=at), at=at)


def found(code: str):
    return Finding.objects.open().filter(check_code=code)


def counted(requests: int, ago: int = 2, project: str = "p1") -> Count:
    return Count(make_usage.day(ago), project, requests=requests)


def test_equal_numbers_open_nothing(use, source):
    make_usage.called(use, make_usage.day(2), times=5)
    make_usage.imported(source, counted(5), days=MONTH)
    run()
    codes = ("calls-unrecorded", "calls-uncounted", "usage-unassigned", "usage-import-due")
    assert not Finding.objects.filter(check_code__in=codes).exists()


def test_unrecorded_requests_open_a_finding_with_their_number_and_a_better_import_closes_it(
    use, source
):
    make_usage.called(use, make_usage.day(2), times=5)
    make_usage.imported(source, counted(12), days=MONTH)
    run()
    finding = found("calls-unrecorded").get()
    assert finding.subject == use
    assert finding.integration == use
    assert "7 requests unrecorded on 1 day" in finding.detail
    assert "12 counted, 5 recorded" in finding.detail
    make_usage.imported(source, counted(5), days=MONTH, at=NOW + dt.timedelta(hours=1))
    run(1)
    finding.refresh_from_db()
    assert finding.closed_at is not None


@pytest.mark.parametrize(
    ("requests", "recorded", "severity"), [(103, 100, "medium"), (110, 100, "high")]
)
def test_the_severity_is_by_size(use, source, settings, requests, recorded, severity):
    settings.USAGE_TOLERANCE_REQUESTS = 2
    make_usage.called(use, make_usage.day(2), times=recorded)
    make_usage.imported(source, counted(requests), days=MONTH)
    run()
    assert found("calls-unrecorded").get().severity == severity


def test_with_phi_it_is_high_however_few(source):
    use = make.quiet()
    make_usage.mapping(source, use, project="p2")
    make_usage.called(use, make_usage.day(2), times=200)
    make_usage.imported(source, counted(203, project="p2"), days=MONTH)
    run()
    assert found("calls-unrecorded").get().severity == "high"


def test_what_is_no_integrations_and_what_was_not_counted_are_findings_too(use, source):
    make_usage.called(use, make_usage.day(2), times=9)
    make_usage.imported(source, counted(4, project="unknown"), days=MONTH)
    run()
    nobodys = found("usage-unassigned").get()
    assert nobodys.subject == source
    assert "4 requests" in nobodys.detail
    uncounted = found("calls-uncounted").get()
    assert (uncounted.subject, uncounted.severity) == (use, "low")
    assert "9 calls on 1 day" in uncounted.detail


def test_counts_that_are_late_are_a_finding_and_a_deadline(source):
    make_usage.imported(source, days=(make_usage.day(30), make_usage.day(5)))
    due = [each for each in deadlines(TODAY, within_days=0) if each.code == "usage-import-due"]
    assert [(each.label, each.days_left) for each in due] == [("Their export", -2)]
    run()
    assert found("usage-import-due").get().due_on == make_usage.day(2)
    make_usage.imported(source, days=MONTH, at=NOW + dt.timedelta(hours=1))
    run(1)
    assert not found("usage-import-due").exists()


def test_a_source_that_never_had_an_import_is_late_from_its_registration(source):
    run()
    assert "No counts yet" in found("usage-import-due").get().detail
