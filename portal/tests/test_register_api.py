"""The register's REST API, by a person's token and by session."""

import datetime as dt
import json

import pytest
from auditlog.models import LogEntry
from django.test import Client

from audits.api.limits import BUCKETS
from audits.models import ReadEvent
from policies.tests import make as people
from portal.models import PersonalToken
from portal.services.tokens import issue_token
from vendors.models import Agreement, AssuranceReport, Fact, Service, Vendor
from vendors.tests import make
from vendors.tests.make import YEAR

SCOPES = [scope.value for scope in PersonalToken.Scope]
NOW = dt.datetime.now(dt.UTC)


class Script:
    """A program that calls with a person's token."""

    def __init__(self, person, scopes=SCOPES) -> None:
        self.person = person
        self.token, secret = issue_token(person, "script", scopes=scopes, days=7, at=NOW)
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path, query=None, **headers):
        return self.client.get(f"/api/v1/{path}", query or {}, headers=headers)

    def post(self, path, body, **headers):
        return self._send("post", path, body, headers)

    def patch(self, path, body, **headers):
        return self._send("patch", path, body, headers)

    def _send(self, method, path, body, headers):
        sent = body if isinstance(body, str | bytes) else json.dumps(body)
        return getattr(self.client, method)(
            f"/api/v1/{path}", sent, content_type="application/json", headers=headers
        )


@pytest.fixture
def api(db):
    return Script(people.person("officer"))


def code(answer) -> str:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.json()["type"].rsplit(":", 1)[1]


@pytest.fixture
def alder(db):
    vendor = make.vendor("Alder", slug="alder")
    make.service(vendor, name="Chat", slug="alder-chat", facts=False)
    return vendor


BODIES = {
    "vendors": {"name": "Birch", "website": "https://birch.example", "criticality": "high"},
    "services": {
        "vendor": "alder",
        "name": "Voice",
        "provider": "alder",
        "models": [{"pattern": "v-*", "lifecycle": "preview"}],
        "regions": [{"region": "eu-west-1"}],
    },
    "agreements": {
        "vendor": "alder",
        "kind": "baa",
        "reference": "BAA-1",
        "counterparty": "Alder, Inc.",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "covers": [{"service": "alder-chat", "model_pattern": "gpt-*"}],
    },
    "reports": {
        "vendor": "alder",
        "kind": "soc2_type2",
        "auditor": "Audit LLP",
        "period_start": "2025-07-01",
        "period_end": "2026-06-30",
        "categories": ["security"],
        "scopes": [{"service": "alder-chat"}],
    },
    "facts": {
        "service": "alder-chat",
        "dimension": "training_use",
        "value": "no",
        "grade": "contract",
        "source": "the contract",
    },
}
MODELS = {
    "vendors": Vendor,
    "services": Service,
    "agreements": Agreement,
    "reports": AssuranceReport,
    "facts": Fact,
}


