"""What a directory, its token, and who has neither, cannot do."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from policies.services.people import sync_roles
from policies.tests import make
from portal.models import DirectoryPerson, User
from portal.scim import groups
from portal.services.directory_tokens import end_directory, end_token, issue_token
from portal.services.tokens import issue_token as issue_personal
from portal.tests.make_directory import USER_SCHEMA, Scim

pytestmark = pytest.mark.django_db

ALL_OF_US = {
    "is_superuser": True,
    "isSuperuser": True,
    "is_staff": True,
    "password": "let me in please 2026",
    "roles": [{"value": "Administrator", "primary": True}],
    "entitlements": [{"value": "Administrator"}],
    "groups": [{"value": "Administrator"}],
    "user_permissions": [1],
    "user_id": 1,
    "user": 1,
    "directory": 1,
    "directory_id": 1,
    "id": "00000000-0000-4000-8000-000000000000",
    "uid": "00000000-0000-4000-8000-000000000000",
    "pk": 1,
    "date_joined": "2001-01-01T00:00:00Z",
    "ended_by_directory": True,
    "version": 99,
    "meta": {"version": 'W/"99"', "created": "2001-01-01T00:00:00Z"},
}


@pytest.fixture
def scim():
    return Scim()


def innocent(entry: DirectoryPerson, scim: Scim) -> bool:
    """Whether the person is what any person is, and nothing that a body can name."""
    stored = DirectoryPerson.objects.get(pk=entry.pk)
    user = User.objects.get(pk=stored.user_id)
    return (
        not (user.is_superuser or user.is_staff or user.has_usable_password())
        and not user.groups.exists()
        and not user.user_permissions.exists()
        and str(stored.uid) != ALL_OF_US["uid"]
        and stored.directory == scim.directory
        and stored.version < 9
        and stored.created_at.year > 2001 < user.date_joined.year
    )


def test_a_body_reaches_no_field_that_is_not_offered(scim):
    entry = scim.add("mass@example.com", **ALL_OF_US)
    assert innocent(entry, scim)
    body = {"schemas": [USER_SCHEMA], "userName": "mass@example.com", **ALL_OF_US}
    assert scim.ask("PUT", f"Users/{entry.uid}", body).status_code == 200
    assert innocent(entry, scim)
    for name, value in ALL_OF_US.items():
        scim.patch(f"Users/{entry.uid}", {"op": "Replace", "path": name, "value": value})
        scim.patch(f"Users/{entry.uid}", {"op": "Add", "value": {name: value}})
        assert innocent(entry, scim), name
    answer = scim.get(f"Users/{entry.uid}").text
    assert "password" not in answer and "superuser" not in answer


def test_a_group_makes_no_administrator_by_its_name_or_its_body(scim):
    entry = scim.add()
    body = {"displayName": "Administrator", "roles": ["Administrator"]}
    made = scim.ask("POST", "Groups", {**body, "members": [{"value": str(entry.uid)}]})
    assert made.status_code == 201
    path = f"Groups/{made.json()['id']}"
    scim.ask("PUT", path, {**body, "members": [{"value": str(entry.uid)}]})
    scim.patch(path, {"op": "add", "path": "roles", "value": ["Administrator"]})
    assert not User.objects.get(pk=entry.user_id).groups.exists()
    assert scim.directory.groups.get().roles == []


def test_an_administrator_is_made_where_an_administrator_said_so(scim):
    entry = scim.add()
    group = scim.add_group("Admins", entry)
    groups.map_roles(group, ["Administrator"], by=make.person("administrator"), at=timezone.now())
    assert User.objects.get(pk=entry.user_id).groups.get().name == "Administrator"


@pytest.mark.parametrize("fields", [{"is_superuser": True}, {"is_staff": True}])
def test_an_account_kept_here_is_no_directorys(scim, fields):
    root = User.objects.create_user("root@example.com", **fields)
    answer = scim.ask("POST", "Users", {"userName": "Root@example.com"})
    assert answer.status_code == 403 and "kept in the portal" in answer.json()["detail"]
    entry = scim.add("later@example.com")
    User.objects.filter(pk=entry.user_id).update(**fields)
    off = {"op": "replace", "value": {"active": False}}
    assert scim.patch(f"Users/{entry.uid}", off).status_code in (403, 409)
    assert scim.ask("DELETE", f"Users/{entry.uid}").status_code in (403, 409)
    assert User.objects.get(pk=root.pk).is_active and User.objects.get(pk=entry.user_id).is_active
    assert scim.get(f"Users/{entry.uid}").status_code == 200


def test_the_last_administrator_stays(scim):
    User.objects.filter(groups__name="Administrator").update(is_active=False)
    last = make.person("administrator")
    entry = scim.add(last.email)
    off = {"op": "replace", "path": "active", "value": False}
    for answer in (
        scim.patch(f"Users/{entry.uid}", off),
        scim.ask("DELETE", f"Users/{entry.uid}"),
        scim.ask("PUT", f"Users/{entry.uid}", {"userName": last.email, "active": False}),
    ):
        assert answer.status_code == 409
        assert "last administrator" in answer.json()["detail"]
    assert User.objects.get(pk=last.pk).is_active
    assert DirectoryPerson.objects.get(pk=entry.pk).active
    make.person("administrator")
    assert scim.patch(f"Users/{entry.uid}", off).status_code == 200


def test_ids_of_another_directory_are_nobody(scim):
    other = Scim()
    theirs = other.add("theirs@example.com")
    group, mine = other.add_group("Theirs", theirs), scim.add_group("Mine")
    for path in (f"Users/{theirs.uid}", f"Groups/{group.uid}"):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            body = {
                "userName": "x@example.com",
                "displayName": "x",
                "Operations": [{"op": "replace", "path": "displayName", "value": "x"}],
            }
            assert scim.ask(method, path, body).status_code == 404
    assert scim.get("Users").json()["totalResults"] == 0
    listed = [{"value": str(theirs.uid)}]
    add = {"op": "add", "path": "members", "value": listed}
    assert scim.patch(f"Groups/{mine.uid}", add).status_code == 400
    made = scim.ask("POST", "Groups", {"displayName": "New", "members": listed})
    assert made.status_code == 400
    taken = scim.ask("POST", "Users", {"userName": "theirs@example.com"})
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    assert User.objects.get(pk=theirs.user_id).is_active


@pytest.mark.parametrize("uid", ["1", "%00", "x" * 300, "..", "%2e%2e%2fGroups"])
def test_an_id_of_another_form_is_nobodys(scim, uid):
    assert scim.ask("GET", f"Users/{uid}").status_code == 404


def test_only_a_directorys_token_opens_it(scim):
    at = timezone.now()
    admin = make.person("administrator")
    _token, personal = issue_personal(admin, "t", scopes=["register:read"], days=3, at=at)
    _key, key = make.key(make.active_integration())
    for secret in ("", "csd_" + "x" * 50, personal, key, scim.secret[:-1] + "!"):
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        answer = Client().get("/scim/v2/Users", headers=headers)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    client = Client()
    client.force_login(admin)
    assert client.get("/scim/v2/Users").status_code == 401
    for url in ("/api/v1/vendors", "/api/v1/calls"):
        assert Client().get(
            url, headers={"Authorization": f"Bearer {scim.secret}"}
        ).status_code in (
            401,
            403,
        )
    page = Client().get("/access/", headers={"Authorization": f"Bearer {scim.secret}"})
    assert page.status_code == 302


def test_a_token_ends_by_day_by_hand_by_its_directory_and_by_network(scim):
    sync_roles()
    at, by = timezone.now(), make.person("administrator")
    token = scim.directory.tokens.get()
    scim.directory.tokens.update(cidrs=["10.9.0.0/16"])
    assert scim.get("Users").status_code == 403
    forged = scim.ask("GET", "Users", **{"X-Forwarded-For": "10.9.0.1"})
    assert forged.status_code == 403
    scim.directory.tokens.update(cidrs=[])
    assert scim.get("Users").status_code == 200
    past = at - dt.timedelta(days=9)
    scim.directory.tokens.update(created_at=past, expires_at=at)
    assert scim.get("Users").status_code == 401
    scim.directory.tokens.update(expires_at=at + dt.timedelta(days=1))
    end_token(token, by=by, at=at)
    assert scim.get("Users").status_code == 401
    _next, scim.secret = issue_token(scim.directory, days=3, by=by, at=at)
    entry = scim.add()
    end_directory(scim.directory, by=by, at=at)
    assert scim.get("Users").status_code == 401
    assert User.objects.get(pk=entry.user_id).is_active
    assert Scim().add(entry.user_name).user_id == entry.user_id


def test_nothing_that_was_sent_comes_back_in_an_error_or_a_log(scim, caplog):
    secret = "Mr Smith, HIV positive"
    bodies = [
        {"userName": secret},
        {"userName": "a@example.com", "active": secret},
        {"userName": "a@example.com", "emails": [{"value": secret}]},
        {"userName": "a@example.com", secret: 1, "name": {"givenName": secret * 9}},
        {"userName": "a@example.com", "emails": secret},
    ]
    answers = [scim.ask("POST", "Users", body) for body in bodies]
    entry = scim.add()
    for path in (secret, f"name.{secret}", "active", f'emails[type eq "{secret}'):
        operation = {"op": "replace", "path": path, "value": {"x": secret}}
        answers.append(scim.patch(f"Users/{entry.uid}", operation))
    answers.append(scim.patch(f"Users/{entry.uid}", {"op": secret, "path": "active"}))
    answers.append(scim.get("Users", filter=f'{secret} eq "{secret}"'))
    answers.append(scim.get("Users", attributes=secret))
    assert {each.status_code for each in answers} <= {400, 200}
    assert "Smith" not in caplog.text + "".join(each.text for each in answers)
