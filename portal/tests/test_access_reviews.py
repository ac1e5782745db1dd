"""A campaign of access: frozen, decided line by line, executed, looked at again, closed, signed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from audits.models import SecurityEvent
from countersign.canonical import digest
from policies.models import (
    AccessReview,
    AccessReviewDecision,
    AccessReviewEntry,
    AccessReviewProof,
    Grant,
    GroupMembership,
    IntegrationKey,
    Principal,
    PrincipalGroup,
)
from policies.services.granting import Wanted, give_grant
from policies.services.keys import revoke_key
from policies.services.principals import principal_of
from policies.tests import make
from portal.models import PersonalToken
from portal.services import population
from portal.services.directory_tokens import issue_token as issue_directory_token
from portal.services.directory_tokens import make_directory
from portal.services.reviewing import (
    Choice,
    NotReviewed,
    Plan,
    Together,
    close_review,
    content_digest,
    decide,
    keep_together,
    seen_token,
    sign_review,
    start_review,
    verify,
    verify_all,
)
from portal.services.tokens import issue_token

pytestmark = pytest.mark.django_db

NOON = make.NOON
LATER = NOON + dt.timedelta(hours=1)
MINE = "/access/mine/sessions/"


@pytest.fixture
def officer():
    return make.person("officer", "officer@example.com")


@pytest.fixture
def second():
    return make.person("administrator", "second@example.com")


@pytest.fixture
def review(officer, second) -> AccessReview:
    """Officer, administrator and a viewer who has a token."""
    viewer = make.person("viewer", "viewer@example.com")
    issue_token(viewer, "export", scopes=["register:read"], days=30, at=NOON)
    return begin(officer, second)


def begin(officer, second) -> AccessReview:
    plan = Plan("Quarter 4", NOON.date() + dt.timedelta(days=14), officer, second)
    return start_review(plan, by=officer, at=NOON)


def line(review: AccessReview, kind: str, holder: str = "viewer@example.com") -> AccessReviewEntry:
    return review.entries.get(kind=kind, holder=holder)


def decide_all(review: AccessReview, officer, second) -> None:
    """Everything is kept; who holds a line does not decide on it."""
    for entry in review.entries.undecided():
        by = second if entry.user_id == officer.pk else officer
        decide(entry, Choice("keep", "Needed."), by=by, at=NOON)


def test_the_population_is_counted_and_its_digest_is_over_the_lines_as_stored(review):
    entries = list(review.entries.all())
    assert review.population_count == len(entries) == 4
    assert {entry.kind for entry in entries} == {"role", "token"}
    assert review.population_digest == digest([entry.frozen() for entry in entries])
    assert review.population_query == population.QUERY


def test_the_query_of_a_review_gives_its_lines_again(review):
    values = {"at": NOON, "of_owners": []}
    with connection.cursor() as cursor:
        cursor.execute(review.population_query, values)
        rows = [(row[0], row[1]) for row in cursor.fetchall()]
    assert rows == list(review.entries.values_list("kind", "row_id"))


def test_every_kind_of_access_is_a_line(officer, second):
    integration = make.active_integration(owner=second)
    make.key(integration)
    outside = make.person("viewer", "outside@example.com")
    outside.is_superuser = outside.is_staff = True
    outside.save()
    outside.user_permissions.add(4)
    make.assign_perm("policies.view_output", outside, integration)
    issue_token(outside, "t", scopes=["register:read"], days=3, at=NOON)
    review = begin(officer, second)
    kinds = set(review.entries.values_list("kind", flat=True))
    assert kinds >= {"role", "superuser", "staff", "permission", "object", "ownership"}
    assert kinds >= {"token", "key"}
    flagged = line(review, "superuser", "outside@example.com").flags
    assert "privileged" in flagged and "excessive" in flagged


def test_only_one_campaign_is_open(review, officer, second):
    with pytest.raises(Exception, match="open already"):
        begin(officer, second)


def test_nobody_decides_on_their_own_access(review, officer):
    own = line(review, "role", officer.email)
    with pytest.raises(NotReviewed, match="Nobody decides"):
        decide(own, Choice("keep", "Mine."), by=officer, at=NOON)


def test_a_decision_needs_a_note(review, officer):
    with pytest.raises(NotReviewed, match="why"):
        decide(line(review, "token"), Choice("keep", "  "), by=officer, at=NOON)


def test_a_revoked_token_is_gone_and_looked_at_again(review, officer):
    entry = line(review, "token")
    decide(entry, Choice("revoke", "Not used."), by=officer, at=NOON)
    assert PersonalToken.objects.get(pk=entry.row_id).revoked_at == NOON
    assert [proof.kind for proof in entry.proofs.all()] == ["executed"]
    proof = verify(entry, at=LATER)
    assert proof is not None
    assert proof.kind == "gone"
    assert proof.by is None
    assert proof.looks == [
        {"asked": "Tokens of this id that still work", "expected": 0, "found": 0}
    ]


def test_a_revoked_role_is_taken_and_what_comes_back_is_told(review, officer):
    entry = line(review, "role")
    decide(entry, Choice("revoke", "Left the team."), by=officer, at=NOON)
    assert entry.user.groups.count() == 0
    assert verify(entry, at=LATER).kind == "gone"
    entry.user.groups.set([make.Group.objects.get(name="Viewer")])
    assert verify_all(at=LATER) == 1
    assert entry.proofs.first().kind == "remains"


OUTSIDE_ROLES = {
    "superuser": lambda person: (
        make.get_user_model().objects.filter(pk=person.pk).update(is_superuser=True)
    ),
    "staff": lambda person: (
        make.get_user_model().objects.filter(pk=person.pk).update(is_staff=True)
    ),
    "permission": lambda person: person.user_permissions.add(4),
    "role": lambda person: person.groups.add(make.Group.objects.create(name="Old admins")),
}


@pytest.mark.parametrize("kind", OUTSIDE_ROLES)
def test_what_stood_outside_roles_is_gone_with_the_sessions_that_had_it(
    kind, officer, second, client
):
    person = make.person("viewer", "outside@example.com")
    OUTSIDE_ROLES[kind](person)
    client.force_login(person)
    assert client.get(MINE).status_code == 200
    review = begin(officer, second)
    (entry,) = review.entries.filter(kind=kind, holder=person.email).exclude(what="Viewer")
    decide(entry, Choice("revoke", "By hand, of nobody knows when."), by=officer, at=NOON)
    assert verify(entry, at=LATER).kind == "gone"
    again = make.get_user_model().objects.get(pk=person.pk)
    assert not (again.is_superuser or again.is_staff or again.user_permissions.exists())
    assert [group.name for group in again.groups.all()] == ["Viewer"]
    assert client.get(MINE).status_code == 302
    told = SecurityEvent.objects.filter(user=person).values_list("kind", "by", "reason")
    assert list(told.order_by("pk")) == [
        ("role-changed", officer.pk, ""),
        ("session-ended", officer.pk, "role-changed"),
    ]


def test_a_superuser_who_is_one_again_is_told(officer, second):
    person = make.person("viewer", "root@example.com")
    OUTSIDE_ROLES["superuser"](person)
    review = begin(officer, second)
    entry = line(review, "superuser", person.email)
    assert entry.flags == ["unused", "excessive", "privileged"]
    decide(entry, Choice("revoke", "Nobody needs it."), by=officer, at=NOON)
    proof = verify(entry, at=LATER)
    assert (proof.kind, proof.looks) == (
        "gone",
        [
            {
                "asked": "Accounts of the person with the superuser flag",
                "expected": 0,
                "found": 0,
            }
        ],
    )
    decide_all(review, officer, second)
    close_review(review, by=officer, at=LATER)
    OUTSIDE_ROLES["superuser"](person)
    assert verify_all(at=LATER + dt.timedelta(days=1)) == 1
    assert entry.proofs.first().kind == "remains"
    assert entry.proofs.first().looks[0]["found"] == 1


def test_the_last_administrator_stays_and_the_line_stays_open(review, officer, second):
    entry = line(review, "role", second.email)
    decide(entry, Choice("revoke", "Too much."), by=officer, at=NOON)
    proof = entry.proofs.get()
    assert (proof.kind, proof.reason[:18]) == ("refused", "This is the last a")
    assert second.groups.count() == 1
    decide(entry, Choice("keep", "Nobody else has it."), by=officer, at=NOON)
    assert list(entry.decisions.values_list("decision", flat=True)) == ["keep", "revoke"]


def test_a_role_changes_to_less_and_never_to_more(review, officer):
    entry = line(review, "role")
    decide(entry, Choice("change", "Raise.", "Administrator"), by=officer, at=NOON)
    assert entry.proofs.first().kind == "refused"
    assert [group.name for group in entry.user.groups.all()] == ["Viewer"]
    engineer = make.person("engineer", "engineer@example.com")
    decide_all(review, officer, make.person("administrator"))
    other = AccessReviewEntry.objects.filter(user=engineer)
    assert not other.exists()


def test_a_key_ends_earlier(officer, second):
    key, _ = make.key(make.active_integration())
    review = begin(officer, second)
    entry = review.entries.get(kind="key")
    day = (NOON + dt.timedelta(days=7)).date().isoformat()
    decide(entry, Choice("change", "Until the move.", day), by=officer, at=NOON)
    assert verify(entry, at=LATER).kind == "gone"
    assert IntegrationKey.objects.get(pk=key.pk).expires_at < NOON + dt.timedelta(days=9)


def test_a_day_that_is_none_is_refused_in_words(officer, second):
    make.key(make.active_integration())
    entry = begin(officer, second).entries.get(kind="key")
    decide(entry, Choice("change", "Until then.", "soon"), by=officer, at=NOON)
    proof = entry.proofs.get()
    assert (proof.kind, proof.reason) == ("refused", "Choose a day.")


def test_a_key_that_ends_before_the_day_chosen_has_not_ended(officer, second):
    key, _ = make.key(make.active_integration())
    entry = begin(officer, second).entries.get(kind="key")
    # The calendar's last day, which has no day after it.
    decide(entry, Choice("change", "Longer.", "9999-12-31"), by=officer, at=NOON)
    assert entry.proofs.get().reason == "It was so already."
    assert IntegrationKey.objects.get(pk=key.pk).expires_at == key.expires_at


def test_an_integration_changes_hands_but_is_not_left_without_an_owner(officer, second):
    integration = make.active_integration()
    review = begin(officer, second)
    entry = review.entries.get(kind="ownership")
    with pytest.raises(NotReviewed, match="no such decision"):
        decide(entry, Choice("revoke", "Left."), by=officer, at=NOON)
    heir = make.person("engineer", "heir@example.com")
    decide(entry, Choice("change", "Moved.", heir.email), by=officer, at=NOON)
    assert verify(entry, at=LATER).kind == "gone"
    integration.refresh_from_db()
    assert integration.owner == heir


def test_a_directory_s_token_is_ended(officer, second):
    made = make_directory("Entra", kind="people", by=second, at=NOON)
    token, _ = issue_directory_token(made, days=30, by=second, at=NOON)
    review = begin(officer, second)
    entry = review.entries.get(kind="directory")
    assert (entry.row_id, entry.flags) == (token.pk, ["privileged"])
    with pytest.raises(NotReviewed, match="Nobody decides"):
        decide(entry, Choice("keep", "Mine."), by=second, at=NOON)
    decide(entry, Choice("revoke", "Moved."), by=officer, at=NOON)
    assert verify(entry, at=LATER).kind == "gone"


def test_what_ended_by_itself_is_proven_all_the_same(officer, second):
    key, _ = make.key(make.active_integration())
    review = begin(officer, second)
    revoke_key(key, by=second, at=NOON)
    entry = review.entries.get(kind="key")
    decide(entry, Choice("revoke", "Old."), by=officer, at=LATER)
    assert entry.proofs.get().reason == "It had ended already."


def plain(review: AccessReview) -> list[int]:
    return [e.number for e in review.entries.all() if not e.flags and e.holder[0] == "v"]


def test_lines_are_kept_together_only_where_a_page_showed_them(review, officer, second):
    numbers = plain(review)
    assert numbers
    seen = seen_token(review, numbers, by=officer)
    told = [
        (Together(numbers, seen_token(review, [99], by=officer), "Ok."), "showed you"),
        (Together(numbers, seen_token(review, numbers, by=second), "Ok."), "showed you"),
        (Together(numbers, "forged", "Ok."), "showed you"),
        (Together(numbers, seen, ""), "why"),
        (Together([], seen, "Ok."), "Tick 1"),
        (Together(range(1, 30), seen, "Ok."), "Tick 1"),
    ]
    for ticked, words in told:
        with pytest.raises(NotReviewed, match=words):
            keep_together(review, ticked, by=officer, at=NOON)
    assert not AccessReviewDecision.objects.exists()
    made = keep_together(review, Together(numbers, seen, "Seen."), by=officer, at=NOON)
    assert {each.together for each in made} == {len(numbers)}
    with pytest.raises(NotReviewed, match="meanwhile"):
        keep_together(review, Together(numbers, seen, "Seen."), by=officer, at=NOON)


def test_flagged_lines_are_not_kept_together(review, officer):
    flagged = review.entries.filter(flags__contains=["privileged"]).exclude(user=officer).get()
    seen = seen_token(review, [flagged.number], by=officer)
    with pytest.raises(NotReviewed, match="flag"):
        keep_together(review, Together([flagged.number], seen, "Ok."), by=officer, at=NOON)


def test_a_campaign_closes_when_all_is_decided_and_proven_and_then_stands_still(
    review, officer, second
):
    with pytest.raises(NotReviewed, match="Still to decide: 4"):
        close_review(review, by=officer, at=LATER)
    entry = line(review, "token")
    decide(entry, Choice("revoke", "Not used."), by=officer, at=NOON)
    decide_all(review, officer, second)
    with pytest.raises(NotReviewed, match="Not yet verified as gone: 1"):
        close_review(review, by=officer, at=LATER)
    verify(entry, at=NOON)
    closed = close_review(review, by=officer, at=LATER)
    assert closed.closed_digest == content_digest(closed, until=LATER)
    for change in (
        lambda: AccessReview.objects.update(title="Another"),
        lambda: AccessReview.objects.update(closed_digest="0" * 64),
        lambda: AccessReviewDecision.objects.create(
            entry=entry, decision="keep", note="x", by=officer, at=LATER
        ),
        lambda: AccessReviewProof.objects.create(entry=entry, kind="executed", at=LATER),
        lambda: AccessReviewEntry.objects.update(holder="x"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    with pytest.raises(NotReviewed, match="closed"):
        decide(entry, Choice("keep", "x"), by=officer, at=LATER)


def test_another_person_signs_off(review, officer, second):
    decide_all(review, officer, second)
    closed = close_review(review, by=officer, at=LATER)
    with pytest.raises(NotReviewed, match="You closed it"):
        sign_review(closed, "Fine.", by=officer, at=LATER)
    # The second person decided on the officer's own lines alone, which the officer could not.
    signed = sign_review(closed, "Fine.", by=second, at=LATER)
    assert signed.signed_by == second
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessReview.objects.update(sign_note="Another")


def test_who_decided_in_it_does_not_sign(review, officer, second):
    decide(line(review, "token"), Choice("keep", "Used."), by=second, at=NOON)
    decide_all(review, officer, second)
    closed = close_review(review, by=officer, at=LATER)
    with pytest.raises(NotReviewed, match="You decided in it"):
        sign_review(closed, "Fine.", by=second, at=LATER)


def test_a_line_is_never_added_to_a_population(review):
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        AccessReviewEntry.objects.create(
            review=review,
            number=5,
            kind="role",
            row_id=1,
            holder="x",
            what="x",
            use_known=False,
            frozen_at=NOON,
        )


def test_after_closing_only_what_changes_is_stored(review, officer, second):
    entry = line(review, "role")
    decide(entry, Choice("revoke", "Left."), by=officer, at=NOON)
    verify(entry, at=NOON)
    decide_all(review, officer, second)
    closed = close_review(review, by=officer, at=LATER)
    assert verify_all(at=LATER) == 0
    entry.user.groups.set([make.Group.objects.get(name="Viewer")])
    assert verify_all(at=LATER + dt.timedelta(days=1)) == 1
    assert entry.proofs.first().kind == "remains"
    assert closed.closed_digest == content_digest(closed, until=LATER)


def granted(integration, permission: str = "send_prompt", **holder) -> Grant:
    wanted = Wanted(
        permission=permission, purpose="Triage.", ends_at=NOON + dt.timedelta(days=60), **holder
    )
    return give_grant(integration, wanted, by=make.person("officer"), at=NOON)


def test_a_revoked_grant_is_gone_from_grants_and_from_every_page(officer, second):
    integration = make.active_integration()
    person = make.person("engineer", "sender@example.com")
    grant = granted(integration, principal=principal_of(person, at=NOON))
    assert person.has_perm("policies.send_prompt", integration)
    review = begin(officer, second)
    entry = line(review, "grant", person.email)
    assert (entry.what, entry.use_known, entry.row_id) == ("send_prompt", True, grant.pk)
    assert not review.entries.filter(kind="object").exists()
    decide(entry, Choice("revoke", "Moved on."), by=officer, at=LATER)
    assert verify(entry, at=LATER).kind == "gone"
    again = make.get_user_model().objects.get(pk=person.pk)
    assert not again.has_perm("policies.send_prompt", integration)


def test_a_grant_that_changes_is_another_one_that_ends_earlier(officer, second):
    outside = Principal.objects.create(
        kind="service", identifier="batch-1", source="csv", created_at=NOON
    )
    grant = granted(make.active_integration(), principal=outside)
    review = begin(officer, second)
    entry = line(review, "grant", "service:batch-1")
    day = (NOON + dt.timedelta(days=7)).date().isoformat()
    decide(entry, Choice("change", "A week more.", day), by=officer, at=LATER)
    assert [proof.reason for proof in entry.proofs.all()] == [""]
    assert verify(entry, at=LATER).kind == "gone"
    rest = Grant.objects.exclude(pk=grant.pk).get()
    assert rest.ends_at < NOON + dt.timedelta(days=9)


def test_nobody_decides_on_a_group_they_are_in(officer, second):
    group = PrincipalGroup.objects.create(slug="nurses", name="Nurses", created_at=NOON)
    GroupMembership.objects.create(
        group=group, principal=principal_of(officer, at=NOON), added_at=NOON
    )
    grant = Grant(
        integration=make.active_integration(),
        permission="read_log",
        group=group,
        purpose="Round.",
        state="standing",
        starts_at=NOON,
        ends_at=NOON + dt.timedelta(days=9),
        asked_at=NOON,
        decided_by=make.person("officer"),
        decided_at=NOON,
    )
    grant.save()
    review = begin(officer, second)
    entry = line(review, "grant", "Group Nurses")
    with pytest.raises(NotReviewed, match="Nobody decides"):
        decide(entry, Choice("keep", "Ours."), by=officer, at=NOON)
    decide(entry, Choice("keep", "They read it."), by=second, at=NOON)