@pytest.mark.parametrize("what", BODIES)
def test_what_is_created_can_be_read_where_the_answer_says(api, alder, what):
    answer = api.post(what, BODIES[what])
    assert answer.status_code == 201, answer.content
    told = answer.json()
    sent = {k: v for k, v in BODIES[what].items() if not isinstance(v, list)}
    assert sent.items() <= told.items()
    again = api.client.get(answer["Location"])
    assert again.json() == told
    assert again["ETag"] == answer["ETag"]
    assert told in api.get(what).json()["data"]
    unchanged = api.client.get(answer["Location"], headers={"If-None-Match": again["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_who_wrote_and_who_read_is_kept(api, alder):
    told = api.post("agreements", BODIES["agreements"]).json()
    assert told["recorded_by"] == api.person.email
    agreement = Agreement.objects.get()
    assert LogEntry.objects.get_for_object(agreement).get().actor == api.person
    api.get("agreements", {"kind": "baa"})
    read = ReadEvent.objects.get()
    assert (read.user, read.action, read.subject) == (api.person, "list", "vendors.agreement")
    assert read.filters == {"kind": "baa", "token": api.token.public_id}
    assert read.row_count == 1


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("role", ["engineer", "auditor", "viewer", "administrator", ""])
def test_roles_do_by_token_what_they_do_by_hand(alder, what, role):
    script = Script(people.person(role))
    assert script.get(what).status_code == (200 if role else 403)
    answer = script.post(what, BODIES[what])
    assert (answer.status_code, code(answer)) == (403, "permission-denied")


@pytest.mark.parametrize("what", BODIES)
def test_a_token_opens_what_its_scopes_name(alder, what):
    officer = people.person("officer")
    reader = Script(officer, ["register:read"])
    assert reader.get(what).status_code == 200
    assert code(reader.post(what, BODIES[what])) == "key-scope"
    writer = Script(officer, ["register:write"])
    assert code(writer.get(what)) == "key-scope"
    assert writer.post(what, BODIES[what]).status_code == 201
    assert code(Script(officer, ["calls:read"]).get(what)) == "key-scope"


def test_a_token_of_the_register_does_not_read_calls(db):
    officer = people.person("officer")
    assert code(Script(officer, ["register:read"]).get("calls")) == "key-scope"
    assert Script(officer, ["calls:read"]).get("calls").status_code == 200


def test_the_key_of_an_integration_is_told_to_use_a_token(db):
    _, secret = people.key(people.active_integration())
    answer = Client().get("/api/v1/vendors", headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, code(answer)) == (403, "token-required")


def test_a_session_reads_and_writes_with_its_csrf_token_alone(db):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.person("officer"))
    assert client.get("/api/v1/vendors").status_code == 200
    sent = {"data": json.dumps(BODIES["vendors"]), "content_type": "application/json"}
    assert client.post("/api/v1/vendors", **sent).status_code == 403
    client.get("/vendors/new/")
    token = client.cookies["countersign-csrf"].value
    answer = client.post("/api/v1/vendors", **sent, headers={"X-CSRFToken": token})
    assert answer.status_code == 201


WRONG = [
    ("unknown", {"surprise": 1}),
    ("state", {"state": "approved"}),
    ("recorded_by", {"recorded_by": "x@example.com"}),
    ("review", {"review": "accept"}),
    ("id", {"id": 7}),
]


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize(("name", "more"), WRONG, ids=[name for name, _ in WRONG])
def test_what_the_caller_may_not_set_is_unknown(api, alder, what, name, more):
    answer = api.post(what, {**BODIES[what], **more})
    assert (answer.status_code, code(answer)) == (400, "invalid-body")


def others(value):
    """Values of every other type, as JSON has them."""
    kinds = ["text that is wrong", 1, 1.5, True, None, [], {}, [[]]]
    return [kind for kind in kinds if type(kind) is not type(value)]


@pytest.mark.parametrize("what", BODIES)
def test_no_type_is_coerced(api, alder, what):
    count = MODELS[what].objects.count()
    for field, value in BODIES[what].items():
        for other in others(value):
            if other is None and field in ("ends_on", "period_start", "period_end"):
                continue
            answer = api.post(what, {**BODIES[what], field: other})
            assert answer.status_code == 400, (field, other)
            assert answer.json()["errors"][0]["field"].split(".")[0] in (field, "")
    assert MODELS[what].objects.count() == count


@pytest.mark.parametrize(
    ("what", "more", "field"),
    [
        ("vendors", {"name": "ALDER"}, ""),
        ("vendors", {"slug": "alder"}, "slug"),
        ("vendors", {"slug": "new"}, "slug"),
        ("vendors", {"owner": "nobody@example.com"}, "owner"),
        ("services", {"vendor": "nobody"}, "vendor"),
        ("services", {"name": "chat"}, ""),
        ("services", {"models": [{"pattern": "a"}, {"pattern": "a"}]}, None),
        ("agreements", {"covers": [{"service": "other-chat"}]}, "covers"),
        ("agreements", {"covers": [{"service": "alder-chat"}] * 2}, None),
        ("agreements", {"ends_on": "2025-01-01"}, "ends_on"),
        ("agreements", {"kind": "dpa", "vendor": "nobody"}, "vendor"),
        ("reports", {"scopes": [{"service": "other-chat"}]}, "scopes"),
        ("reports", {"period_start": None}, ""),
        ("reports", {"period_end": "2025-01-01"}, ""),
        ("facts", {"service": "nobody"}, "service"),
        ("facts", {"value": "self_serve"}, "value"),
        ("facts", {"number": 3}, "number"),
    ],
)
def test_a_rule_of_the_register_refuses_and_nothing_is_stored(api, alder, what, more, field):
    make.service(make.vendor("Other", slug="other"), name="Chat", slug="other-chat")
    before = {model: model.objects.count() for model in MODELS.values()}
    answer = api.post(what, {**BODIES[what], **more})
    if field is None and answer.status_code == 201:
        return  # rows that name the same are taken together by the service
    assert (answer.status_code, code(answer)) == (422, "refused"), answer.content
    if field is not None:
        assert answer.json()["errors"][0]["field"] == field
    assert {model: model.objects.count() for model in MODELS.values()} == before


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"{", 400, "malformed-json"),
        (b"\xff", 400, "malformed-json"),
        (b"[]", 400, "invalid-body"),
        (b"[" * 30_000, 400, "invalid-body"),
        (b'{"name": "' + b"x" * 70_000 + b'"}', 413, "body-too-large"),
        (b'{"name": "x\\u0000y"}', 400, "invalid-body"),
        (b'{"name": " Birch"}', 400, "invalid-body"),
        (b'{"name": ""}', 400, "invalid-body"),
    ],
)
def test_bad_bodies_are_told_apart(api, body, status, problem):
    answer = api.post("vendors", body)
    assert (answer.status_code, code(answer)) == (status, problem)


