"""A directory of principals: who calls through integrations, in which groups."""

import datetime as dt

import pytest
from django.utils import timezone

from policies.models import Grant, Principal, PrincipalGroup
from policies.services.directory import change_principal
from policies.services.granting import Wanted, give_grant
from policies.services.principals import principal_of
from policies.tests import make
from portal.models import User
from portal.tests.make_directory import USER_SCHEMA, Scim

pytestmark = pytest.mark.django_db


@pytest.fixture
def scim():
    return Scim("principals")


def principal(entry) -> Principal:
    return Principal.objects.get(pk=entry.principal_id)


def test_a_principal_is_made_and_no_account(scim):
    before = User.objects.count()
    entry = scim.add("u-1042", displayName="Ada Moss", externalId="x-1", password="secret words")
    made = principal(entry)
    assert (made.actor, made.name, made.external_id) == ("user:u-1042", "Ada Moss", "x-1")
    assert (made.state, made.source) == ("active", "scim")
    assert User.objects.count() == before
    spaced = {"schemas": [USER_SCHEMA], "userName": "Ada Moss"}
    assert scim.ask("POST", "Users", spaced).status_code == 400
    required = scim.get(f"Schemas/{USER_SCHEMA}").json()["attributes"]
    assert next(each for each in required if each["name"] == "emails")["required"] is False


def test_one_that_calls_named_already_is_known_from_now_on(scim):
    seen = Principal.objects.create(
        kind="user", identifier="u-7", state="unknown", source="seen", created_at=timezone.now()
    )
    entry = scim.add("u-7", displayName="Ben")
    assert entry.principal_id == seen.pk
    assert (principal(entry).state, principal(entry).name) == ("active", "Ben")


def test_who_leaves_loses_grants_and_groups_and_comes_back_to_the_groups(scim):
    at = timezone.now()
    ada, ben = scim.add("u-1"), scim.add("u-2")
    group = scim.add_group("Claims", ada, ben)
    held = PrincipalGroup.objects.get(pk=group.principal_group_id)
    assert set(held.members.all()) == {principal(ada), principal(ben)}
    integration, officer = make.active_integration(), make.person("officer")
    terms = {"permission": "send_prompt", "purpose": "Triage", "ends_at": at + dt.timedelta(days=9)}
    give_grant(integration, Wanted(principal=principal(ada), **terms), by=officer, at=at)
    give_grant(integration, Wanted(group=held, **terms), by=officer, at=at)
    off = {"op": "Replace", "path": "active", "value": "False"}
    assert scim.patch(f"Users/{ada.uid}", off).json()["active"] is False
    assert principal(ada).state == "left"
    assert Grant.objects.filter(state="standing").count() == 1
    assert set(held.members.all()) == {principal(ben)}
    on = {"op": "Replace", "path": "active", "value": "True"}
    assert scim.patch(f"Users/{ada.uid}", on).json()["active"] is True
    assert set(held.members.all()) == {principal(ada), principal(ben)}
    assert not Grant.objects.filter(principal=principal(ada), state="standing").exists()
    out = {"op": "remove", "path": f'members[value eq "{ada.uid}"]'}
    rename = {"op": "replace", "value": {"displayName": "Claims two"}}
    scim.patch(f"Groups/{group.uid}", out, rename)
    held.refresh_from_db()
    assert (held.name, set(held.members.all())) == ("Claims two", {principal(ben)})
    assert scim.ask("DELETE", f"Groups/{group.uid}").status_code == 204
    held.refresh_from_db()
    assert held.ended_at is not None
    assert not Grant.objects.filter(state="standing").exists()
    assert scim.ask("DELETE", f"Users/{ben.uid}").status_code == 204
    assert principal(ben).state == "left"


def test_an_account_of_the_portal_is_no_directory_of_principals_to_end(scim):
    person = make.person("viewer", "held@example.com")
    principal_of(person, at=timezone.now())
    answer = scim.ask("POST", "Users", {"userName": "held@example.com", "active": False})
    assert answer.status_code == 403
    assert Principal.objects.get(user=person).state == "active"
    assert User.objects.get(pk=person.pk).is_active


def test_who_was_ended_in_the_portal_stays_ended(scim):
    entry = scim.add("u-3")
    change_principal(
        principal(entry), {"state": "left"}, by=make.person("officer"), at=timezone.now()
    )
    assert scim.get(f"Users/{entry.uid}").json()["active"] is False
    name = {"op": "replace", "path": "displayName", "value": "N"}
    assert scim.patch(f"Users/{entry.uid}", name).json()["active"] is False
    for active in (False, True):
        change = {"op": "replace", "path": "active", "value": active}
        last = scim.patch(f"Users/{entry.uid}", change)
    assert last.status_code == 409
    assert principal(entry).state == "left"
    assert scim.ask("DELETE", f"Users/{entry.uid}").status_code == 204
    assert scim.ask("POST", "Users", {"userName": "u-3"}).status_code == 409
