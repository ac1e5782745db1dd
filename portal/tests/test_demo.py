"""The demonstration is made once for all tests here, and undone after them.

The last ones read it as of the days that it tells of.
"""

import ast
import datetime as dt
from collections import Counter

import pytest
from auditlog.models import LogEntry
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from audits.models import (
    Call,
    Completion,
    Event,
    KeyNetwork,
    Ledger,
    Pending,
    SecurityEvent,
    Verification,
)
from audits.services import verifications
from audits.tests.event_types import misfits
from evidence.models import Finding
from policies.models import (
    AccessReview,
    AccessReviewEntry,
    AccessReviewProof,
    ExclusiveRoles,
    Grant,
    Integration,
    Principal,
    PrincipalGroup,
)
from policies.services.deciding import evaluate
from policies.services.people import sync_roles
from policies.services.phi import phi_by_service, phi_summary
from policies.services.verdicts import live_answers
from portal.demo import story
from portal.demo.people import PEOPLE
from portal.demo.use_plans import USES
from portal.models import Directory
from portal.services.people import add_person
from vendors import as_of
from vendors.models import (
    Agreement,
    AssuranceReport,
    BridgeLetter,
    Document,
    Fact,
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
DAYS = [ON - dt.timedelta(days=days) for days in (1, 30, 90, 200, 390, 650)]


@pytest.fixture(scope="module", autouse=True)
def _alder_grove(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        sync_roles()
        for email, (name, role) in PEOPLE.items():
            add_person(email, full_name=name, roles=[role], at=timezone.now())
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


def test_all_that_happened_is_sealed_in_the_order_of_the_story():
    assert not Pending.objects.exists()
    events = Event.objects.filter(ledger_id=Ledger.LIVE).order_by("index")
    first, *others = events
    assert first.type == "ledger-start"
    assert first.received_at.date() < ON - dt.timedelta(days=600)
    assert {each.type for each in others} >= {
        *("agreement", "approval", "change", "document", "fact", "finding", "grant", "policy"),
        *("integration", "key-created", "key-revoked", "report", "role", "vendor-state"),
    }
    assert [e.type for e in others if misfits(e.type, e.payload)] == []
    moments = [e.received_at for e in events]
    assert moments == sorted(moments)
    approval = Integration.objects.get(slug="visit-note-summaries").approvals.earliest("decided_at")
    sealed = events.get(type="approval", payload__row=approval.pk)
    assert dt.timedelta() <= sealed.received_at - approval.decided_at < dt.timedelta(days=1)


@pytest.mark.parametrize("ledger_id", [Ledger.LIVE, Ledger.TEST])
def test_its_ledgers_are_verified(ledger_id):
    found = verifications.run(
        Ledger.objects.get(pk=ledger_id), Verification.Kind("full"), at=AT + dt.timedelta(days=1)
    )
    assert (found.result, found.problems) == ("passed", [])
    assert found.verified == found.expected > 100


def test_callers_are_known_but_for_two_that_nobody_named():
    kinds = Counter(Principal.objects.active().values_list("kind", flat=True))
    assert kinds == {"user": 64, "service": 9, "agent": 1}
    unknown = Principal.objects.unknown().values_list("identifier", "source")
    assert set(unknown) == {("u-1060", "seen"), ("auditor@example.com", "seen")}
    seen = Principal.objects.get(identifier="u-1060")
    calls = Call.objects.live().filter(actor_id="u-1060")
    assert seen.first_seen_at == calls.earliest("received_at").received_at
    assert seen.created_at.date() - seen.first_seen_at.date() <= dt.timedelta(days=7)
    sizes = {g.name: g.members.count() for g in PrincipalGroup.objects.all()}
    assert sizes == {
        "Billing team": 24,
        "Care coordination nurses": 12,
        "Primary care clinicians": 24,
    }


def test_a_directory_keeps_the_clinicians_and_ended_one_of_them():
    directory = Directory.objects.get()
    assert (directory.kind, directory.people.filter(deleted_at=None).count()) == ("principals", 37)
    ended = directory.people.get(active=False).principal
    assert (ended.state, ended.left_at.date()) == ("left", ON - dt.timedelta(days=12))
    assert not ended.memberships.exists()
    assert directory.tokens.get().last_used_at.date() == ON - dt.timedelta(days=12)
    assert Counter(directory.events.values_list("kind", flat=True)) == {
        "added": 37,
        "group-added": 2,
        "ended": 1,
    }


def test_grants_are_in_every_state():
    grants = Grant.objects.filter(kind="standing")
    assert set(grants.values_list("state", flat=True)) == set(Grant.State.values)
    assert {each.permission for each in grants.standing(AT)} == set(Grant.Permission.values)
    near = grants.ending(AT, within_days=14).get()
    assert near.principal.user.email == "viewer@example.com"
    waiting = Grant.objects.asked_for().get()
    assert waiting.asked_by.email == "engineer@example.com"
    for each in grants.exclude(state="requested"):
        assert each.decided_by_id != each.asked_by_id


def test_one_emergency_is_reviewed_and_one_waits():
    waiting = Grant.objects.unreviewed().get()
    assert (waiting.state, waiting.ends_at.date()) == ("ended", ON - dt.timedelta(days=2))
    reviewed = Grant.objects.filter(kind="emergency").exclude(pk=waiting.pk).get()
    assert reviewed.reviewed_by_id != reviewed.asked_by_id
    assert Finding.objects.open().filter(check_code="emergency-unreviewed").count() == 1


def test_pairs_of_duties_are_kept_and_one_was_ended():
    assert ExclusiveRoles.objects.live().count() == 5
    ended = ExclusiveRoles.objects.get(ended_at__isnull=False)
    assert (ended.first, ended.second) == ("grant:read_log", "role:Viewer")


def test_one_review_of_access_is_signed_off_and_one_half_decided():
    begun = AccessReview.objects.open().get()
    left = begun.entries.undecided()
    assert 0.4 < left.count() / begun.population_count < 0.6
    assert left.exclude(flags=[]).exists()
    done = AccessReview.objects.signed().get()
    assert len({done.closed_by_id, done.signed_by_id}) == 2
    assert not done.entries.undecided().exists()
    for review in (begun, done):
        revoked = AccessReviewEntry.objects.filter(review=review).to_prove().get()
        kinds = [proof.kind for proof in revoked.proofs.order_by("pk")]
        assert kinds[0] == AccessReviewProof.Kind.EXECUTED
        assert kinds[-1] == AccessReviewProof.Kind.GONE
        assert Grant.objects.get(pk=revoked.row_id).state == "withdrawn"


def test_events_tell_of_sign_ins_and_of_a_key_that_moved():
    moved = SecurityEvent.objects.get(kind="key-new-network")
    assert moved.key.integration.slug == "visit-note-summaries"
    assert KeyNetwork.objects.filter(key=moved.key).count() == 2
    kinds = Counter(SecurityEvent.objects.values_list("kind", flat=True))
    assert kinds["sign-in"] == 6
    assert kinds["sign-in-failed"] == 5
    assert kinds["emergency-access"] >= 2


def test_the_page_of_events_tells_them_in_the_order_of_their_moments(client):
    client.force_login(get_user_model().objects.get(email="officer@example.com"))
    page = client.get(reverse("audits:securityevent-list")).context["page_obj"]
    shown = [event for each in page.paginator for event in each]
    moments = [event.at for event in shown]
    assert len(moments) == SecurityEvent.objects.count()
    assert len(set(moments)) > 20
    assert moments == sorted(moments, reverse=True)


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


def test_the_register_grew_over_its_days():
    counted = []
    for day in reversed(DAYS):
        with as_of.reading(day):
            counted.append(
                (
                    Vendor.objects.count(),
                    Agreement.objects.count(),
                    AssuranceReport.objects.count(),
                    Fact.objects.count(),
                    Integration.objects.count(),
                )
            )
    assert counted == sorted(counted)
    assert all(len(set(column)) > 1 for column in zip(*counted, strict=True))
    with as_of.reading(ON):
        last = Vendor.objects.count(), Agreement.objects.count(), Fact.objects.count()
    assert last == (Vendor.objects.count(), Agreement.objects.count(), Fact.objects.count())


def test_nothing_is_known_before_the_day_it_speaks_of():
    for day in DAYS:
        with as_of.reading(day):
            assert not Fact.objects.filter(recorded_on__gt=day).exists()
            assert not AssuranceReport.objects.filter(issued_on__gt=day).exists()
            assert not AssuranceReport.objects.filter(reviewed_on__gt=day).exists()
            assert not Agreement.objects.filter(signed_on__gt=day).exists()
            assert not Vendor.objects.filter(last_reviewed_on__gt=day).exists()


def test_the_gate_answers_for_past_days():
    answers = []
    for day in DAYS[:3]:
        with as_of.reading(day):
            answers.append(live_answers(day))
    assert any(allowed for allowed, _ in answers)
    assert any(denied for _, denied in answers)
    assert len(set(answers)) > 1


def test_people_and_their_grants_are_of_their_days():
    counted = []
    for day in (*reversed(DAYS), ON):
        with as_of.reading(day):
            assert not Grant.objects.filter(asked_at__date__gt=day).exists()
            assert not Principal.objects.filter(created_at__date__gt=day).exists()
            assert not AccessReview.objects.filter(started_at__date__gt=day).exists()
            counted.append((Principal.objects.count(), Grant.objects.count()))
    assert counted == sorted(counted)
    assert counted[0] == (0, 0) < counted[3] < counted[-1]
    with as_of.reading(ON - dt.timedelta(days=30)):
        assert ExclusiveRoles.objects.live().count() == 6
    with as_of.reading(ON - dt.timedelta(days=6)):
        assert AccessReview.objects.open().count() == 1


@pytest.mark.parametrize("day", [*DAYS, ON])
def test_no_row_of_a_day_points_to_one_that_was_not_there(day):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text "
            "FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid "
            "AND a.attnum = c.conkey[1] WHERE c.contype = 'f' "
            "AND to_regclass('as_of.' || c.conrelid::regclass::text) IS NOT NULL "
            "AND to_regclass('as_of.' || c.confrelid::regclass::text) IS NOT NULL"
        )
        keys = cursor.fetchall()
    assert len(keys) > 20
    orphans = []
    with as_of.reading(day), connection.cursor() as cursor:
        for table, column, of in keys:
            cursor.execute(
                f"SELECT count(*) FROM {table} t WHERE t.{column} IS NOT NULL "  # noqa: S608
                f"AND NOT EXISTS (SELECT FROM {of} o WHERE o.id = t.{column})"
            )
            (found,) = cursor.fetchone()
            if found:
                orphans.append(f"{table}.{column} -> {of}: {found}")
    assert orphans == []
