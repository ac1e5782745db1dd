"""Many changes in one request of a directory (RFC 7644, section 3.7)."""

import uuid

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audits.models import SecurityEvent
from policies.models import Principal
from policies.tests import make
from portal.models import DirectoryEvent, DirectoryPerson, User
from portal.scim import bulk, groups, people
from portal.tests.make_directory import GROUP_SCHEMA, PATCH_SCHEMA, USER_SCHEMA, Scim

pytestmark = pytest.mark.django_db

BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@pytest.fixture
def scim():
    return Scim()


def post(name: str, **more):
    data = {"schemas": [USER_SCHEMA], "userName": f"{name}@example.com", **more}
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def group(name: str, *members: str):
    listed = [{"value": each} for each in members]
    data = {"schemas": [GROUP_SCHEMA], "displayName": name, "members": listed}
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}


def change(path: str, *operations: dict, **more):
    data = {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}
    return {"method": "PATCH", "path": path, "data": data, **more}


def send(scim, *operations, **more):
    return scim.ask("POST", "Bulk", {"schemas": [BULK_SCHEMA], "Operations": operations, **more})


def results(answer):
    assert answer.status_code == 200, answer.text
    assert answer["Content-Type"] == "application/scim+json"
    body = answer.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    return body["Operations"]


def statuses(answer):
    return [each["status"] for each in results(answer)]


def test_it_is_offered_with_its_limits(scim, settings):
    said = scim.get("ServiceProviderConfig").json()["bulk"]
    assert said == {
        "supported": True,
        "maxOperations": bulk.MOST_OPERATIONS,
        "maxPayloadSize": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    }
    assert scim.get("Bulk").status_code == 405


def test_people_are_made_changed_and_ended_each_with_its_answer(scim):
    entry, gone = scim.add("first@example.com"), scim.add("gone@example.com")
    off = {"op": "replace", "path": "active", "value": False}
    told = results(
        send(
            scim,
            post("new"),
            change(f"/Users/{entry.uid}", off),
            {"method": "delete", "path": f"/Users/{gone.uid}"},
        )
    )
    assert [(e["method"], e["status"]) for e in told] == [
        ("POST", "201"),
        ("PATCH", "200"),
        ("DELETE", "204"),
    ]
    made = DirectoryPerson.objects.get(user_name="new@example.com")
    assert told[0]["bulkId"] == "new" and told[0]["version"] == 'W/"1"'
    assert told[0]["location"].endswith(f"/scim/v2/Users/{made.uid}")
    assert told[1]["version"] == 'W/"2"' and told[1]["location"].endswith(str(entry.uid))
    assert told[2]["location"].endswith(str(gone.uid)) and "response" not in told[2]
    assert made.user.is_active and not made.user.has_usable_password()
    assert not User.objects.filter(pk__in=[entry.user_id, gone.user_id], is_active=True).exists()
    kinds = DirectoryEvent.objects.order_by("-pk").values_list("kind", flat=True)[:3]
    assert list(kinds) == ["deleted", "ended", "added"]
    added = SecurityEvent.objects.filter(kind=SecurityEvent.Kind.PERSON_ADDED, user=made.user)
    assert added.get().reason == "by-directory"


