"""The demonstration is made once for all tests here, and undone after them."""

import ast
import datetime as dt
from collections import Counter

import pytest
from auditlog.models import LogEntry
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from audits.models import Call, Completion
from evidence.models import Finding
from policies.models import Integration
from policies.services.deciding import evaluate
from policies.services.people import sync_roles
from policies.services.phi import phi_by_service, phi_summary
from portal.demo import story
from portal.demo.people import PEOPLE
from portal.demo.use_plans import USES
from portal.services.people import add_person
from vendors.models import (
    AssuranceReport,
    BridgeLetter,
    Document,
    FactAssignment,
    Service,
    Subservice,
    Vendor,
    VendorReview,
)
from vendors.services.assurance import coverage_of
from vendors.services.snapshots import differences, snapshot

# One worker makes it, not each.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("alder-grove")]

ON = dt.date(2026, 11, 21)
AT = dt.datetime(2026, 11, 21, 15, tzinfo=dt.UTC)


@pytest.fixture(scope="module", autouse=True)
def _alder_grove(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        sync_roles()
        for email, (name, role) in PEOPLE.items():
            add_person(email, full_name=name, roles=[role])
        assert story.tell(on=ON, at=AT)
        yield
        transaction.set_rollback(True)


def test_a_second_telling_changes_nothing():
    before = Call.objects.count(), LogEntry.objects.count()
    assert not story.tell(on=ON, at=AT)
    assert before == (Call.objects.count(), LogEntry.objects.count())


def test_there_is_an_integration_in_every_state():
    assert set(Integration.objects.values_list("state", flat=True)) == set(Integration.State.values)


def test_ten_services_are_in_use_or_were():
    assert len({use.service for use in USES} - {"mistral-ai-studio"}) == 10


def test_the_papers_are_in_every_condition():
    reports = AssuranceReport.objects
    assert reports.type2_due(ON, within_days=60).get().vendor.slug == "quillwork"
    assert reports.to_review().get().vendor.slug == "anthropic"
    assert BridgeLetter.objects.count() == 6
    services = {s.pk: s.slug for s in Service.objects.all()}
    found = phi_by_service(Service.objects.offered(ON), ON)
    reasons = {services[pk]: set(each.verdict.reasons) for pk, each in found.items()}
    assert reasons["larkspur-transcribe"] == {"baa-expired"}
    assert reasons["snowflake-cortex"] == {"fact-stale"}
    assert "report-stale" in reasons["fernhill-insights"]
    assert phi_summary(found.values()).allowed == 6


def test_a_carve_out_has_its_own_report_and_a_baa_asks_for_a_setting():
    carved = Subservice.objects.needing_own_report().get(report__vendor__slug="anthropic")
    assert carved.own_report.vendor.slug == "amazon-web-services"
    found = coverage_of([Service.objects.get(slug="claude-api")], ON)[0].coverage
    assert found.state == "current"
    use = Integration.objects.get(slug="prior-authorization-letters")
    assert evaluate(use, ON).allowed
    use.settings_made = []
    assert "baa-scope" in evaluate(use, ON).reasons


def test_papers_say_that_they_are_invented():
    assert Document.objects.count() == 25
    assert all(document.page_count == 1 for document in Document.objects.all())


def test_reviews_are_finished_begun_and_tell_what_changed_since():
    finished = VendorReview.objects.finished().get()
    assert finished.vendor.slug == "amazon-web-services"
    changed = differences(finished.snapshot, snapshot(finished.vendor, ON))
    assert {each.name for each in changed} == {"amazon-bedrock: Content logs"}
    draft = VendorReview.objects.drafts().get()
    assert {item.section for item in draft.items.all()} == {"baa", "soc2"}
    assert draft.vendor.slug == "openai"


def test_one_vendor_is_left_with_proof_and_one_approved_until_its_condition():
    left = Vendor.objects.get(state="offboarded")
    steps = left.offboardings.get().steps.all()
    assert all(step.done_on for step in steps)
    assert steps.get(kind="data").document is not None
    conditional = Vendor.objects.get(state="approved_with_conditions")
    assert conditional.conditional_until == ON + dt.timedelta(days=40)
    assert FactAssignment.objects.filter(service__slug="snowflake-cortex").count() == 4


def test_ninety_days_of_calls_hold_denials_orphans_and_tests():
    live = Call.objects.live()
    assert live.count() == 4504
    assert live.earliest("received_at").received_at.date() > ON - dt.timedelta(days=90)
    assert live.latest("received_at").received_at < AT
    denied = Counter(r for reasons in live.values_list("reasons", flat=True) for r in reasons)
    assert denied["baa-expired"] > 60
    assert {"report-stale", "principal-not-granted", "model-not-listed"} <= set(denied)
    assert Call.objects.filter(livemode=False).count() > 50
    assert Call.objects.unanswered(AT).count() > 10
    assert Completion.objects.filter(swept=True, outcome="unknown").count() > 10
    assert Completion.objects.filter(without_call=True).count() == 0


def test_the_day_after_its_last_a_baa_stops_the_calls():
    calls = Call.objects.filter(integration__slug="call-center-transcripts")
    last_day = ON - dt.timedelta(days=18)
    midnight = dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time(), dt.UTC)
    assert not calls.filter(decision="allow", received_at__gte=midnight).exists()
    assert not calls.filter(reasons__contains=["baa-expired"], received_at__lt=midnight).exists()


def test_weekends_are_quiet():
    days = Counter(at.weekday() for at in Call.objects.values_list("received_at", flat=True))
    assert days[5] + days[6] < 0.15 * days[2] * 2.5


def test_findings_have_a_history():
    assert Finding.objects.filter(closed_at__isnull=False).exists()
    codes = set(Finding.objects.open().values_list("check_code", flat=True))
    assert {
        "baa-not-in-force",
        "baa-ending",
        "type2-due",
        "fact-stale",
        "key-expiring",
        "integration-blocked",
    } <= codes


def test_the_history_tells_who_and_on_which_day():
    integration = Integration.objects.get(slug="visit-note-summaries")
    entry = LogEntry.objects.get_for_object(integration).earliest()
    assert entry.actor == integration.owner
    assert entry.timestamp.date() == ON - dt.timedelta(days=94)


def test_the_demonstration_writes_by_services_alone():
    """Its only own rows are the three invented vendors: a plain save, as their form does it."""
    made = [
        ast.unparse(node.func)
        for path in sorted((settings.BASE_DIR / "portal" / "demo").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in {"create", "save", "update", "bulk_create", "get_or_create", "delete"}
    ]
    assert made == ["vendor.save", "vendor.save"]
