"""Groups by SCIM: members as Entra ID and Okta send them, and the roles that come of them."""

import pytest
from django.utils import timezone

from policies.services.duties import keep_pair
from policies.tests import make
from portal.models import DirectoryEvent, DirectoryGroup, User
from portal.scim import groups
from portal.scim.errors import Refusal
from portal.tests.make_directory import GROUP_SCHEMA, Scim

pytestmark = pytest.mark.django_db

MEMBERS = f"{GROUP_SCHEMA}:members"


@pytest.fixture
def scim():
    return Scim()


@pytest.fixture
def administrator(scim):
    return make.person("administrator")


def roles(entry) -> list[str]:
    return sorted(User.objects.get(pk=entry.user_id).groups.values_list("name", flat=True))


def inside(group) -> set:
    return set(DirectoryGroup.objects.get(pk=group.pk).members.all())


def test_members_come_and_go_as_directories_say_it(scim):
    ada, ben, cal = (scim.add(f"{name}@example.com") for name in ("ada", "ben", "cal"))
    group = scim.add_group("Claims", ada)
    path = f"Groups/{group.uid}"
    listed = [{"value": str(each.uid)} for each in (ben, cal)]
    scim.patch(path, {"op": "Add", "path": "members", "value": listed})
    assert inside(group) == {ada, ben, cal}
    scim.patch(path, {"op": "remove", "path": f'members[value eq "{ben.uid}"]'})
    assert inside(group) == {ada, cal}
    # Entra ID names whom it removes in the value.
    scim.patch(path, {"op": "Remove", "path": "members", "value": [{"value": str(cal.uid)}]})
    assert inside(group) == {ada}
    scim.patch(path, {"op": "add", "value": {"members": [{"value": str(ben.uid)}]}})
    scim.patch(path, {"op": "replace", "path": MEMBERS, "value": listed})
    assert inside(group) == {ben, cal}
    # Okta renames with the id among what it replaces.
    renamed = {"op": "replace", "value": {"id": str(group.uid), "displayName": "Claims 2"}}
    answer = scim.patch(path, renamed)
    assert answer.json()["displayName"] == "Claims 2"
    assert {each["value"] for each in answer.json()["members"]} == {str(ben.uid), str(cal.uid)}
    scim.patch(path, {"op": "remove", "path": "members"})
    assert inside(group) == set()
    assert DirectoryEvent.objects.filter(group=group).first().left == 2


def test_members_are_left_out_where_they_are_not_asked_for(scim):
    group = scim.add_group("Claims", scim.add())
    without = scim.get("Groups", excludedAttributes="members", filter='displayName eq "claims"')
    assert without.json()["Resources"][0]["id"] == str(group.uid)
    assert "members" not in without.text
    person = group.members.get()
    found = scim.get("Groups", filter=f'members[value eq "{person.uid}"]').json()
    assert found["totalResults"] == 1
    assert scim.get(f"Users/{person.uid}").json()["groups"][0]["display"] == "Claims"
    only = scim.get(f"Groups/{group.uid}", attributes="displayName").json()
    assert set(only) == {"schemas", "id", "displayName"}


def test_one_member_of_many_changes_without_the_others_being_read(
    scim, django_assert_max_num_queries
):
    people = [scim.add() for _ in range(12)]
    group = scim.add_group("All", *people)
    change = {"op": "remove", "path": f'members[value eq "{people[0].uid}"]'}
    with django_assert_max_num_queries(30):
        answer = scim.client.patch(
            f"/scim/v2/Groups/{group.uid}?excludedAttributes=members",
            {"Operations": [change]},
            content_type="application/json",
            headers={"Authorization": f"Bearer {scim.secret}"},
        )
    assert answer.status_code == 200
    assert "members" not in answer.json()
    assert group.members.count() == 11


def test_roles_follow_the_groups_that_stand_for_them(scim, administrator):
    ada, ben = scim.add("ada@example.com"), scim.add("ben@example.com")
    ada.user.groups.add(*make.person("auditor").groups.all())  # given by hand
    group = scim.add_group("Claims", ada)
    groups.map_roles(group, ["Engineer"], by=administrator, at=timezone.now())
    assert (roles(ada), roles(ben)) == (["Auditor", "Engineer"], [])
    path = f"Groups/{group.uid}"
    swap = {"op": "replace", "path": "members", "value": [{"value": str(ben.uid)}]}
    scim.patch(path, swap)
    assert (roles(ada), roles(ben)) == (["Auditor"], ["Engineer"])
    groups.map_roles(group, ["Viewer"], by=administrator, at=timezone.now())
    assert roles(ben) == ["Viewer"]
    scim.ask("DELETE", path)
    assert (roles(ada), roles(ben)) == (["Auditor"], [])


def test_who_comes_back_has_the_roles_of_their_groups_alone(scim, administrator):
    ada = scim.add("ada@example.com")
    group = scim.add_group("Claims", ada)
    groups.map_roles(group, ["Engineer"], by=administrator, at=timezone.now())
    ada.user.groups.add(*make.person("officer").groups.all())
    for active in (False, True):
        change = {"op": "replace", "path": "active", "value": active}
        scim.patch(f"Users/{ada.uid}", change)
    assert roles(ada) == ["Engineer"]


def test_roles_that_exclude_each_other_are_refused_to_the_directory_whole(scim, administrator):
    keep_pair(
        "role:Engineer",
        "role:Auditor",
        reason="Who builds does not audit.",
        by=administrator,
        at=scim.directory.created_at,
    )
    ada, ben = scim.add("ada@example.com"), scim.add("ben@example.com")
    engineers, auditors = scim.add_group("Engineers", ada), scim.add_group("Auditors")
    groups.map_roles(engineers, ["Engineer"], by=administrator, at=timezone.now())
    groups.map_roles(auditors, ["Auditor"], by=administrator, at=timezone.now())
    listed = [{"value": str(each.uid)} for each in (ben, ada)]
    answer = scim.patch(f"Groups/{auditors.uid}", {"op": "add", "path": "members", "value": listed})
    assert answer.status_code == 409
    assert (roles(ada), roles(ben), inside(auditors)) == (["Engineer"], [], set())


def test_a_mapping_is_made_by_who_is_not_in_the_group(scim, administrator):
    me = scim.add(administrator.email)
    group = scim.add_group("Claims", me)
    with pytest.raises(Refusal, match="their own roles"):
        groups.map_roles(group, ["Compliance officer"], by=administrator, at=timezone.now())
    with pytest.raises(LookupError):
        groups.map_roles(scim.add_group("Other"), ["Root"], by=administrator, at=timezone.now())


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
        {"op": "add", "path": "members", "value": [{"display": "Ada"}]},
        {"op": "add", "path": "members", "value": 7},
        {"op": "remove", "path": 'members[display eq "Ada"]'},
        {"op": "replace", "path": 'members[value eq "a"].value', "value": "b"},
        {"op": "move", "path": "members", "value": []},
        {"op": "replace", "path": "displayName", "value": ""},
        {"op": "replace", "path": "members["},
        {"path": "members"},
        "remove",
    ],
)
def test_what_is_no_change_of_a_group_is_refused_whole(scim, operation):
    ada = scim.add()
    group = scim.add_group("Claims", ada)
    first = {"op": "replace", "path": "displayName", "value": "Other"}
    answer = scim.patch(f"Groups/{group.uid}", first, operation)
    assert answer.status_code == 400, answer.text
    assert "Ada" not in answer.text
    group.refresh_from_db()
    assert (group.display_name, inside(group)) == ("Claims", {ada})
