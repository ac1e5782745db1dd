"""Each check of papers finds what it is for, and nothing else."""

import pytest

from evidence.models import Finding
from evidence.tests import make
from evidence.tests.make import at, codes, day, paper, quiet, run
from policies.tests.make import data_class, person
from vendors.models import AssuranceReport, BridgeLetter, Service, Vendor
from vendors.tests import make as register


def found(code: str) -> Finding:
    return Finding.objects.open().get(check_code=code)


def test_nothing_is_found_where_all_is_well(db):
    quiet()
    run()
    assert codes() == set()


@pytest.mark.parametrize(
    ("ends", "severity"),
    [
        (91, None),
        (90, "low"),
        (31, "low"),
        (30, "medium"),
        (15, "medium"),
        (14, "high"),
        (0, "high"),
    ],
)
def test_a_baa_that_ends_is_told_ninety_days_before(db, ends, severity):
    quiet(service=make.service(baa={"ends_on": day(ends)}))
    run()
    assert codes() == ({"baa-ending"} if severity else set())
    if severity:
        finding = found("baa-ending")
        assert (finding.due_on, finding.severity) == (day(ends), severity)


def test_a_baa_that_another_follows_is_not_told(db):
    service = make.service(baa={"ends_on": day(10)})
    register.baa(service.vendor, starts_on=day(11), ends_on=day(400), document=paper())
    quiet(service=service)
    run()
    assert codes() == set()


def test_a_baa_of_a_vendor_that_left_is_not_told(db):
    make.service(baa={"ends_on": day(10)}, state=Vendor.State.OFFBOARDED)
    run()
    assert codes() == set()


def test_phi_without_a_baa_in_force_is_told_with_the_one_that_ended(db):
    quiet(service=make.service(baa={"ends_on": day(-3), "reference": "BAA-7"}))
    run()
    assert codes() == {"baa-not-in-force", "integration-blocked"}
    finding = found("baa-not-in-force")
    assert (finding.due_on, finding.severity) == (day(-3), "high")
    assert finding.detail == "BAA-7 has ended"


def test_phi_without_any_baa_has_no_due_day(db):
    service = register.service()
    register.report(service.vendor, by=person())
    quiet(service=service)
    run()
    assert found("baa-not-in-force").due_on is None


def test_without_phi_an_ended_baa_is_no_finding(db):
    internal = data_class("internal")
    for reason in ("baa-missing", "baa-expired", "baa-scope"):
        internal.requirements.create(reason=reason, effect="off")
    quiet(service=make.service(baa={"ends_on": day(-3)}), data_classes=[internal])
    run()
    assert codes() == set()


def test_a_dpa_is_told_sixty_days_before_and_after_it_ended(db):
    service = quiet().service
    register.baa(service.vendor, kind="dpa", ends_on=day(60), document=paper())
    run()
    assert codes() == {"dpa-ending"}
    run(61)
    assert codes(vendor=service.vendor) >= {"dpa-ended"}
    assert "dpa-ending" not in codes()


def test_a_vendor_that_never_had_a_dpa_is_not_told(db):
    quiet()
    run()
    assert "dpa-ended" not in codes()


def test_an_agreement_in_force_without_its_document_is_told(db):
    quiet(service=make.service(baa={"document": None}))
    run()
    assert codes() == {"agreement-no-document"}


@pytest.mark.parametrize(("period_end", "expected"), [(-304, set()), (-305, {"report-ending"})])
def test_a_report_is_told_sixty_days_before_it_goes_stale(db, period_end, expected):
    quiet(service=make.service(report={"period_end": day(period_end)}))
    run()
    assert codes() == expected


def test_a_stale_report_is_overdue_since_its_last_covered_day(db):
    quiet(service=make.service(report={"period_start": day(-700), "period_end": day(-400)}))
    run()
    finding = found("report-ending")
    assert (finding.due_on, finding.severity) == (day(-35), "high")


def test_a_bridge_letter_moves_the_day(db):
    service = make.service(report={"period_start": day(-700), "period_end": day(-370)})
    report = AssuranceReport.objects.get()
    quiet(service=service)
    run()
    assert "report-ending" in codes()
    BridgeLetter.objects.create(
        report=report, covers_from=day(-369), covers_to=day(20), signer="Head of security"
    )
    run(1)
    assert found("report-ending").due_on == day(20)


@pytest.mark.parametrize(("slug", "severity"), [("phi", "high"), ("internal", "medium")])
def test_a_service_in_use_without_a_report_is_told(db, slug, severity):
    service = register.service()
    register.baa(service.vendor, document=paper())
    quiet(service=service, data_classes=[data_class(slug)])
    run()
    assert found("report-missing").severity == severity


def test_what_runs_on_our_premises_needs_no_report_of_a_vendor(db):
    service = register.service(deployment=Service.Deployment.ON_PREM)
    register.baa(service.vendor, document=paper())
    quiet(service=service)
    run()
    assert "report-missing" not in codes()


def test_a_service_that_nobody_uses_needs_no_report(db):
    register.service()
    run()
    assert codes() == set()


@pytest.mark.parametrize(("due", "told"), [(61, False), (60, True), (-1, True)])
def test_a_type_ii_is_due_by_the_day_set(db, due, told):
    type1 = {"kind": "soc2_type1", "as_of": day(-90), "type2_due_on": day(due)}
    quiet(service=make.service(report={**type1, "period_start": None, "period_end": None}))
    run()
    assert ("type2-due" in codes()) is told
    if told:
        assert found("type2-due").due_on == day(due)


def test_stale_facts_are_one_finding_for_a_service(db):
    """91 days after they were read they are stale; 14 days before that they are told."""
    quiet()
    run(74)
    assert "fact-stale" not in codes()
    run(75)
    finding = found("fact-stale")
    assert (finding.due_on, finding.severity) == (day(89), "low")
    assert finding.detail.count(",") == 3
    service = Service.objects.get()
    for fact in list(service.facts.all()):
        register.fact(
            service,
            dimension=fact.dimension,
            value=fact.value,
            number=fact.number,
            verified_on=day(76),
            recorded_on=day(76),
        )
    run(77)
    assert "fact-stale" not in codes()


def test_facts_of_a_service_that_nobody_uses_are_not_told(db):
    register.service()
    run(200)
    assert "fact-stale" not in codes()


@pytest.mark.parametrize(
    ("due", "severity"), [(31, None), (30, "low"), (14, "medium"), (-1, "high")]
)
def test_a_vendor_review_is_told_thirty_days_before(db, due, severity):
    make.service(next_review_on=day(due))
    run()
    assert codes() == ({"review-due"} if severity else set())
    if severity:
        assert found("review-due").severity == severity


def test_the_owner_of_the_paper_then_of_the_vendor_answers(db):
    of_paper, of_vendor = person(), person()
    service = make.service(baa={"ends_on": day(5), "owner": of_paper}, owner=of_vendor)
    run()
    assert found("baa-ending").owner == of_paper
    of_paper.is_active = False
    of_paper.save()
    run(1)
    assert found("baa-ending").owner == of_vendor
    assert found("baa-ending").vendor == service.vendor
    assert found("baa-ending").last_seen_at == at(1)
