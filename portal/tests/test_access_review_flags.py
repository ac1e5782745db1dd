"""What a campaign marks in its lines, from the tables to the stored population."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audits.models import Ledger
from audits.services.actors import note_actors
from evidence.tests import make as records
from policies.models import AccessReview, PrincipalUse, SightingMark
from policies.services import directory
from policies.services.duties import keep_pair
from policies.services.granting import Wanted, break_in, give_grant
from policies.services.principals import principal_of
from policies.tests import make
from portal.models import PersonalToken
from portal.services.reviewing import Plan, start_review
from portal.services.tokens import issue_token

pytestmark = pytest.mark.django_db

NOON = make.NOON
DAY = dt.timedelta(days=1)
LONG_AGO = NOON - 100 * DAY


@pytest.fixture
def begin():
    """A campaign of all that stands at noon."""

    def begun(came: dict[str, dt.datetime] | None = None) -> AccessReview:
        officer = make.person("officer", "officer@example.com")
        second = make.person("administrator", "second@example.com")
        people = get_user_model().objects
        people.update(last_login=NOON - DAY)
        for email, at in (came or {}).items():
            people.filter(email=email).update(last_login=at)
        return start_review(
            Plan("Q4", NOON.date() + 14 * DAY, officer, second), by=officer, at=NOON
        )

    return begun


def marked(review: AccessReview, flag: str, *, but: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """Kind and holder of each line with the flag, without those of some kinds."""
    rows = review.entries.filter(flags__contains=[flag]).exclude(kind__in=but)
    return set(rows.values_list("kind", "holder"))


def test_unused_is_what_nothing_used_for_more_than_90_days(begin):
    integration = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    for name, since, used in [
        ("old", LONG_AGO, None),
        ("on-the-day", NOON - 90 * DAY, None),
        ("used-then", LONG_AGO, NOON - 91 * DAY),
        ("used-since", LONG_AGO, NOON - 89 * DAY),
    ]:
        person = make.person("viewer", f"{name}@example.com")
        token, _ = issue_token(person, name, scopes=["register:read"], days=365, at=since)
        PersonalToken.objects.filter(pk=token.pk).update(last_used_at=used)
    for name in ("calls", "silent"):
        principal = make.Principal.objects.create(
            kind="service", identifier=name, source="csv", state="active", created_at=LONG_AGO
        )
        make.grant(integration, principal, at=LONG_AGO, ends_at=NOON + 30 * DAY)
    records.call(integration, actor_id="calls", days_ago=2)
    review = begin()
    assert marked(review, "unused", but=("key",)) == {
        ("token", "old@example.com"),
        ("token", "used-then@example.com"),
        ("grant", "service:silent"),
    }
    calls = review.entries.get(kind="grant", holder="service:calls")
    assert calls.last_used_at == NOON - 2 * DAY


def test_roles_of_who_has_not_come_for_90_days_are_unused(begin):
    make.person("auditor", "away@example.com")
    assert marked(begin(came={"away@example.com": NOON - 91 * DAY}), "unused") == {
        ("role", "away@example.com")
    }


def test_orphaned_is_what_has_no_active_holder_or_opens_what_ended(begin):
    integration = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    principal = make.Principal.objects.create(
        kind="service", identifier="gone", source="csv", state="active", created_at=NOON
    )
    make.grant(integration, principal)
    principal.state, principal.left_at = "left", NOON
    principal.save()
    left = make.person("viewer", "left@example.com")
    issue_token(left, "t", scopes=["register:read"], days=30, at=NOON)
    left.is_active = False
    left.save()
    ended = make.active_integration(name="Ended", owner=make.person("engineer", "o2@example.com"))
    make.key(ended)
    ended.state = "retired"
    ended.save()
    make.key(integration)
    assert marked(begin(), "orphaned") == {
        ("grant", "service:gone"),
        ("token", "left@example.com"),
        ("role", "left@example.com"),
        ("key", "Ended"),
    }


def test_nobody_answers_for_what_rests_on_an_integration_whose_owner_left(begin):
    owner = make.person("engineer", "owner@example.com")
    integration = make.active_integration(name="Alone", owner=owner)
    kept = make.active_integration(name="Kept", owner=make.person("engineer", "o2@example.com"))
    for each in (integration, kept):
        make.key(each)
        make.grant(each, make.person("viewer", f"reader-{each.pk}@example.com"), "read_log")
    owner.is_active = False
    owner.save()
    assert marked(begin(), "expired-owner") == {
        ("key", "Alone"),
        ("grant", f"reader-{integration.pk}@example.com"),
        ("ownership", "owner@example.com"),
    }


def test_excessive_is_what_stands_outside_or_gives_nothing_new(begin):
    integration = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    outside = make.person("viewer", "outside@example.com")
    auditor = make.person("auditor", "auditor@example.com")
    make.grant(integration, auditor, "read_log")
    make.grant(integration, make.person("viewer", "needs@example.com"), "read_log")
    # Past the grants, which take such back whenever one of them changes.
    make.assign_perm("policies.view_output", outside, integration)
    assert marked(begin(), "excessive") == {
        ("object", "outside@example.com"),
        ("grant", "auditor@example.com"),
    }


def test_conflicting_are_both_lines_of_a_pair_that_one_person_holds(begin):
    here = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    there = make.active_integration(owner=make.person("engineer", "o2@example.com"))
    auditor = make.person("auditor", "auditor@example.com")
    make.grant(here, auditor, "send_prompt")
    both, apart = (
        make.person("viewer", "both@example.com"),
        make.person("viewer", "apart@example.com"),
    )
    make.grant(here, both, "read_log", "view_output")
    make.grant(here, apart, "read_log")
    make.grant(there, apart, "view_output")
    officer = make.person("officer")
    for first, second in [
        ("role:Auditor", "grant:send_prompt"),
        ("grant:read_log", "grant:view_output"),
    ]:
        keep_pair(first, second, reason="One person does not do both.", by=officer, at=NOON)
    review = begin()
    found = review.entries.filter(flags__contains=["conflicting"]).values_list("holder", "what")
    assert sorted(found) == [
        ("auditor@example.com", "Auditor"),
        ("auditor@example.com", "send_prompt"),
        ("both@example.com", "read_log"),
        ("both@example.com", "view_output"),
    ]


def test_what_a_person_has_by_a_group_conflicts_with_what_they_have_besides(begin):
    here = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    auditor, officer = make.person("auditor", "auditor@example.com"), make.person("officer")
    group = directory.add_group("Callers", source="portal", at=NOON)
    ends_at = NOON + 30 * DAY
    wanted = Wanted(permission="send_prompt", purpose="Notes", ends_at=ends_at, group=group)
    give_grant(here, wanted, by=officer, at=NOON)
    directory.change_members(group, add=[principal_of(auditor, at=NOON)], by=officer, at=NOON)
    keep_pair(
        "role:Auditor",
        "grant:send_prompt",
        reason="One person does not do both.",
        by=officer,
        at=NOON,
    )
    found = begin().entries.filter(flags__contains=["conflicting"]).values_list("holder", "what")
    assert sorted(found) == [
        ("Group Callers", "send_prompt"),
        ("auditor@example.com", "Auditor"),
    ]


def test_a_groups_grant_conflicts_only_where_one_of_its_members_has_the_other(begin):
    here = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    there = make.active_integration(name="There", owner=make.person("engineer", "o2@example.com"))
    officer = make.person("officer")
    ends_at = NOON + 30 * DAY

    def group_of(name: str, *members: make.Principal) -> None:
        group = directory.add_group(name, source="portal", at=NOON)
        wanted = Wanted(permission="send_prompt", purpose="Notes", ends_at=ends_at, group=group)
        give_grant(here, wanted, by=officer, at=NOON)
        directory.change_members(group, add=members, by=officer, at=NOON)

    service, elsewhere = (
        make.Principal.objects.create(
            kind="service", identifier=name, source="csv", state="active", created_at=NOON
        )
        for name in ("relay", "elsewhere")
    )
    clear = make.person("viewer", "clear@example.com")
    make.grant(here, service, "view_output", ends_at=ends_at)
    make.grant(there, elsewhere, "view_output", ends_at=ends_at)
    make.grant(here, make.person("viewer", "outside@example.com"), "view_output")
    group_of("Mixed", service, principal_of(clear, at=NOON))
    group_of("Apart", elsewhere, principal_of(clear, at=NOON))
    group_of("Empty")
    keep_pair(
        "grant:send_prompt",
        "grant:view_output",
        reason="One person does not do both.",
        by=officer,
        at=NOON,
    )
    assert marked(begin(), "conflicting") == {
        ("grant", "Group Mixed"),
        ("grant", "service:relay"),
    }


def test_privileged_is_what_decides_for_others(begin):
    integration = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    for role in ("auditor", "viewer"):
        make.person(role, f"{role}@example.com")
    breaker = make.person("engineer", "breaker@example.com")
    break_in(integration, permission="view_output", by=breaker, at=NOON, reason="The desk is down.")
    found = marked(begin(), "privileged")
    assert found >= {
        ("role", "officer@example.com"),
        ("role", "second@example.com"),
        ("grant", "breaker@example.com"),
    }
    roles = {holder for kind, holder in found if kind == "role"}
    assert not any(holder.startswith(("auditor", "viewer", "owner", "breaker")) for holder in roles)


def test_who_uses_access_at_the_very_moment_of_a_review_uses_it(begin):
    """Of a sign-in, and of calls that the job noted, only the last is kept: it may come after."""
    integration = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    principal = make.Principal.objects.create(
        kind="service", identifier="busy", source="csv", state="active", created_at=LONG_AGO
    )
    make.grant(integration, principal, at=LONG_AGO, ends_at=NOON + 30 * DAY)
    PrincipalUse.objects.create(
        principal=principal, integration=integration, last_used_at=NOON + dt.timedelta(seconds=1)
    )
    person = make.person("viewer", "early@example.com")
    person.last_login = NOON + dt.timedelta(seconds=1)
    person.save()
    unused = marked(begin(), "unused", but=("key",))
    assert ("grant", "service:busy") not in unused
    assert ("role", "early@example.com") not in unused


def test_what_was_called_is_known_from_what_the_job_kept_and_from_calls_since(begin):
    integration = make.active_integration(owner=make.person("engineer", "owner@example.com"))
    for name in ("kept", "since", "denied", "silent"):
        principal = make.Principal.objects.create(
            kind="service", identifier=name, source="csv", state="active", created_at=LONG_AGO
        )
        make.grant(integration, principal, at=LONG_AGO, ends_at=NOON + 30 * DAY)
    records.call(integration, actor_id="kept", days_ago=3)
    records.call(integration, actor_id="denied", days_ago=3, decision="deny", answered=False)
    note_actors(NOON)
    assert PrincipalUse.objects.get().last_used_at == NOON - 3 * DAY
    records.call(integration, actor_id="since", days_ago=2)
    with CaptureQueriesContext(connection) as queries:
        review = begin()
    assert marked(review, "unused", but=("key", "role")) == {
        ("grant", "service:silent"),
        ("grant", "service:denied"),
    }
    used = dict(review.entries.filter(kind="grant").values_list("holder", "last_used_at"))
    assert used["service:kept"] == NOON - 3 * DAY
    assert used["service:since"] == NOON - 2 * DAY
    (of_calls,) = [q["sql"] for q in queries if 'FROM "audits_call"' in q["sql"]]
    # After the entry that the job came to, by the primary key: a minute's calls, not a quarter's.
    mark = SightingMark.objects.get(ledger_id=Ledger.LIVE)
    assert f'"audits_call"."index" > {mark.index}' in of_calls
    note_actors(NOON)
    assert {use.last_used_at for use in PrincipalUse.objects.all()} == {
        NOON - 3 * DAY,
        NOON - 2 * DAY,
    }