def test_no_refusal_repeats_what_was_sent(api, alder, caplog):
    secret = "Mr Smith, HIV positive"
    for what, body in BODIES.items():
        for field in body:
            for sent in (secret, [secret], {secret: secret}):
                answer = api.post(what, {**body, field: sent, secret: secret})
                assert "Smith" not in answer.text
    assert "Smith" not in caplog.text


def test_a_change_needs_what_was_seen(api, alder):
    seen = api.get("vendors/alder")
    assert code(api.patch("vendors/alder", {"criticality": "low"})) == "precondition-required"
    changed = api.patch("vendors/alder", {"criticality": "low"}, **{"If-Match": seen["ETag"]})
    assert (changed.status_code, changed.json()["criticality"]) == (200, "low")
    assert changed.json()["name"] == "Alder"
    late = api.patch("vendors/alder", {"criticality": "high"}, **{"If-Match": seen["ETag"]})
    assert (late.status_code, code(late)) == (412, "precondition-failed")
    again = api.patch("vendors/alder", {"name": "Alder AI"}, **{"If-Match": changed["ETag"]})
    assert again.status_code == 200
    assert api.get("vendors/alder").json()["name"] == "Alder AI"
    assert api.patch("vendors/nobody", {}, **{"If-Match": "*"}).status_code == 404


def test_a_vendor_cannot_be_approved_or_moved_by_a_change(api, alder):
    for body in ({"state": "approved"}, {"slug": "x"}, {"name": None}, {"criticality": "huge"}):
        answer = api.patch("vendors/alder", body, **{"If-Match": "*"})
        assert (answer.status_code, code(answer)) == (400, "invalid-body")


def test_a_change_of_a_service_leaves_what_it_does_not_name(api, alder):
    answer = api.patch("services/alder-chat", {"plan": "Enterprise"}, **{"If-Match": "*"})
    told = answer.json()
    assert told["plan"] == "Enterprise"
    assert [m["pattern"] for m in told["models"]] == ["gpt-*"]
    assert told["regions"][0]["guarantee"] == "contract"
    told = api.patch("services/alder-chat", {"models": []}, **{"If-Match": "*"}).json()
    assert (told["models"], len(told["regions"])) == ([], 1)


def test_an_agreement_is_amended_and_terminated(api, alder):
    first = api.post("agreements", BODIES["agreements"]).json()
    body = {
        "starts_on": "2026-07-01",
        "counterparty": "Alder, Inc.",
        "covers": [{"service": "alder-chat"}],
    }
    second = api.post(f"agreements/{first['id']}/amendments", body)
    assert second.status_code == 201
    told = second.json()
    assert (told["version"], told["amends"], told["reference"]) == (2, first["id"], "BAA-1")
    assert api.get(f"agreements/{first['id']}").json()["superseded_on"] == "2026-07-01"
    again = api.post(f"agreements/{first['id']}/amendments", body)
    assert (again.status_code, code(again)) == (422, "refused")
    end = {"terminated_on": "2026-09-01", "reason": "The service is not used any more."}
    ended = api.post(f"agreements/{told['id']}/termination", end)
    assert ended.json()["terminated_on"] == "2026-09-01"
    assert code(api.post(f"agreements/{told['id']}/termination", end)) == "refused"
    assert code(api.post("agreements/999999999999999999/termination", end)) == "not-found"


def test_a_report_is_corrected_by_a_row_that_is_reviewed_again(api, alder):
    first = make.report(alder, by=api.person)
    body = {k: v for k, v in BODIES["reports"].items() if k != "vendor"}
    told = api.post(f"reports/{first.pk}/corrections", body).json()
    assert (told["replaces"], told["review"]) == (first.pk, "pending")
    assert code(api.post(f"reports/{first.pk}/corrections", body)) == "refused"