def test_one_that_is_refused_undoes_nothing_but_itself(scim):
    told = results(
        send(
            scim,
            post("a"),
            post("b", userName="A@example.com"),
            post("c", active="perhaps"),
            {"method": "PUT", "path": f"/Users/{uuid.uuid4()}", "data": post("x")["data"]},
            post("d"),
        )
    )
    assert [each["status"] for each in told] == ["201", "409", "400", "404", "201"]
    assert told[1]["response"]["scimType"] == "uniqueness"
    assert told[1]["response"]["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert [told[2]["response"]["status"], told[3]["response"]["status"]] == ["400", "404"]
    assert "perhaps" not in str(told)
    stored = DirectoryPerson.objects.values_list("user_name", flat=True)
    assert list(stored) == ["a@example.com", "d@example.com"]
    assert DirectoryEvent.objects.filter(kind="refused").count() == 2


def test_it_stops_after_as_many_errors_as_the_caller_takes(scim):
    answer = send(scim, post("a"), post("b", active=7), post("c"), failOnErrors=1)
    assert statuses(answer) == ["201", "400"]
    assert DirectoryPerson.objects.count() == 1
    many = [post(f"p{n}", active="x") for n in range(bulk.AT_ONCE + 5)]
    assert len(results(send(scim, *many, failOnErrors=bulk.AT_ONCE))) == bulk.AT_ONCE
    for wrong in (0, -1, "1", True, 1.5):
        assert send(scim, post("z"), failOnErrors=wrong).status_code == 400


def test_a_group_names_people_who_are_made_beside_it_in_any_order(scim):
    entry = scim.add("old@example.com")
    add = {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]}
    told = results(
        send(
            scim,
            change("/Groups/bulkId:two", add),
            group("one", "bulkId:a", "bulkId:b", str(entry.uid)),
            group("two", "bulkId:b"),
            post("a"),
            post("b"),
        )
    )
    assert {each["status"] for each in told} == {"201", "200"}
    named = {each["bulkId"]: each["location"] for each in told if "bulkId" in each}
    assert set(named) == {"one", "two", "a", "b"}
    members = {each.display_name: each.members for each in scim.directory.groups.all()}
    assert set(members["one"].values_list("user_name", flat=True)) == {
        "a@example.com",
        "b@example.com",
        "old@example.com",
    }
    assert members["two"].count() == 2
    listed = scim.get(named["one"].rpartition("/scim/v2/")[2]).json()["members"]
    assert named["a"].rpartition("/")[2] in {each["value"] for each in listed}


def test_who_names_what_was_not_made_is_refused(scim):
    answer = send(
        scim,
        post("bad", active=7),
        group("one", "bulkId:bad"),
        group("two", "bulkId:nobody"),
        {**group("three", "bulkId:three")},
    )
    assert statuses(answer) == ["400", "409", "409", "409"]
    assert not scim.directory.groups.exists()


def test_a_state_that_has_changed_is_not_overwritten(scim):
    entry = scim.add("known@example.com", displayName="One")
    path = f"/Users/{entry.uid}"
    name = {"op": "replace", "path": "displayName", "value": "Two"}
    again = {"op": "replace", "path": "displayName", "value": "Three"}
    answer = send(
        scim,
        change(path, name, version='W/"1"'),
        change(path, again, version='W/"1"'),
        {"method": "DELETE", "path": path, "version": 'W/"1"'},
    )
    assert statuses(answer) == ["200", "412", "412"]
    assert User.objects.get(pk=entry.user_id).full_name == "Two"


@pytest.mark.parametrize(
    "operation",
    [
        7,
        {},
        {"method": "GET", "path": "/Users"},
        {"method": "POST", "path": "/Users/x", "bulkId": "a", "data": {}},
        {"method": "POST", "path": "/Users", "data": {"userName": "a@example.com"}},
        {"method": "POST", "path": "/Secrets", "bulkId": "a", "data": {}},
        {"method": "POST", "path": "/Users", "bulkId": "a" * 101, "data": {}},
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": "Secrets"},
        {"method": "PUT", "path": "/Users", "data": {}},
        {"method": "PATCH", "path": "/Users/x", "data": None},
        {"method": "PATCH", "path": "/Groups/Secrets", "data": {"Operations": "Secrets"}},
    ],
)
def test_what_is_no_operation_is_refused_by_itself(scim, operation):
    told = results(send(scim, operation, post("good")))
    assert [each["status"] for each in told] == ["400", "201"]
    assert "Secrets" not in str(told)


