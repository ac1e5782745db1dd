import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from countersign.tests.make_rules import ALWAYS, document, permit, transform
from policies.models import (
    BreakGlass,
    Integration,
    IntegrationEvent,
    PolicyEvent,
    PolicyVersion,
)
from policies.services import policy_uses, versions
from policies.services.trail import Refused
from policies.tests import make
from policies.tests.make import NOON
from vendors.models import Epoch

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
MASK = document(transform("all", ALWAYS, "mask"))


@pytest.fixture
def officer():
    return make.person("officer")


@pytest.fixture
def other():
    return make.person("officer")


@pytest.fixture
def used(officer):
    of = make.active_integration()
    return of, make.ruled(of)


def test_a_new_policy_begins_with_the_starter_as_a_draft(officer):
    policy = versions.create_policy(name="Clinical notes", by=officer, at=NOON)
    assert policy.slug == "clinical-notes"
    draft = versions.draft_of(policy, officer)
    assert draft.document == versions.starter_document()
    assert versions.create_policy(name="Clinical  notes", by=officer, at=NOON).slug != policy.slug
    assert [e.kind for e in policy.events.all()] == ["created"]


def test_a_draft_is_kept_as_it_is_typed_and_can_be_thrown_away(officer):
    policy = versions.create_policy(name="Clinical notes", by=officer, at=NOON)
    versions.save_draft(policy, {"rules": []}, change="Half done", by=officer, at=NOON)
    assert versions.draft_of(policy, officer).document == {"rules": []}
    with pytest.raises(Refused, match="megabyte"):
        versions.save_draft(policy, {"rules": "x" * 2**20}, by=officer, at=NOON)
    versions.discard_draft(policy, by=officer)
    assert versions.draft_of(policy, officer) is None
    assert versions.start_draft(policy, by=officer, at=NOON).document["v"] == 1


def test_who_wrote_a_version_does_not_approve_it(officer):
    version = make.policy_version(by=officer)
    for decide in (
        lambda: versions.approve(version, by=officer, at=NOON),
        lambda: versions.reject(version, by=officer, at=NOON, decision="No."),
    ):
        with pytest.raises(Refused, match="somebody else"):
            decide()


def test_an_approved_version_is_signed_and_in_force(officer):
    version = versions.approve(make.policy_version(), by=officer, at=NOON)
    assert versions.version_at(version.policy, NOON) == version
    assert versions.version_at(version.policy, NOON - HOUR) is None
    version.refresh_from_db()
    assert versions.is_genuine(version)
    version.starts_at += HOUR
    assert not versions.is_genuine(version)
    version.refresh_from_db()
    version.document = MASK
    assert not versions.is_genuine(version)


def test_a_version_ends_when_the_next_begins(officer):
    first = versions.approve(make.policy_version(), by=officer, at=NOON)
    second = make.policy_version(first.policy, document=MASK)
    versions.approve(second, by=officer, at=NOON + HOUR, starts_at=NOON + 3 * HOUR)
    policy = first.policy
    assert versions.version_at(policy, NOON + 2 * HOUR) == first
    assert versions.version_at(policy, NOON + 3 * HOUR) == second


def test_an_urgent_version_goes_before_one_that_is_approved_for_later(officer):
    first = versions.approve(make.policy_version(), by=officer, at=NOON)
    later = make.policy_version(first.policy, document=MASK)
    versions.approve(later, by=officer, at=NOON, starts_at=NOON + 9 * HOUR)
    third = document(transform("all", ALWAYS, "drop"))
    urgent = make.policy_version(first.policy, document=third)
    versions.approve(urgent, by=officer, at=NOON + HOUR)
    found = [versions.version_at(first.policy, NOON + n * HOUR).number for n in (0, 1, 8, 9)]
    assert found == [1, 3, 3, 2]


@pytest.mark.parametrize(
    ("starts", "words"),
    [(-HOUR, "now or within a year"), (dt.timedelta(days=366), "now or within a year")],
)
def test_a_version_begins_now_or_later(officer, starts, words):
    with pytest.raises(Refused, match=words):
        versions.approve(make.policy_version(), by=officer, at=NOON, starts_at=NOON + starts)


def test_a_version_is_turned_down_with_a_word_and_taken_back_by_its_author(officer, other):
    version = make.policy_version(by=officer)
    with pytest.raises(Refused, match="Say why"):
        versions.reject(version, by=other, at=NOON, decision=" ")
    assert versions.reject(version, by=other, at=NOON, decision="Too wide.").state == "rejected"
    with pytest.raises(Refused, match="rejected already"):
        versions.approve(version, by=other, at=NOON)
    second = make.policy_version(version.policy, by=officer)
    with pytest.raises(Refused, match="Only who submitted"):
        versions.withdraw(second, by=other, at=NOON)
    assert versions.withdraw(second, by=officer, at=NOON).state == "withdrawn"


