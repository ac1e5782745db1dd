"""What each step does in each state, and who may not take it."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from countersign.canonical import digest
from policies.models import Approval, Integration
from policies.services import grants, lifecycle
from policies.services.deciding import evaluate, material_terms
from policies.services.keys import KeyTerms, issue_key
from policies.services.lifecycle import Refused
from policies.tests import make
from policies.tests.make import NOON
from vendors.models import Document
from vendors.tests.make import TODAY

State = Integration.State


def kinds(integration):
    return list(integration.events.order_by("pk").values_list("kind", flat=True))


def in_state(state):
    """An integration that got to the state by approval where one is needed."""
    made = make.integration()
    if state in Integration.STANDING:
        make.approve(made, on=TODAY)
    made.state = state
    made.save()
    return made


STEPS = {
    "submit": (
        lambda i, who: lifecycle.submit(i, by=i.owner, at=NOON),
        {State.DRAFT: State.SUBMITTED, State.CHANGES: State.SUBMITTED},
    ),
    "approve": (
        lambda i, who: lifecycle.approve(i, by=who, at=NOON),
        {State.SUBMITTED: State.APPROVED},
    ),
    "renew": (
        lambda i, who: lifecycle.renew(i, by=who, at=NOON),
        {s: s for s in Integration.STANDING},
    ),
    "request_changes": (
        lambda i, who: lifecycle.request_changes(i, by=who, at=NOON, note="Name the region."),
        {State.SUBMITTED: State.CHANGES},
    ),
    "reject": (
        lambda i, who: lifecycle.reject(i, by=who, at=NOON, note="Not with this vendor."),
        {State.SUBMITTED: State.REJECTED},
    ),
    "suspend": (
        lambda i, who: lifecycle.suspend(i, reason="Incident", by=who, at=NOON),
        {State.APPROVED: State.SUSPENDED, State.ACTIVE: State.SUSPENDED},
    ),
    "resume": (
        lambda i, who: lifecycle.resume(i, by=who, at=NOON),
        {State.SUSPENDED: State.APPROVED},
    ),
    "retire": (
        lambda i, who: lifecycle.retire(i, by=who, at=NOON),
        {s: State.RETIRED for s in State if s not in lifecycle.FINAL},
    ),
    "change": (
        lambda i, who: lifecycle.change(i, {"region": "eu-west-1"}, by=i.owner, at=NOON),
        {
            State.DRAFT: State.DRAFT,
            State.CHANGES: State.CHANGES,
            State.SUBMITTED: State.DRAFT,
            **dict.fromkeys(Integration.STANDING, State.DRAFT),
        },
    ),
    "live key": (
        lambda i, who: issue_key(i, KeyTerms("server"), by=i.owner, at=NOON),
        {State.APPROVED: State.ACTIVE, State.ACTIVE: State.ACTIVE},
    ),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", STEPS)
def test_each_step_in_each_state(db, step, state):
    take, leads_to = STEPS[step]
    integration = in_state(state)
    officer = make.person("officer")
    events = integration.events.count()
    if state in leads_to:
        take(integration, officer)
        integration.refresh_from_db()
        assert integration.state == leads_to[state]
        assert integration.events.count() > events
        return
    with pytest.raises(Refused) as refusal:
        take(integration, officer)
    assert str(refusal.value).endswith(".")
    integration.refresh_from_db()
    assert integration.state == state
    assert integration.events.count() == events


def test_the_whole_way_leaves_its_trail_and_is_allowed_by_the_gate(db):
    engineer, officer = make.person("engineer"), make.person("officer")
    values = {
        "name": "Intake summariser",
        "purpose": "treatment",
        "description": "Summarises intake notes.",
        "service": make.good_service(),
        "model_patterns": ["gpt-*"],
        "region": "us-east-1",
    }
    made = lifecycle.create_draft(values, [make.data_class()], by=engineer, at=NOON)
    assert made.slug == "intake-summariser"
    lifecycle.submit(made, by=engineer, at=NOON)
    approval = lifecycle.approve(made, by=officer, at=NOON)
    issue_key(made, KeyTerms("server"), by=engineer, at=NOON)
    made.refresh_from_db()
    assert kinds(made) == ["created", "submitted", "approved", "key_issued", "activated"]
    assert evaluate(made, TODAY).allowed
    assert approval.terms_digest == digest(material_terms(made)) == digest(approval.terms)
    assert approval.expires_on == TODAY + dt.timedelta(days=365)
    assert engineer.has_perm("policies.manage_keys", made)
    other = lifecycle.create_draft(values, [make.data_class()], by=engineer, at=NOON)
    assert other.slug == "intake-summariser-2"


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "payment"},
        {"environment": "staging"},
        {"model_patterns": ["gpt-5", "o1"]},
        {"region": "eu-west-1"},
        {"audit_mode": "observe"},
        {"known_actors_only": True},
        {"deidentification": "safe_harbor"},
        {"account": "org-1"},
        {"endpoint": "api.openai.com"},
        {"features": ["files"]},
        {"settings_made": ["zero-retention"]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_material_change_voids_the_approval(db, changed):
    integration = make.active_integration()
    assert evaluate(integration, TODAY).allowed
    changed_now = lifecycle.change(integration, changed, by=integration.owner, at=NOON)
    assert changed_now.state == State.DRAFT
    assert kinds(changed_now)[-2:] == ["approval_voided", "changed"]
    reasons = evaluate(changed_now, TODAY).reasons
    assert {"integration-not-active", "approval-void"} <= set(reasons)


def test_terms_that_are_not_given_change_no_digest_and_taking_one_away_voids(db):
    integration = make.active_integration()
    assert not {"account", "endpoint", "features", "settings_made"} & set(
        material_terms(integration)
    )
    narrowed = make.integration(service=integration.service, features=["files"])
    make.approve(narrowed)
    changed = lifecycle.change(narrowed, {"features": []}, by=narrowed.owner, at=NOON)
    assert changed.state == State.DRAFT
    assert changed.events.filter(kind="approval_voided").get().note == "Changed: features"


def test_a_change_of_data_classes_or_service_voids_the_approval(db):
    first = make.active_integration()
    classes = [make.data_class(), make.data_class("pii")]
    assert lifecycle.change(first, {}, classes, by=first.owner, at=NOON).state == State.DRAFT
    second = make.active_integration()
    moved = lifecycle.change(second, {"service": make.good_service()}, by=second.owner, at=NOON)
    assert moved.state == State.DRAFT


def test_another_name_voids_nothing_and_no_change_leaves_no_event(db):
    integration = make.active_integration()
    lifecycle.change(integration, {"name": "Another"}, by=integration.owner, at=NOON)
    lifecycle.change(integration, {"name": "Another"}, by=integration.owner, at=NOON)
    integration.refresh_from_db()
    assert (integration.state, integration.name) == (State.ACTIVE, "Another")
    assert kinds(integration) == ["changed"]


def test_a_change_of_the_row_past_the_services_is_caught_by_the_digest(db):
    integration = make.active_integration()
    integration.model_patterns = ["gpt-*", "o1"]
    integration.save()
    assert "approval-void" in evaluate(integration, TODAY).reasons


@pytest.mark.parametrize("hand", ["owner", "created_by", "submitted", "changed"])
@pytest.mark.parametrize("decision", ["approve", "renew", "request_changes", "reject"])
def test_nobody_decides_on_what_they_had_a_hand_in(db, hand, decision):
    officer = make.person("officer")
    integration = make.integration()
    if decision == "renew":
        make.approve(integration)
    elif hand == "changed":
        lifecycle.change(integration, {"region": "eu-west-1"}, by=officer, at=NOON)
    if decision != "renew":
        lifecycle.submit(integration, by=officer, at=NOON)
    if hand in ("owner", "created_by"):
        integration = make.integration(**{hand: officer})
        integration.state = State.SUBMITTED if decision != "renew" else State.ACTIVE
        integration.save()
    elif decision == "renew":
        lifecycle.note_event(integration, hand, by=officer, at=NOON)
    note = {"note": "no"} if decision in ("request_changes", "reject") else {}
    before = integration.approvals.count()
    with pytest.raises(Refused, match="somebody else decides"):
        getattr(lifecycle, decision)(integration, by=officer, at=NOON, **note)
    assert integration.approvals.count() == before


def test_an_owner_who_passed_it_on_still_cannot_approve_what_they_wrote(db):
    officer, engineer = make.person("officer"), make.person("engineer")
    other = make.person("officer")
    integration = make.integration(owner=officer, created_by=None)
    lifecycle.submit(integration, by=officer, at=NOON)
    grants.change_owner(integration, owner=engineer, by=other, at=NOON)
    with pytest.raises(Refused, match="somebody else decides"):
        lifecycle.approve(integration, by=officer, at=NOON)


def test_terms_that_changed_since_they_were_read_are_not_approved(db):
    integration = make.integration()
    seen = digest(material_terms(integration))
    lifecycle.change(integration, {"region": "eu-west-1"}, by=integration.owner, at=NOON)
    lifecycle.submit(integration, by=integration.owner, at=NOON)
    with pytest.raises(Refused, match="changed since you read them"):
        lifecycle.approve(integration, by=make.person("officer"), at=NOON, seen_digest=seen)


@pytest.mark.parametrize("days", [-1, 366])
def test_an_approval_ends_today_or_later_and_not_after_the_longest(db, days):
    integration = in_state(State.SUBMITTED)
    with pytest.raises(Refused, match="last day"):
        lifecycle.approve(
            integration,
            by=make.person("officer"),
            at=NOON,
            expires_on=TODAY + dt.timedelta(days=days),
        )
    assert not Approval.objects.exists()


def test_the_last_day_of_an_approval_is_counted_where_the_organization_is(db, settings):
    settings.TIME_ZONE = "America/New_York"
    timezone.deactivate()
    made = in_state(State.SUBMITTED)
    # In New York it is still the evening of the day before.
    late = dt.datetime.combine(TODAY + dt.timedelta(days=1), dt.time(2), dt.UTC)
    approval = lifecycle.approve(made, by=make.person("officer"), at=late, expires_on=TODAY)
    assert approval.expires_on == TODAY


def test_an_approval_that_ran_out_denies_and_is_not_resumed_but_renewed(db):
    integration = make.active_integration()
    officer = make.person("officer")
    last = integration.approvals.get().expires_on
    later = last + dt.timedelta(days=1)
    at = dt.datetime.combine(later, dt.time(12), dt.UTC)
    assert "approval-void" in evaluate(integration, later).reasons
    lifecycle.suspend(integration, reason="It ran out", by=officer, at=at)
    with pytest.raises(Refused, match="run out"):
        lifecycle.resume(integration, by=officer, at=at)
    lifecycle.renew(integration, by=officer, at=at)
    lifecycle.resume(integration, by=officer, at=at)
    assert list(Approval.objects.lapsed(later)) == []


def test_a_key_that_still_works_sets_a_new_approval_to_work_at_once(db):
    integration = in_state(State.APPROVED)
    issue_key(integration, KeyTerms("server"), by=integration.owner, at=NOON)
    lifecycle.change(integration, {"region": "eu-west-1"}, by=integration.owner, at=NOON)
    lifecycle.submit(integration, by=integration.owner, at=NOON)
    lifecycle.approve(integration, by=make.person("officer"), at=NOON)
    integration.refresh_from_db()
    assert integration.state == State.ACTIVE


def test_retiring_revokes_every_key(db):
    integration = in_state(State.ACTIVE)
    key, _ = issue_key(integration, KeyTerms("server"), by=integration.owner, at=NOON)
    lifecycle.retire(integration, by=integration.owner, at=NOON)
    key.refresh_from_db()
    assert not key.usable_at(NOON)


def test_a_document_of_somebody_else_cannot_be_attached(db):
    integration = make.integration()
    foreign = Document.objects.create(
        name="d.pdf", sha256="0" * 64, size_bytes=1, uploaded_by=make.person("engineer")
    )
    values = {
        "deidentification": "expert",
        "deidentification_document": foreign,
        "deidentification_expires_on": TODAY,
    }
    with pytest.raises(Refused, match="somebody else"):
        lifecycle.change(integration, values, by=integration.owner, at=NOON)


def test_of_two_officers_at_once_one_decides_and_the_other_is_told(committed):
    integration = in_state(State.SUBMITTED)
    officers = [make.person("officer"), make.person("officer")]
    barrier = Barrier(2)

    def attempt(officer):
        barrier.wait()
        try:
            lifecycle.approve(integration, by=officer, at=NOON)
        except Refused as refusal:
            return str(refusal)
        else:
            return "approved"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(attempt, officers))
    assert answers == ["It is approved now, so it cannot be approved.", "approved"]
    assert integration.approvals.count() == 1