def test_what_is_no_bulk_is_refused_whole(scim, settings):
    for body in ({}, {"Operations": []}, {"Operations": {}}, {"Operations": "POST"}):
        assert scim.ask("POST", "Bulk", body).status_code == 400
    assert send(scim, post("a"), post("a")).status_code == 400
    many = [{"method": "DELETE", "path": "/Users/x"}] * (bulk.MOST_OPERATIONS + 1)
    assert send(scim, *many).status_code == 413
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    assert send(scim, *[post(f"p{n}") for n in range(20)]).status_code == 413
    assert not DirectoryPerson.objects.exists()


def test_each_operation_counts_as_a_request(scim, settings):
    settings.SCIM_REQUESTS_PER_MINUTE = 5
    assert statuses(send(scim, *[post(f"p{n}") for n in range(4)])) == ["201"] * 4
    answer = send(scim, post("x"), post("y"))
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert not DirectoryPerson.objects.filter(user_name="x@example.com").exists()


def test_what_the_database_does_not_take_may_be_sent_again(scim, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    create = people.create

    def busy(caller, resource):
        if resource.user_name.startswith("busy"):
            raise OperationalError("lock timeout")
        return create(caller, resource)

    monkeypatch.setattr(people, "create", busy)
    answer = send(scim, post("a"), post("b"), post("c"), post("busy"), post("d"))
    assert statuses(answer) == ["201", "201", "503", "503", "201"]
    assert DirectoryPerson.objects.count() == 3


def test_roles_and_the_last_administrator_are_kept_as_in_a_request_of_its_own(scim):
    at = timezone.now()
    entry = scim.add("op@example.com")
    made = scim.add_group("Admins", entry)
    groups.map_roles(made, ["Viewer"], by=make.person("administrator"), at=at)
    User.objects.filter(groups__name="Administrator").update(is_active=False)
    last = make.person("administrator")
    kept = scim.add(last.email)
    root = User.objects.create_superuser("root@example.com")
    add = {"op": "add", "path": "members", "value": [{"value": "bulkId:new"}]}
    answer = send(
        scim,
        post("new"),
        change(f"/Groups/{made.uid}", add),
        {"method": "DELETE", "path": f"/Users/{kept.uid}"},
        post("root", password="let me in 2026", is_superuser=True),
    )
    assert statuses(answer) == ["201", "200", "409", "403"]
    assert User.objects.get(email="new@example.com").groups.get().name == "Viewer"
    assert User.objects.get(pk=last.pk).is_active and User.objects.get(pk=root.pk).is_active


def test_ids_of_another_directory_are_nobody(scim):
    theirs = Scim().add("theirs@example.com")
    answer = send(
        scim,
        {"method": "DELETE", "path": f"/Users/{theirs.uid}"},
        change(f"/Users/{theirs.uid}", {"op": "replace", "path": "active", "value": False}),
        group("mine", str(theirs.uid)),
    )
    assert statuses(answer) == ["404", "404", "400"]
    assert User.objects.get(pk=theirs.user_id).is_active


def test_principals_come_in_bulk_too():
    scim = Scim("principals")
    told = results(
        send(
            scim,
            {**post("a"), "data": {"schemas": [USER_SCHEMA], "userName": "nurse.7"}},
            group("Ward", "bulkId:a"),
        )
    )
    assert {each["status"] for each in told} == {"201"}
    principal = Principal.objects.get(identifier="nurse.7")
    assert scim.directory.groups.get().principal_group.members.get() == principal


def test_what_says_nothing_new_writes_nothing(scim):
    body = {"schemas": [USER_SCHEMA], "userName": "same@example.com", "displayName": "Same"}
    entry = scim.add("same@example.com", displayName="Same")
    before = (DirectoryEvent.objects.count(), SecurityEvent.objects.count())
    name = {"op": "replace", "path": "displayName", "value": "Same"}
    for method, sent in (
        ("PUT", body),
        ("PATCH", change("", name)["data"]),
    ):
        with CaptureQueriesContext(connection) as asked:
            answer = scim.ask(method, f"Users/{entry.uid}", sent)
        assert (answer.status_code, answer["ETag"]) == (200, 'W/"1"')
        assert {q["sql"].split()[0] for q in asked} == {"SELECT"}
        assert not any("FOR " in q["sql"] for q in asked)
        assert len(asked) <= 4
    put = {"method": "PUT", "path": f"/Users/{entry.uid}", "data": body}
    assert statuses(send(scim, put, change(f"/Users/{entry.uid}", name))) == ["200", "200"]
    assert before == (DirectoryEvent.objects.count(), SecurityEvent.objects.count())
    assert DirectoryPerson.objects.get(pk=entry.pk).version == 1


def test_the_same_members_again_ask_no_query_for_each(scim, django_assert_max_num_queries):
    entries = [scim.add() for _ in range(8)]
    made = scim.add_group("Readers", *entries)
    groups.map_roles(made, ["Viewer"], by=make.person("administrator"), at=timezone.now())
    assert (
        User.objects.filter(groups__name="Viewer", pk__in=[e.user_id for e in entries]).count() == 8
    )
    members = [{"value": str(each.uid)} for each in entries]
    body = {"schemas": [GROUP_SCHEMA], "displayName": "Readers", "members": members}
    with django_assert_max_num_queries(12):
        assert scim.ask("PUT", f"Groups/{made.uid}", body).status_code == 200
    made.refresh_from_db()
    assert made.version == 1
    with django_assert_max_num_queries(24):
        renamed = {**body, "displayName": "All readers"}
        assert scim.ask("PUT", f"Groups/{made.uid}", renamed).status_code == 200


def test_whom_the_portal_knows_is_found_though_addresses_are_asked_for_once(scim):
    """In other letters too, and one who came a few operations before."""
    here = make.person("viewer", "here@example.com")
    told = send(
        scim,
        post("new"),
        post("HERE"),
        {**post("again"), "data": post("NEW")["data"]},
        post("other", emails=[{"value": "mail@example.com", "primary": True}]),
    )
    assert statuses(told) == ["201", "201", "409", "201"]
    assert DirectoryPerson.objects.get(user=here).user_name == "HERE@example.com"
    assert User.objects.filter(email__istartswith="new@").count() == 1
    assert list(DirectoryEvent.objects.order_by("pk").values_list("kind", flat=True)) == [
        *["added"] * 2,
        "refused",
        "added",
    ]


def test_who_got_the_address_at_the_same_moment_keeps_it(scim, monkeypatch):
    ask = bulk.absent

    def between(addresses):
        found = ask(addresses)
        make.person("viewer", "late@example.com")
        return found

    monkeypatch.setattr(bulk, "absent", between)
    assert statuses(send(scim, post("late"), post("else"))) == ["409", "201"]
    assert not DirectoryPerson.objects.filter(user__email="late@example.com").exists()
    monkeypatch.setattr(bulk, "absent", ask)
    assert statuses(send(scim, post("late"))) == ["201"]


def test_new_people_cost_few_queries_each(scim):
    """Two of a savepoint, and what is stored: account, its history, its event, the person."""
    send(scim, post("warm"))
    counts = []
    for at in (2, 12):
        with CaptureQueriesContext(connection) as asked:
            send(scim, *[post(f"n{at}-{number}") for number in range(at)])
        counts.append(len(asked))
    assert (counts[1] - counts[0]) / 10 <= 6


@pytest.mark.parametrize("deep", [40, 300, 600, 900, 5000])
def test_what_is_nested_deep_is_refused_and_breaks_nothing(scim, deep):
    nested = '{"a":' * deep + "1" + "}" * deep
    group = f'{{"method":"POST","path":"/Groups","bulkId":"g","data":{nested}}}'
    answer = scim.client.generic(
        "POST",
        "/scim/v2/Bulk",
        f'{{"schemas":["{BULK_SCHEMA}"],"Operations":[{group}]}}',
        content_type="application/scim+json",
        headers={"Authorization": f"Bearer {scim.secret}"},
    )
    assert answer.status_code == 400
    assert answer.json()["scimType"] == "invalidSyntax"