@pytest.mark.parametrize(
    "change",
    [
        {"document": MASK},
        {"digest": "0" * 64},
        {"claim": "limited"},
        {"number": 9},
        {"state": "submitted"},
        {"signature": "0" * 128},
        {"starts_at": NOON - HOUR},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_database_keeps_an_approved_version(change, officer):
    version = versions.approve(make.policy_version(), by=officer, at=NOON)
    with pytest.raises(IntegrityError, match="keeps its versions"), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(**change)


def test_the_database_puts_off_no_end_and_lets_no_two_overlap(officer):
    first = versions.approve(make.policy_version(), by=officer, at=NOON)
    second = make.policy_version(first.policy, document=MASK)
    versions.approve(second, by=officer, at=NOON, starts_at=NOON + HOUR)
    with pytest.raises(IntegrityError, match="never put off"), transaction.atomic():
        PolicyVersion.objects.filter(pk=first.pk).update(ends_at=None)
    third = make.policy_version(first.policy, document=MASK)
    approved = {
        "state": "approved",
        "starts_at": NOON + 2 * HOUR,
        "decided_by": officer,
        "decided_at": NOON,
        "signature": "0" * 128,
        "public_key": "0" * 64,
    }
    with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
        PolicyVersion.objects.filter(pk=third.pk).update(**approved)


@pytest.mark.parametrize("model", [PolicyVersion, PolicyEvent, BreakGlass])
def test_versions_and_events_are_never_deleted(model, used, officer):
    policy_uses.break_glass(
        used[0], hours=1, reason="Upgrade of the database.", by=officer, at=NOON
    )
    delete = f"DELETE FROM {model._meta.db_table}"  # noqa: S608 - a name of ours
    refused = pytest.raises(IntegrityError, match="append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(delete)


def test_an_integration_goes_by_a_policy_that_has_a_version_in_force(officer):
    of = make.active_integration()
    waiting = make.policy_version().policy
    with pytest.raises(Refused, match="no version in force"):
        policy_uses.assign(of, waiting, by=officer, at=NOON)
    before = Epoch.objects.get().value
    use = policy_uses.assign(of, make.data_policy(), by=officer, at=NOON)
    assert Epoch.objects.get().value > before
    assert (use.enforcement, use.shadow) == ("enforce", None)
    other = make.data_policy()
    assert policy_uses.assign(of, other, by=officer, at=NOON).policy == other
    policy_uses.take(of, by=officer, at=NOON)
    assert policy_uses.use_of(of) is None
    kinds = [e.kind for e in IntegrationEvent.objects.filter(integration=of).order_by("pk")]
    assert kinds == ["policy_set", "policy_set", "policy_taken"]


def test_an_approval_stands_when_the_policy_changes(used, officer):
    of, _ = used
    of.refresh_from_db()
    assert of.state == Integration.State.ACTIVE


def test_what_the_rules_say_can_be_counted_only(used, officer):
    of, policy = used
    assert policy_uses.set_enforcement(of, "monitor", by=officer, at=NOON).enforcement == "monitor"
    with pytest.raises(Refused, match="enforce or monitor"):
        policy_uses.set_enforcement(of, "off", by=officer, at=NOON)
    assert policy.events.filter(kind="enforcement", note="monitor", integration=of).exists()


def test_a_version_is_tried_beside_the_one_in_force(used, officer):
    of, policy = used
    with pytest.raises(Refused, match="in force already"):
        policy_uses.set_shadow(of, versions.version_at(policy, NOON), by=officer, at=NOON)
    waiting = make.policy_version(policy, document=MASK)
    assert policy_uses.set_shadow(of, waiting, by=officer, at=NOON).shadow == waiting
    policy_uses.set_shadow(of, None, by=officer, at=NOON)
    kinds = list(policy.events.filter(version=waiting).values_list("kind", flat=True))
    assert sorted(kinds) == ["shadow_ended", "shadow_started"]
    down = versions.reject(waiting, by=officer, at=NOON, decision="No.")
    with pytest.raises(Refused, match="rejected"):
        policy_uses.set_shadow(of, down, by=officer, at=NOON)


def test_each_kind_of_event_that_a_trail_may_name_is_written_by_something(officer, other):
    of = make.active_integration()
    policy = versions.create_policy(name="Notes", by=officer, at=NOON)

    def submitted():
        document = versions.starter_document()
        draft = versions.save_draft(policy, document, change="The first.", by=officer, at=NOON)
        return versions.submit(draft, by=officer, at=NOON)

    versions.withdraw(submitted(), by=officer, at=NOON)
    versions.reject(submitted(), by=other, at=NOON, decision="No.")
    first = versions.approve(submitted(), by=other, at=NOON)
    policy_uses.assign(of, policy, by=officer, at=NOON)
    policy_uses.set_enforcement(of, "monitor", by=officer, at=NOON)
    next_one = make.policy_version(policy, document=MASK)
    policy_uses.set_shadow(of, next_one, by=officer, at=NOON)
    policy_uses.set_shadow(of, None, by=officer, at=NOON)
    policy_uses.take(of, by=officer, at=NOON)
    # A version ends by the next one's approval: that is the event, and it says its moment.
    versions.approve(next_one, by=other, at=NOON, starts_at=NOON + HOUR)
    first.refresh_from_db()
    assert first.ends_at == NOON + HOUR
    written = set(policy.events.values_list("kind", flat=True))
    assert written == set(PolicyEvent.Kind.values)


def test_the_glass_is_broken_for_hours_with_a_reason_and_mended(used, officer):
    of, _ = used
    why = {"reason": "The database is moved tonight.", "by": officer, "at": NOON}
    for hours, words in ((0, "from 1 to 8"), (9, "from 1 to 8")):
        with pytest.raises(Refused, match=words):
            policy_uses.break_glass(of, hours=hours, **why)
    with pytest.raises(Refused, match="Say why"):
        policy_uses.break_glass(of, hours=1, **{**why, "reason": "  short "})
    glass = policy_uses.break_glass(of, hours=2, **why)
    assert policy_uses.open_glass(of, NOON + HOUR) == glass
    assert policy_uses.open_glass(of, NOON + 2 * HOUR) is None
    with pytest.raises(Refused, match="broken already"):
        policy_uses.break_glass(of, hours=1, **why)
    policy_uses.mend_glass(glass, by=officer, at=NOON + HOUR)
    assert policy_uses.open_glass(of, NOON + HOUR) is None
    with pytest.raises(Refused, match="already"):
        policy_uses.mend_glass(glass, by=officer, at=NOON + HOUR)
    with pytest.raises(IntegrityError), transaction.atomic():
        BreakGlass.objects.filter(pk=glass.pk).update(reason="Another one.")
    kinds = list(of.events.values_list("kind", flat=True))
    assert {"glass_broken", "glass_mended"} <= set(kinds)


def test_only_what_is_recorded_strictly_has_glass_to_break(officer):
    of = make.active_integration(audit_mode="spool")
    with pytest.raises(Refused, match="not recorded strictly"):
        policy_uses.break_glass(of, hours=1, reason="Some reason it is.", by=officer, at=NOON)


def test_the_impact_names_each_integration_and_a_claim_that_is_lost(used):
    of, policy = used
    Integration.objects.filter(pk=of.pk).update(deidentification="rules")
    (found,) = policy_uses.impact(policy, versions.starter_document(), at=NOON)
    assert (found.integration, found.changes, found.loses_claim) == (of, False, False)
    milder = document(transform("all", ALWAYS, "mask"), permit("let", ALWAYS))
    (found,) = policy_uses.impact(policy, milder, at=NOON)
    assert found.changes
    assert not found.loses_claim  # the mask is stricter than the permit, everywhere
    (found,) = policy_uses.impact(policy, document(permit("let", ALWAYS)), at=NOON)
    assert found.loses_claim
    assert found.differences.milder


def test_rules_are_read_for_many_in_few_queries(used, officer, django_assert_max_num_queries):
    of, policy = used
    make.ruled(make.active_integration())
    second = make.policy_version(policy, document=MASK)
    versions.approve(second, by=officer, at=NOON, starts_at=NOON + 5 * HOUR)
    policy_uses.break_glass(of, hours=2, reason="Upgrade of the database.", by=officer, at=NOON)
    everyone = list(Integration.objects.values_list("pk", flat=True))
    with django_assert_max_num_queries(3):
        found = policy_uses.rules_of(everyone, NOON)
    assert len(found) == 2
    assert found[of.pk].version.number == 1
    assert found[of.pk].changes_at == NOON + 2 * HOUR
    later = policy_uses.rules_of([of.pk], NOON + 3 * HOUR)[of.pk]
    assert (later.glass, later.changes_at) == (None, NOON + 5 * HOUR)
    last = policy_uses.rules_of([of.pk], NOON + 5 * HOUR)[of.pk]
    assert (last.version.number, last.changes_at) == (2, None)


def test_a_draft_that_is_ready_becomes_the_next_version(officer, other):
    policy = versions.create_policy(name="Clinical notes", by=officer, at=NOON)
    draft = versions.draft_of(policy, officer)
    with pytest.raises(Refused, match="Say what changes"):
        versions.submit(draft, by=officer, at=NOON)
    draft = versions.save_draft(policy, draft.document, change="A start.", by=officer, at=NOON)
    with pytest.raises(Refused, match="Only who wrote"):
        versions.submit(draft, by=other, at=NOON)
    version = versions.submit(draft, by=officer, at=NOON)
    assert (version.number, version.state, version.claim) == (1, "submitted", "safe_harbor")
    assert versions.draft_of(policy, officer) is None
    again = versions.start_draft(policy, by=officer, at=NOON)
    versions.save_draft(policy, again.document, change="The same.", by=officer, at=NOON)
    with pytest.raises(Refused, match="says the same"):
        versions.submit(versions.draft_of(policy, officer), by=officer, at=NOON)


def test_a_draft_with_rules_without_tests_is_not_submitted(officer):
    policy = versions.create_policy(name="Clinical notes", by=officer, at=NOON)
    draft = versions.save_draft(
        policy, versions.starter_document() | {"tests": []}, change="Less.", by=officer, at=NOON
    )
    with pytest.raises(versions.NotReady) as refused:
        versions.submit(draft, by=officer, at=NOON)
    assert [each.rule_id for each in refused.value.checked.untested] == ["no-secrets"]
    assert not policy.versions.exists()
