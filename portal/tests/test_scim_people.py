"""People by SCIM, with requests as Entra ID and Okta document that they send them."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from policies.tests import make
from portal.models import DirectoryEvent, DirectoryPerson, User
from portal.services.people import change_person
from portal.tests.make_directory import USER_SCHEMA, Scim

pytestmark = pytest.mark.django_db

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
# As Microsoft's "Develop a SCIM endpoint" shows it, with names of our own.
ENTRA = {
    "schemas": [USER_SCHEMA, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "Ada.Moss@example.com",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "Ada.Moss@example.com"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Ada Moss", "familyName": "Moss", "givenName": "Ada"},
    "roles": [],
    ENTERPRISE: {"department": "Claims"},
}
# As Okta's "SCIM 2.0 protocol reference" shows it.
OKTA = {
    "schemas": [USER_SCHEMA],
    "userName": "ben.reed@example.com",
    "name": {"givenName": "Ben", "familyName": "Reed"},
    "emails": [{"primary": True, "value": "ben.reed@example.com", "type": "work"}],
    "displayName": "Ben Reed",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}


@pytest.fixture
def scim():
    return Scim()


def account(address: str) -> User:
    return User.objects.get(email=address)


@pytest.mark.parametrize(
    ("body", "address", "name"),
    [(ENTRA, "ada.moss@example.com", "Ada Moss"), (OKTA, "ben.reed@example.com", "Ben Reed")],
    ids=["entra", "okta"],
)
def test_a_person_is_made_as_directories_send_them(scim, body, address, name):
    answer = scim.ask("POST", "Users", body)
    assert answer.status_code == 201
    assert answer["Content-Type"] == "application/scim+json"
    assert answer["ETag"] == answer.json()["meta"]["version"] == 'W/"1"'
    assert answer["Location"] == answer.json()["meta"]["location"]
    made = account(address)
    assert (made.full_name, made.is_active, made.groups.count()) == (name, True, 0)
    assert not made.has_usable_password()
    assert answer.json()["externalId"] == body["externalId"]
    assert "password" not in answer.json() and "Claims" not in answer.text


def test_who_has_no_mailbox_is_known_by_the_user_name(scim):
    entry = scim.add("NoMail@example.com")
    assert entry.user.email == "nomail@example.com"
    refused = scim.ask("POST", "Users", {"schemas": [USER_SCHEMA], "userName": "jdoe"})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    named = {**OKTA, "userName": "ben"}
    assert scim.ask("POST", "Users", named).status_code == 201
    assert account("ben.reed@example.com")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "active", "value": False},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "value": {"active": False}},
        {"op": "replace", "value": {"active": "false"}},
        {"op": "Replace", "path": "active", "value": [{"value": "False"}]},
        {"op": "Add", "path": f"{USER_SCHEMA}:active", "value": "False"},
    ],
    ids=["entra", "entra-as-text", "okta", "text-without-path", "as-list", "urn"],
)
def test_access_ends_however_it_is_said(scim, operation):
    entry = scim.add()
    answer = scim.patch(f"Users/{entry.uid}", operation)
    assert answer.status_code == 200
    assert answer.json()["active"] is False
    assert not User.objects.get(pk=entry.user_id).is_active
    assert DirectoryEvent.objects.first().kind == "ended"
    back = scim.patch(f"Users/{entry.uid}", {"op": "Replace", "path": "active", "value": "True"})
    assert back.json()["active"] is True
    assert User.objects.get(pk=entry.user_id).is_active


def test_a_patch_of_entra_with_many_operations(scim):
    entry = scim.add(**{k: v for k, v in ENTRA.items() if k not in ("userName", "schemas")})
    answer = scim.patch(
        f"Users/{entry.uid}",
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "a.moss@example.com"},
        {"op": "Add", "path": 'emails[type eq "other"].value', "value": "am@example.com"},
        {"op": "Add", "path": "name.familyName", "value": "Reed"},
        {"op": "Remove", "path": "name.formatted"},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Legal"},
        {"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "12"},
        {"op": "replace", "value": {"displayName": "A. Reed", "name.givenName": "Adah"}},
    )
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert [each["value"] for each in said["emails"]] == ["a.moss@example.com", "am@example.com"]
    assert said["name"] == {"givenName": "Adah", "familyName": "Reed"}
    assert "phoneNumbers" not in said
    assert User.objects.get(pk=entry.user_id).full_name == "A. Reed"


def test_the_address_in_our_records_stays_when_the_directory_changes_it(scim):
    entry = scim.add("before@example.com")
    moved = {"op": "Replace", "path": "userName", "value": "after@example.com"}
    assert scim.patch(f"Users/{entry.uid}", moved).json()["userName"] == "after@example.com"
    assert User.objects.get(pk=entry.user_id).email == "before@example.com"


def test_a_replacement_says_everything(scim):
    entry = scim.add("whole@example.com", displayName="Whole", externalId="x1")
    body = {"schemas": [USER_SCHEMA], "userName": "whole@example.com", "displayName": "New"}
    answer = scim.ask("PUT", f"Users/{entry.uid}", body)
    assert answer.status_code == 200
    assert "externalId" not in answer.json()
    assert answer["ETag"] == 'W/"2"'
    assert scim.ask("PUT", f"Users/{entry.uid}", body)["ETag"] == 'W/"2"'


def test_who_is_removed_is_gone_for_the_directory_and_kept_here(scim):
    entry = scim.add("gone@example.com")
    assert scim.ask("DELETE", f"Users/{entry.uid}").status_code == 204
    assert scim.get(f"Users/{entry.uid}").status_code == 404
    assert scim.get("Users").json()["totalResults"] == 0
    assert not account("gone@example.com").is_active
    again = scim.add("gone@example.com")
    assert again.user_id == entry.user_id
    assert account("gone@example.com").is_active


def test_one_user_name_once(scim):
    scim.add("once@example.com")
    answer = scim.ask("POST", "Users", {"schemas": [USER_SCHEMA], "userName": "ONCE@example.com"})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    other = scim.add("twice@example.com")
    taken = {"op": "replace", "path": "userName", "value": "once@example.com"}
    assert scim.patch(f"Users/{other.uid}", taken).status_code == 409
    other.refresh_from_db()
    assert (other.user_name, other.version) == ("twice@example.com", 1)


def test_only_the_known_state_is_changed(scim):
    entry = scim.add()
    name = {"op": "replace", "path": "displayName", "value": "N"}
    assert scim.patch(f"Users/{entry.uid}", name, **{"If-Match": 'W/"7"'}).status_code == 412
    assert scim.patch(f"Users/{entry.uid}", name, **{"If-Match": 'W/"1"'}).status_code == 200
    same = scim.ask("GET", f"Users/{entry.uid}", **{"If-None-Match": 'W/"2"'})
    assert (same.status_code, same.content) == (304, b"")


FILTERS = {
    'userName eq "ADA@example.com"': ["ada"],
    'UserName Eq "ada@example.com"': ["ada"],
    'externalId eq "e-2"': ["ben"],
    'externalId eq "E-2"': [],
    'userName sw "a" or externalId eq "e-2"': ["ada", "ben"],
    'not (userName co "ada")': ["ben"],
    'userName ew "%@example.com"': [],
    'emails[type eq "work" and value eq "Ben@example.com"]': ["ben"],
    'emails.value eq "ben@example.com"': ["ben"],
    'emails eq "ben@example.com" and active eq true': ["ben"],
    "active eq false": [],
    "externalId pr": ["ben"],
    'name.familyName eq "reed"': ["ben"],
    'meta.lastModified gt "2020-01-01T00:00:00Z"': ["ada", "ben"],
    f'{USER_SCHEMA}:userName eq "ada@example.com"': ["ada"],
    'id eq "nothing"': [],
    "(" * 900 + 'userName eq "ada@example.com"' + ")" * 900: ["ada"],
}


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_finds(scim, text):
    scim.add("ada@example.com")
    scim.add(
        "ben@example.com",
        externalId="e-2",
        name={"familyName": "Reed"},
        emails=[{"type": "work", "value": "ben@example.com"}],
    )
    answer = scim.get("Users", filter=text)
    assert answer.status_code == 200, answer.text
    found = [each["userName"].partition("@")[0] for each in answer.json()["Resources"]]
    assert found == FILTERS[text]


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        "userName eq",
        'password eq "x"',
        'is_superuser eq "x"',
        'userName gt "a"',
        'emails.value co "x"',
        'active eq "yes"',
        'userName eq "' + "x" * 3_000 + '"',
        'userName eq "a" or ' * 60 + 'userName eq "b"',
        'userName eq "\\u0000"',
    ],
)
def test_a_filter_that_is_not_understood_is_refused_without_a_quotation(scim, text):
    answer = scim.get("Users", filter=text)
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")
    assert "password" not in answer.text and "superuser" not in answer.text


def test_one_is_found_among_many_by_the_database(scim, django_assert_max_num_queries):
    by, at = scim.directory, timezone.now()
    DirectoryPerson.objects.bulk_create(
        DirectoryPerson(
            directory=by, user_name=f"p{n}@example.com", emails=[], created_at=at, changed_at=at
        )
        for n in range(400)
    )
    with django_assert_max_num_queries(6), CaptureQueriesContext(connection) as asked:
        answer = scim.get("Users", filter='userName eq "p7@example.com"')
    assert answer.json()["totalResults"] == 1
    assert any('LOWER("portal_directoryperson"."user_name") = ' in q["sql"] for q in asked)
    page = scim.get("Users", startIndex="201", count="150").json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (400, 201, 150)
    assert len(scim.get("Users", count="100000").json()["Resources"]) == 200
    assert scim.get("Users", count="0").json()["totalResults"] == 400
    assert scim.get("Users", count="ten").status_code == 400


def test_what_was_ended_in_the_portal_stays_ended(scim):
    entry = scim.add()
    change_person(
        entry.user,
        full_name="",
        roles=[],
        is_active=False,
        by=make.person("administrator"),
        at=timezone.now(),
    )
    path = f"Users/{entry.uid}"
    assert scim.get(path).json()["active"] is False
    name = {"op": "Replace", "path": "displayName", "value": "N"}
    on = {"op": "Replace", "path": "active", "value": True}
    assert scim.patch(path, name, on).json()["active"] is False
    off = {"op": "Replace", "path": "active", "value": False}
    assert scim.patch(path, off).status_code == 200
    answer = scim.patch(path, on)
    assert answer.status_code == 409 and "portal" in answer.json()["detail"]
    assert not User.objects.get(pk=entry.user_id).is_active


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"userName": "a\\u0000@example.com"}',
        b'{"userName": "\\ud800@example.com"}',
        b'{"userName": 7, "emails": "x"}',
        b'{"userName": "x@example.com", "emails": [{"value": "nobody"}]}',
        b'{"userName": "x@example.com", "name": "Ada"}',
        b"[" * 50_000,
    ],
)
def test_what_is_no_person_is_refused_and_nothing_is_stored(scim, body):
    answer = scim.client.post(
        "/scim/v2/Users",
        body,
        content_type="application/scim+json",
        headers={"Authorization": f"Bearer {scim.secret}"},
    )
    assert answer.status_code == 400
    assert set(answer.json()) <= {"schemas", "status", "scimType", "detail"}
    assert "nobody" not in answer.text and "Ada" not in answer.text
    assert not DirectoryPerson.objects.exists()


def test_a_busy_directory_is_told_to_wait(scim, settings):
    settings.SCIM_REQUESTS_PER_MINUTE = 2
    answers = [scim.get("Users") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_the_use_of_a_token_is_noted(scim):
    scim.get("Users")
    used = scim.directory.tokens.get().last_used_at
    assert dt.datetime.now(dt.UTC) - used < dt.timedelta(minutes=1)


def test_a_taken_user_name_makes_no_account(scim):
    scim.add("ben", emails=[{"value": "ben@example.com"}])
    body = {"userName": "BEN", "emails": [{"value": "other@example.com"}]}
    answer = scim.ask("POST", "Users", body)
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    assert not User.objects.filter(email="other@example.com").exists()
    assert DirectoryPerson.objects.count() == 1
