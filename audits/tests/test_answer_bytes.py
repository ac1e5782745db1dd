"""The hot path's bytes of an answer are those that its structure has."""

import uuid

import msgspec
import pytest
from django.utils import timezone

from audits.bodies import CallBody, CompletionBody
from audits.models import Call
from audits.services import recording
from audits.services.answers import stored_content, stored_json
from audits.services.facts import current
from audits.tests import make

pytestmark = pytest.mark.django_db


def call_body(**members: object) -> CallBody:
    return msgspec.convert(make.call_body(**members), CallBody)


def done(body: CallBody, admitted: recording.Admitted) -> recording.CallJob:
    job = recording.call_job(body, admitted, Call.Source.CALLS.value)
    recording.run([job])
    assert job.error is None
    return job


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1"])
def test_the_bytes_are_those_of_the_structure(region):
    integration = make.active_integration()
    caller = recording.Caller.of(make.key(integration)[0])
    admitted = recording.admit(caller, at=timezone.now(), facts=current())
    body = call_body(region=region)
    first, again = done(body, admitted), done(body, admitted)

    assert (first.created, again.created) == (True, False)
    for job in (first, again):
        assert stored_json(job) == msgspec.json.encode(stored_content(job))
    assert stored_json(first) == stored_json(again)


def test_the_bytes_of_a_completion_are_those_of_the_structure():
    integration = make.active_integration()
    caller = recording.Caller.of(make.key(integration)[0])
    admitted = recording.admit(caller, at=timezone.now(), facts=current())
    ended = msgspec.convert({"event_id": str(uuid.uuid4()), "outcome": "succeeded"}, CompletionBody)
    job = recording.completion_job(uuid.uuid4(), ended, admitted)
    recording.run([job])

    assert stored_json(job) == msgspec.json.encode(stored_content(job))
