import datetime as dt
import uuid

import pytest
from django.utils import timezone

from audits.bodies import CompletionBody
from audits.models import Completion
from audits.services.recording import record_completion
from audits.tests import make
from policies.services.keyring import Caller


@pytest.fixture
def call_id(api) -> str:
    return api.open().json()["call_id"]


def test_a_completion_closes_the_call(api, call_id):
    answer = api.complete(call_id, finish_reason="stop", response_model="gpt-4.1-2026-08")
    assert answer.status_code == 201
    said = answer.json()
    assert (said["state"], said["late"]) == ("completed", False)
    stored = Completion.objects.get(call_id=call_id)
    assert (stored.outcome, stored.input_tokens, stored.output_tokens) == ("succeeded", 512, 128)
    assert stored.response_model == "gpt-4.1-2026-08"


def test_a_repeat_gets_the_first_answer(api, call_id):
    body = make.completion_body()
    first = api.post(f"calls/{call_id}/completion", body)
    again = api.post(f"calls/{call_id}/completion", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert Completion.objects.count() == 1


def test_a_second_completion_that_says_something_else_is_refused(api, call_id):
    api.complete(call_id)
    answer = api.complete(call_id, outcome="failed")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":already-completed")
    assert Completion.objects.get().outcome == "succeeded"


def test_evidence_of_an_unknown_call_is_stored_and_marked(api):
    answer = api.complete(str(uuid.uuid4()))
    assert answer.status_code == 201
    assert answer.json()["state"] == "completion_without_call"
    assert Completion.objects.get().without_call


def test_another_integration_cannot_close_the_call(api, call_id):
    other = make.Api(api.client, make.key(make.active_integration())[1])
    answer = other.complete(call_id)
    assert answer.status_code == 403
    assert answer.json()["type"].endswith(":foreign-call")
    assert not Completion.objects.exists()


def test_a_test_key_cannot_close_a_live_call(api, call_id, integration):
    secret = make.key(integration, secret="csk_test_" + "t" * 30, livemode=False)[1]
    assert make.Api(api.client, secret).complete(call_id).status_code == 403


def test_an_event_id_is_not_used_twice(api, call_id):
    body = make.completion_body()
    api.post(f"calls/{call_id}/completion", body)
    other = api.open().json()["call_id"]
    answer = api.post(f"calls/{other}/completion", body)
    assert answer.status_code == 422
    assert Completion.objects.count() == 1


def test_a_completion_after_the_lease_is_stored_and_marked_late(api, call_id, integration):
    caller = Caller.of(integration.keys.get())
    body = CompletionBody(event_id=uuid.uuid4(), outcome="succeeded")
    late = timezone.now() + dt.timedelta(minutes=11)
    done = record_completion(uuid.UUID(call_id), body, caller=caller, received_at=late)
    assert done.entry.late
    assert Completion.objects.get().late


def test_a_lease_holds_the_call_open(api, call_id, integration):
    answer = api.post(f"calls/{call_id}/lease", b"")
    assert answer.status_code == 201
    assert answer.json()["lease_until"] > timezone.now().isoformat()[:19]


def test_what_has_no_lease(api, call_id):
    assert api.post(f"calls/{uuid.uuid4()}/lease", {}).status_code == 404
    denied = api.open(region="eu-west-1").json()["call_id"]
    assert api.post(f"calls/{denied}/lease", {}).json()["type"].endswith(":call-denied")
    api.complete(call_id)
    assert api.post(f"calls/{call_id}/lease", {}).json()["type"].endswith(":already-completed")
    other = make.Api(api.client, make.key(make.active_integration())[1])
    assert other.post(f"calls/{call_id}/lease", {}).status_code == 403


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_an_end_that_no_record_can_hold_is_refused(api, call_id, moment):
    """One is before the year 1 in UTC; the other is stored as year 10000, which nothing reads."""
    answer = api.complete(call_id, ended_at=moment)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": "ended_at", "error": "lies beyond what a record can hold"}
    ]
    assert api.complete(call_id, ended_at="2026-11-21T09:00:00+18:51").status_code == 201


def test_a_clock_that_is_wrong_does_not_lose_evidence(api, call_id):
    assert api.complete(call_id, ended_at="2031-01-01T00:00:00Z").status_code == 201
