import datetime as dt
import re
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from audits.models import ReadEvent
from audits.tests import make
from policies.tests import make as policies_make
from policies.tests.make import person


@pytest.fixture
def five(api) -> list[str]:
    """Ids of five calls, oldest first: the second denied, the third completed."""
    ids = [
        api.open(region="eu-west-1" if n == 1 else "us-east-1").json()["call_id"] for n in range(5)
    ]
    api.complete(ids[2], outcome="failed")
    return ids


def as_person(role: str) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


def ids_of(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [call["call_id"] for call in answer.json()["calls"]]


def test_a_key_reads_its_own_integrations_log_newest_first(api, five):
    other = make.Api(Client(), make.key(make.active_integration())[1])
    other.open()
    assert ids_of(api.get("calls")) == five[::-1]
    assert ids_of(other.get("calls")) != five[::-1]
    assert other.get(f"calls/{five[0]}").status_code == 404


def test_a_test_key_reads_the_test_log(api, integration, five):
    secret = make.key(integration, secret="csk_test_" + "t" * 30, livemode=False)[1]
    assert ids_of(make.Api(Client(), secret).get("calls")) == []


def test_pages_follow_the_cursor_to_the_end(api, five):
    seen, path = [], "calls?limit=2&decision=allow"
    while path:
        answer = api.get(path)
        seen += ids_of(answer)
        link = re.fullmatch(r'<(.*)>; rel="next"', answer.headers.get("Link", ""))
        path = ""
        if link:
            parts = urlsplit(link[1])
            path = f"{parts.path.removeprefix('/api/v1/')}?{parts.query}"
    assert seen == [i for i in five[::-1] if i != five[1]]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("decision=deny", [1]),
        ("reason=region-not-allowed", [1]),
        ("reason=baa-missing", []),
        ("outcome=failed", [2]),
        ("outcome=unknown", []),
        ("phi_present=true", [4, 3, 2, 1, 0]),
        ("phi_present=false", []),
        ("provider=openai", [4, 3, 2, 1, 0]),
        ("model=gpt-4.1", [4, 3, 2, 1, 0]),
        ("model=gpt-5", []),
        ("orphan=true", []),
        ("received_after=2026-01-01T00:00:00Z", [4, 3, 2, 1, 0]),
        ("received_after=2026-01-01T00:00:00%2B16:34", [4, 3, 2, 1, 0]),
        ("received_after=0001-01-01T00:00:00%2B05:00", [4, 3, 2, 1, 0]),
        ("received_after=9999-12-31T23:59:59-05:00", []),
        ("received_before=2026-01-01T00:00:00Z", []),
        ("limit=1", [4]),
    ],
)
def test_filters(api, five, query, numbers):
    assert ids_of(api.get(f"calls?{query}")) == [five[n] for n in numbers]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=²",
        "cursor=Smith",
        "cursor=12.abc",
        "decision=Smith",
        "reason=Smith",
        "phi_present=1",
        "model=Mr Smith",
        "received_after=Smith",
        "received_after=2026-02-01T00:00:00Z&received_before=2026-01-01T00:00:00Z",
        "integration=Smith",
        "Smith=1",
    ],
)
def test_what_is_not_a_filter_is_refused_and_not_repeated(api, caplog, query):
    answer = api.get(f"calls?{query}")
    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":invalid-parameter")
    assert "Smith" not in answer.content.decode() + caplog.text
    assert not ReadEvent.objects.exists()


def test_a_call_shows_all_of_itself(api, five, integration):
    said = api.get(f"calls/{five[2]}").json()
    assert said["integration"] == integration.slug
    assert said["actor"] == {"type": "user", "id": "u-1042"}
    assert said["baa_reference"]
    assert said["completion"]["outcome"] == "failed"
    assert len(said["receipt"]["sha256"]) == 64
    denied = api.get(f"calls/{five[1]}").json()
    assert denied["reasons"] == ["region-not-allowed"]
    assert denied["completion"] is None


def test_the_receipt_is_that_of_the_first_answer(api):
    first = api.open().json()
    assert api.get(f"calls/{first['call_id']}").json()["receipt"] == first["receipt"]


def test_an_answer_that_the_caller_has_is_not_sent_again(api, five):
    for path in ("calls", f"calls/{five[0]}"):
        first = api.get(path)
        again = api.get(path, **{"if-none-match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert api.get(path, **{"if-none-match": '"other"'}).status_code == 200


def test_every_read_is_recorded(api, five, integration):
    api.get("calls?decision=allow")
    api.get(f"calls/{five[0]}")
    detail, listed = ReadEvent.objects.all()[:2]
    assert (listed.action, listed.row_count) == ("list", 4)
    assert listed.filters == {"decision": "allow"}
    assert listed.key.integration == integration
    assert (detail.action, detail.subject_id) == ("detail", five[0])


def test_an_ingest_key_reads_nothing(integration):
    api = make.Api(Client(), make.key(integration, scopes=["calls:write"])[1])
    call_id = api.open().json()["call_id"]
    for path in ("calls", f"calls/{call_id}"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["type"][-9:]) == (403, "key-scope")


@pytest.mark.parametrize("state", ["revoked", "expired", "wrong"])
def test_a_closed_key_reads_nothing(api, integration, state):
    now = timezone.now()
    fields = {
        "revoked": {"revoked_at": now},
        "expired": {
            "created_at": now - dt.timedelta(days=9),
            "expires_at": now - dt.timedelta(days=1),
        },
        "wrong": {},
    }[state]
    secret = make.key(integration, **fields)[1] + ("x" if state == "wrong" else "")
    answer = make.Api(Client(), secret).get("calls")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("officer", 200),
        ("auditor", 200),
        ("engineer", 403),
        ("viewer", 403),
        ("administrator", 403),
        ("", 403),
    ],
)
def test_people_read_what_their_role_may(api, five, role, status):
    client = as_person(role)
    assert client.get("/api/v1/calls").status_code == status
    assert client.get(f"/api/v1/calls/{five[0]}").status_code == status


def test_the_owner_of_an_integration_reads_its_log_alone(api, five, integration):
    other = make.active_integration()
    client = Client()
    client.force_login(other.owner)
    assert ids_of(client.get("/api/v1/calls")) == []
    assert client.get(f"/api/v1/calls/{five[0]}").status_code == 404
    policies_make.grant(integration, other.owner, "read_log", at=timezone.now())
    assert ids_of(client.get("/api/v1/calls")) == five[::-1]


def test_strangers_get_a_problem(five):
    for path in ("calls", f"calls/{five[0]}", "schema"):
        answer = Client().get(f"/api/v1/{path}")
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"


def test_nobody_posts_with_a_session(five):
    answer = as_person("officer").post("/api/v1/calls", {}, content_type="application/json")
    assert answer.status_code == 401


@pytest.mark.parametrize("count", [1, 40])
def test_the_number_of_queries_does_not_grow(api, django_assert_max_num_queries, count):
    for _ in range(count):
        api.open()
    with django_assert_max_num_queries(6):
        api.get("calls")
