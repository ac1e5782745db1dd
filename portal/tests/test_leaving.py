"""Who leaves loses everything at once, whoever says so."""

import datetime as dt
from dataclasses import replace

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from audits.models import SecurityEvent
from policies.models import Grant, GroupMembership
from policies.services.directory import add_group, change_members
from policies.services.granting import Wanted, give_grant, request_grant
from policies.services.principals import principal_of
from policies.tests import make
from portal.models import PersonSession, User
from portal.services.bearers import TokenRefused
from portal.services.leaving import leave
from portal.services.people import NotAllowed
from portal.services.tokens import find_token, issue_token, revoke_token
from portal.tests.make_directory import Scim

pytestmark = pytest.mark.django_db


def test_sessions_tokens_and_grants_end_in_one_step(client):
    at = timezone.now()
    admin, officer, leaver = map(make.person, ("administrator", "officer", "viewer"))
    integration = make.active_integration()
    wanted = Wanted(
        permission="send_prompt",
        purpose="Triage",
        ends_at=at + dt.timedelta(days=9),
        principal=principal_of(leaver, at=at),
    )
    give_grant(integration, wanted, by=officer, at=at)
    assign_perm("policies.view_output", leaver, integration)
    _token, secret = issue_token(leaver, "t", scopes=["register:read"], days=3, at=at)
    Authenticator.objects.create(user=leaver, type="webauthn", data={"name": "Key"})
    client.force_login(leaver)
    assert client.get(reverse("portal:home")).status_code == 200
    left = leave(leaver, by=admin, at=at)
    assert (left.tokens, left.grants) == (1, 1)
    assert client.get(reverse("portal:home")).status_code == 302
    with pytest.raises(TokenRefused, match="key-revoked"):
        find_token(secret, "127.0.0.1", at=at)
    assert not Grant.objects.filter(state=Grant.State.STANDING).exists()
    assert not Authenticator.objects.filter(user=leaver).exists()
    again = User.objects.get(pk=leaver.pk)
    again.is_active = True
    again.save()
    names = ("send_prompt", "view_output")
    assert not any(again.has_perm(f"policies.{name}", integration) for name in names)
    assert leave(leaver, by=admin, at=at).tokens == 0


@pytest.mark.parametrize("is_by_person", [True, False])
def test_each_token_that_ends_with_a_person_is_told(is_by_person):
    at = timezone.now()
    leaver, by = make.person("viewer"), make.person("administrator") if is_by_person else None
    made = [issue_token(leaver, name, scopes=["register:read"], days=3, at=at)[0] for name in "abc"]
    revoke_token(made.pop(), by=leaver, at=at)
    before = set(SecurityEvent.objects.values_list("pk", flat=True))
    assert leave(leaver, by=by, at=at).tokens == 2
    told = SecurityEvent.objects.filter(kind=SecurityEvent.Kind.TOKEN_ENDED, user=leaver)
    assert {(e.by_id, e.reason, e.subject) for e in told.exclude(pk__in=before)} == {
        (by and by.pk, "" if by else "by-no-person", f"portal.personaltoken:{token.pk}")
        for token in made
    }
    assert {token.revoked_by for token in leaver.tokens.all()} == {leaver, by}


def test_nothing_ends_where_the_last_part_fails():
    admin, leaver = make.person("administrator"), make.person("viewer")
    at = timezone.now()
    issue_token(leaver, "t", scopes=["register:read"], days=3, at=at)
    with pytest.raises(NotAllowed, match="last administrator"):
        leave(admin, by=None, at=at)
    with pytest.raises(NotAllowed, match="their own"):
        leave(leaver, by=leaver, at=at)
    assert leaver.tokens.get().revoked_at is None
    assert User.objects.get(pk=leaver.pk).is_active


def test_a_directory_never_ends_a_superuser():
    root = User.objects.create_superuser("root@example.com")
    with pytest.raises(NotAllowed, match="kept in the portal"):
        leave(root, by=None, at=timezone.now())


def by_the_page(leaver, client):
    client.force_login(make.person("administrator"))
    fields = {"full_name": "Lea Leaver", "roles": ["Viewer"]}  # is_active is not ticked
    answer = client.post(reverse("portal:user-edit", args=[leaver.pk]), fields)
    assert answer.status_code == 302


def by_a_directory(method, *sent):
    def end(leaver, _client):
        scim = Scim()
        entry = scim.add(leaver.email)
        if method == "PATCH":
            answer = scim.patch(f"Users/{entry.uid}", *sent)
        else:
            answer = scim.ask(method, f"Users/{entry.uid}", *sent)
        assert answer.status_code in (200, 204)

    return end


OFF = {"op": "replace", "path": "active", "value": False}


@pytest.mark.parametrize(
    "end",
    [
        by_the_page,
        by_a_directory("DELETE"),
        by_a_directory("PATCH", OFF),
        by_a_directory("PUT", {"userName": "leaver@example.com", "active": False}),
    ],
    ids=["page", "SCIM DELETE", "SCIM PATCH", "SCIM PUT"],
)
def test_whoever_says_so_everything_ends_with_the_answer(end):
    at = timezone.now()
    leaver, officer = make.person("viewer", "leaver@example.com"), make.person("officer")
    group = add_group("Clinicians", source="portal", at=at)
    change_members(group, add=[principal_of(leaver, at=at)], by=officer, at=at)
    standing, waiting = make.active_integration(), make.active_integration()
    until = at + dt.timedelta(days=9)
    terms = {"permission": "send_prompt", "purpose": "Triage", "ends_at": until}
    mine = Wanted(**terms, principal=principal_of(leaver, at=at))
    give_grant(standing, mine, by=officer, at=at)
    give_grant(waiting, Wanted(**terms, group=group), by=officer, at=at)
    request_grant(standing, replace(mine, permission="view_output"), by=leaver, at=at)
    _token, secret = issue_token(leaver, "t", scopes=["register:read"], days=3, at=at)
    Authenticator.objects.create(user=leaver, type="webauthn", data={"name": "Key"})
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(leaver)
        assert browser.get(reverse("portal:home")).status_code == 200
    bearer = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/vendors", headers=bearer).status_code == 200

    end(leaver, Client())

    assert [each.get(reverse("portal:home")).status_code for each in browsers] == [302, 302]
    assert Client().get("/api/v1/vendors", headers=bearer).status_code == 401
    assert not PersonSession.objects.filter(user=leaver).exists()
    assert not Authenticator.objects.filter(user=leaver).exists()
    assert not GroupMembership.objects.filter(principal__user=leaver).exists()
    assert not Grant.objects.filter(
        principal__user=leaver, state__in=("standing", "requested")
    ).exists()
    again = User.objects.get(pk=leaver.pk)
    assert not again.is_active and not again.has_usable_password()
    again.is_active = True  # what a person who left holds must not hide behind the flag
    assert not again.has_perm("policies.send_prompt", standing)
    assert not again.has_perm("policies.send_prompt", waiting)
