"""Grants by programs: asked for, decided on by another's token, ended; nobody on their own."""

import datetime as dt
import json

import pytest
from django.test import Client
from django.utils import timezone

from audits.models import ReadEvent
from policies.models import Grant
from policies.tests import make
from portal.services.tokens import issue_token

pytestmark = pytest.mark.django_db
SCOPES = ("grants:read", "grants:write")
LATER = (timezone.localdate() + dt.timedelta(days=20)).isoformat()


class Script:
    """A program that calls with a person's token."""

    def __init__(self, person, scopes=SCOPES) -> None:
        _, secret = issue_token(person, "script", scopes=scopes, days=7, at=timezone.now())
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path="", query=None):
        return self.client.get(f"/api/v1/grants{path}", query or {})

    def post(self, path, body):
        return self.client.post(
            f"/api/v1/grants{path}", json.dumps(body), content_type="application/json"
        )


@pytest.fixture
def scene():
    integration = make.active_integration(slug="claims")
    engineer, officer = make.person("engineer"), make.person("officer")
    return Script(engineer), Script(officer), integration, engineer, officer


def wanted(**fields):
    body = {"integration": "claims", "permission": "send_prompt", "purpose": "Intake notes."}
    return {**body, "last_day": LATER, **fields}


def test_a_grant_is_asked_for_approved_and_ended_by_tokens(scene):
    mine, officers, integration, engineer, officer = scene
    asked = mine.post("", wanted())
    assert asked.status_code == 201
    pk = asked.json()["id"]
    assert asked.json()["holder"] == f"user:{engineer.email}"
    assert not engineer.has_perm("policies.send_prompt", integration)
    assert mine.post(f"/{pk}/approval", {}).status_code == 403
    approved = officers.post(f"/{pk}/approval", {"note": "For a while."})
    assert approved.status_code == 201
    assert (approved.json()["state"], approved.json()["decided_by"]) == ("standing", officer.email)
    assert type(engineer).objects.get(pk=engineer.pk).has_perm("policies.send_prompt", integration)
    assert mine.post(f"/{pk}/withdrawal", {}).json()["state"] == "withdrawn"
    assert (
        not type(engineer).objects.get(pk=engineer.pk).has_perm("policies.send_prompt", integration)
    )


@pytest.mark.parametrize("email", ["siobhan.o'brien@example.com", f"{'n' * 60}@{'d' * 63}.example"])
def test_whoever_has_an_account_is_asked_for_by_its_address(scene, client, email):
    mine, _, _, _, officer = scene
    make.person("viewer", email)
    assert mine.post("", wanted(holder=email)).status_code == 201
    client.force_login(officer)
    form = wanted(holder=email, permission="view_output")
    assert client.post("/access/grants/give/", form).status_code == 302
    assert [grant.principal.email for grant in Grant.objects.all()] == [email] * 2


def test_a_request_is_refused_with_a_note(scene):
    mine, officers, *_ = scene
    pk = mine.post("", wanted()).json()["id"]
    assert officers.post(f"/{pk}/refusal", {}).status_code == 400
    assert officers.post(f"/{pk}/refusal", {"note": "No need."}).json()["state"] == "refused"
    again = officers.post(f"/{pk}/approval", {})
    assert again.json()["type"].endswith(":refused")


def test_an_approval_ends_no_later_than_was_asked_for(scene):
    mine, officers, *_ = scene
    pk = mine.post("", wanted()).json()["id"]
    for day in ("2099-01-01", "9999-12-31"):
        answer = officers.post(f"/{pk}/approval", {"last_day": day})
        assert answer.status_code == 422
    assert Grant.objects.get().state == "requested"


@pytest.mark.parametrize("whose", ["", "engineer"])
def test_an_officer_approves_by_a_token_nothing_that_is_theirs(scene, whose):
    mine, officers, _, _engineer, officer = scene
    body = wanted(holder=officer.email)
    pk = (mine if whose else officers).post("", body).json()["id"]
    answer = officers.post(f"/{pk}/approval", {})
    assert answer.status_code == 422
    assert "Nobody decides" in answer.content.decode()
    assert Grant.objects.get().state == "requested"


@pytest.mark.parametrize(
    "extra",
    [
        {"state": "standing"},
        {"decided_by": "officer@example.com"},
        {"kind": "emergency"},
        {"asked_by": 1},
        {"principal": 1},
    ],
)
def test_members_that_are_no_ones_to_set_are_refused(scene, extra):
    answer = scene[0].post("", wanted(**extra))
    assert answer.status_code == 400
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"integration": "no-such"}, 422),
        ({"permission": "change_integration"}, 400),
        ({"holder": "nobody@example.org"}, 422),
        ({"holder": "Mr Smith, HIV"}, 400),
        ({"last_day": "2020-01-01"}, 422),
        ({"last_day": "2099-01-01"}, 422),
        ({"last_day": "9999-12-31"}, 422),
    ],
)
def test_what_cannot_be_granted_is_refused_and_not_repeated(scene, fields, status):
    answer = scene[0].post("", wanted(**fields))
    assert answer.status_code == status
    assert b"Smith" not in answer.content
    assert not Grant.objects.exists()


def test_others_grants_are_not_there_and_reads_are_recorded(scene):
    mine, officers, *_ = scene
    pk = mine.post("", wanted()).json()["id"]
    stranger = Script(make.person("engineer"))
    assert stranger.get(f"/{pk}").status_code == 404
    assert stranger.post(f"/{pk}/withdrawal", {}).status_code == 404
    assert stranger.get().json() == {"grants": []}
    assert [g["id"] for g in mine.get().json()["grants"]] == [pk]
    assert [g["id"] for g in officers.get("", {"state": "requested"}).json()["grants"]] == [pk]
    assert officers.get("", {"state": "standing"}).json()["grants"] == []
    assert officers.get(f"/{pk}").json()["id"] == pk
    assert ReadEvent.objects.filter(subject="policies.grant").count() == 5


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [(("register:read",), 403, 403), (("grants:read",), 200, 403), (("grants:write",), 403, 201)],
)
def test_a_token_opens_what_its_scopes_name(scene, scopes, reads, writes):
    script = Script(scene[3], scopes)
    assert script.get().status_code == reads
    assert script.post("", wanted()).status_code == writes