def test_a_repeat_with_its_key_stores_nothing_twice(api, alder):
    key = {"Idempotency-Key": "nightly-1"}
    first = api.post("facts", BODIES["facts"], **key)
    again = api.post("facts", BODIES["facts"], **key)
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert Fact.objects.count() == 1
    other = api.post("facts", {**BODIES["facts"], "grade": "public"}, **key)
    assert (other.status_code, code(other)) == (422, "idempotency-key-reused")
    theirs = Script(people.person("officer")).post("facts", BODIES["facts"], **key)
    assert theirs.status_code == 201
    assert (
        code(api.post("facts", BODIES["facts"], **{"Idempotency-Key": "a b"})) == "invalid-header"
    )


def test_a_refused_post_keeps_no_answer(api, alder):
    key = {"Idempotency-Key": "nightly-1"}
    assert api.post("vendors", {"name": "Alder"}, **key).status_code == 422
    assert api.post("vendors", {"name": "Birch"}, **key).status_code == 201


def test_a_list_is_read_page_by_page_newest_first(api):
    for number in range(5):
        make.vendor(f"Vendor number {number}")
    seen = []
    path, query = "/api/v1/vendors", {"limit": 2}
    while path:
        answer = api.client.get(path, query)
        seen += [row["name"] for row in answer.json()["data"]]
        link = answer.get("Link", "")
        path, query = link[1 : link.index(">")] if link else "", {}
    assert seen == [f"Vendor number {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("what", "query", "found"),
    [
        ("vendors", {"criticality": "critical"}, 0),
        ("vendors", {"state": "approved"}, 1),
        ("vendors", {"review_due_before": "2030-01-01"}, 1),
        ("services", {"vendor": "alder"}, 1),
        ("services", {"provider": "nobody"}, 0),
        ("agreements", {"vendor": "alder", "kind": "baa"}, 1),
        ("agreements", {"ends_before": "2020-01-01"}, 0),
        ("reports", {"review": "accept"}, 1),
        ("reports", {"period_ends_after": "2030-01-01"}, 0),
        ("facts", {"dimension": "training_use"}, 0),
    ],
)
def test_lists_are_narrowed(api, alder, what, query, found):
    make.baa(alder)
    make.report(alder, by=api.person)
    assert len(api.get(what, query).json()["data"]) == found


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=%D9%A3",
        "cursor=x",
        "cursor=1:x",
        "unknown=1",
        "limit=",
        "limit=1&limit=2",
        "vendor=%27",
        "state=huge",
        "kind=x",
        "recorded_after=2026-02-30",
    ],
)
def test_a_query_that_is_not_of_its_form_is_refused(api, what, query):
    answer = api.get(f"{what}?{query}")
    assert (answer.status_code, code(answer)) == (400, "invalid-parameter")


@pytest.mark.parametrize("what", BODIES)
def test_lists_take_few_queries(api, alder, what, django_assert_max_num_queries):
    for _ in range(4):
        vendor = make.vendor(owner=api.person)
        make.service(vendor)
        make.baa(vendor, owner=api.person, recorded_by=api.person)
        make.report(vendor, by=api.person, recorded_by=api.person)
    api.get(what)
    with django_assert_max_num_queries(12):
        assert len(api.get(what).json()["data"]) >= 4


@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        (lambda t: setattr(t, "revoked_at", NOW), "key-revoked"),
        (lambda t: setattr(t, "created_at", NOW - YEAR), None),
        (lambda t: setattr(t, "cidrs", ["10.0.0.0/8"]), "key-network"),
    ],
)
def test_a_token_that_ended_opens_nothing(api, break_it, problem):
    break_it(api.token)
    if problem is None:
        api.token.expires_at, problem = NOW - dt.timedelta(days=1), "key-expired"
    api.token.save()
    answer = api.get("vendors")
    assert answer.status_code == (403 if problem == "key-network" else 401)
    assert code(answer) == problem


def test_who_left_opens_nothing(api):
    api.person.is_active = False
    api.person.save()
    assert (api.get("vendors").status_code, code(api.get("vendors"))) == (401, "key-revoked")


def test_a_token_loses_what_its_person_loses(api, alder):
    api.person.groups.clear()
    assert code(api.get("vendors")) == "permission-denied"


@pytest.mark.parametrize("secret", ["cst_", "cst_x", "cst_" + "a" * 50, "cst_" + "é" * 50])
def test_what_is_no_token_opens_nothing(db, secret):
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    answer = client.get("/api/v1/vendors")
    assert (answer.status_code, code(answer)) == (401, "key-invalid")


def test_a_token_has_a_limit(api, settings):
    settings.TOKEN_REQUESTS_PER_MINUTE = 2
    BUCKETS.forget()
    assert [api.get("vendors").status_code for _ in range(3)] == [200, 200, 429]
    answer = api.get("vendors")
    assert code(answer) == "rate-limited"
    assert int(answer["Retry-After"]) > 0
    BUCKETS.forget()
