"""The gate asked without a record: in our words, and in those of OpenID AuthZEN."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from audits.models import Batch, Call, Pending
from audits.tests import make
from policies.services.lifecycle import suspend
from policies.tests.make import person

CANARY = "Mr Smith, HIV positive"
CONTEXT = {"phi_present": True, "data_classes": ["phi"]}


def question(**fields) -> dict:
    body = make.call_body(**fields)
    kept = ("model", "region", "phi_present", "actor", "integration", "data_classes", "features")
    return {name: body[name] for name in kept if name in body} | fields


def evaluation(**parts) -> dict:
    asked = question()
    return {
        "subject": asked["actor"],
        "action": {"name": "chat"},
        "resource": {
            "type": "model",
            "id": asked["model"],
            "properties": {"region": asked["region"]},
        },
        "context": {"phi_present": asked["phi_present"]},
        **parts,
    }


@pytest.fixture
def integration(db):
    return make.active_integration()


@pytest.fixture
def asker(integration):
    return make.Api(Client(), make.key(integration, scopes=["decide"])[1])


def authzen(asker, body: object, path="evaluation", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return asker.client.post(
        f"/access/v1/{path}", raw, content_type="application/json", headers=asker.headers(**headers)
    )


def stored() -> list[int]:
    return [each.objects.count() for each in (Batch, Call, Pending)]


def test_the_verdict_is_that_of_a_call_and_nothing_is_recorded(asker, integration):
    before = stored()
    allowed = asker.post("decisions", question()).json()
    denied = asker.post("decisions", question(region="eu-west-1")).json()
    assert (allowed["decision"], allowed["reasons"]) == ("allow", [])
    assert denied["decision"] == "deny"
    assert [reason["code"] for reason in denied["reasons"]]
    assert stored() == before
    writer = make.Api(Client(), make.key(integration)[1])
    real = writer.open(region="eu-west-1").json()
    for member in ("decision", "reasons", "warnings", "valid_until", "bundle", "livemode"):
        assert denied[member] == real[member]


def test_a_suspension_is_known_to_the_next_question(committed):
    integration = make.active_integration()
    asker = make.Api(Client(), make.key(integration, scopes=["decide"])[1])
    assert asker.post("decisions", question()).json()["decision"] == "allow"
    suspend(integration, reason="Incident 4711.", by=person("officer"), at=timezone.now())
    reasons = asker.post("decisions", question()).json()["reasons"]
    assert "integration-not-active" in [reason["code"] for reason in reasons]


def test_the_scope_is_needed(integration):
    for scopes, status in ((["calls:write"], 403), (["decide"], 200)):
        api = make.Api(Client(), make.key(integration, scopes=scopes)[1])
        assert api.post("decisions", question()).status_code == status
        assert authzen(api, evaluation()).status_code == status
    assert Client().post("/api/v1/decisions").status_code == 401
    assert Client().post("/access/v1/evaluations").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        ({}, 400),
        (question(model=CANARY), 400),
        ({**question(), "prompt": CANARY}, 400),
        (question(integration="another"), 403),
        (b" " * 70_000, 413),
    ],
)
def test_bad_questions_get_a_problem_that_quotes_nothing(asker, body, status):
    answer = asker.post("decisions", body)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert "Smith" not in answer.text


def test_an_evaluation_is_answered_with_yes_or_no_and_why(asker):
    allowed = authzen(asker, evaluation(), **{"x-request-id": "r-1"})
    assert (allowed.status_code, allowed.json()["decision"]) == (200, True)
    assert allowed["X-Request-ID"] == "r-1"
    other = evaluation()
    other["resource"]["properties"]["region"] = "eu-west-1"
    denied = authzen(asker, other).json()
    assert denied["decision"] is False
    assert denied["context"]["reasons"][0]["remedy"]


@pytest.mark.parametrize(
    "part",
    [
        {"subject": {"type": "patient", "id": "u-1"}},
        {"subject": {"type": "user", "id": CANARY}},
        {"resource": {"type": "file", "id": "x", "properties": {"region": "us-east-1"}}},
        {"context": {}},
        {"context": {**CONTEXT, "phi": CANARY}},
        {"prompt": CANARY},
    ],
)
def test_what_could_be_misread_is_refused(asker, part):
    answer = authzen(asker, evaluation(**part))
    assert answer.status_code == 400
    assert "Smith" not in answer.text


def test_properties_of_who_asks_decide_nothing_and_are_kept_nowhere(asker):
    subject = {"type": "user", "id": "u-1", "properties": {"name": CANARY}}
    answer = authzen(asker, evaluation(subject=subject))
    assert answer.json()["decision"] is True
    assert "Smith" not in answer.text


def several(semantic: str, *regions: str) -> dict:
    common = evaluation()
    resource = common.pop("resource")
    each = [{"resource": {**resource, "properties": {"region": r}}} for r in regions]
    return {**common, "evaluations": each, "options": {"evaluations_semantic": semantic}}


@pytest.mark.parametrize(
    ("semantic", "found"),
    [
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_several_questions_share_what_they_have_in_common(asker, semantic, found):
    regions = ("us-east-1", "eu-west-1") * 2
    answer = authzen(asker, several(semantic, *regions), "evaluations").json()
    assert [each["decision"] for each in answer["evaluations"]] == found


def test_one_that_is_incomplete_is_no_and_the_others_are_answered(asker):
    asked = several("execute_all", "us-east-1")
    asked["evaluations"].append({"context": {"phi_present": True}})
    first, second = authzen(asker, asked, "evaluations").json()["evaluations"]
    assert first["decision"] is True
    assert (second["decision"], second["context"]["error"]["status"]) == (False, 400)


def test_without_a_list_it_is_one_question(asker):
    assert authzen(asker, evaluation(), "evaluations").json()["decision"] is True
    assert authzen(asker, {"options": {}}, "evaluations").status_code == 400


def test_the_addresses_are_told_to_everybody(client, settings):
    settings.PUBLIC_URL = "https://portal.example/"
    told = client.get("/.well-known/authzen-configuration").json()
    assert told == {
        "policy_decision_point": "https://portal.example",
        "access_evaluation_endpoint": "https://portal.example/access/v1/evaluation",
        "access_evaluations_endpoint": "https://portal.example/access/v1/evaluations",
    }
