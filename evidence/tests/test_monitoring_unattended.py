"""Calls without a record, and calls that went out before they were denied, are findings."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.test import Client
from django.utils import timezone

from audits.tests import make as audits
from evidence.models import Finding
from evidence.services.findings import flag_findings, start_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration():
    return audits.active_integration()


@pytest.fixture
def api(integration):
    return audits.Api(Client(), audits.key(integration)[1])


def run(days: int = 0) -> None:
    at = timezone.now() + dt.timedelta(days=days)
    flag_findings(start_run(on=at.date(), at=at), at=at)


def found(code: str):
    return Finding.objects.open().filter(check_code=code)


def test_gaps_open_a_finding_with_their_number_and_close_after_a_month(api, integration):
    for calls in (17, 1203):
        assert api.post("gaps", audits.gap_body(calls=calls)).status_code == 201
    run()
    finding = found("calls-gap").get()
    assert (finding.subject, finding.severity) == (integration, "high")
    assert finding.detail == "1,220 calls in observe mode without a record in 30 days"
    run(31)
    assert not found("calls-gap").exists()


def test_gaps_of_test_keys_are_nobodys_finding(integration):
    tested = audits.Api(Client(), audits.key(integration, livemode=False)[1])
    assert tested.post("gaps", audits.gap_body()).status_code == 201
    run()
    assert not found("calls-gap").exists()


def drained(api, outcome: str, **fields) -> None:
    """A spooled call and its end, as a journal that is drained tells them."""
    call = audits.call_body(mode="spool", **fields)
    end = audits.completion_body(outcome=outcome)
    lines = [
        {"type": "call", "body": call},
        {"type": "completion", "call_id": call["call_id"], "body": end},
    ]
    raw = b"\n".join(json.dumps(line).encode() for line in lines)
    assert api.post("events", raw, content_type="application/x-ndjson").status_code == 200


def test_a_spooled_call_that_is_denied_when_it_comes_is_a_finding(api, integration):
    drained(api, "succeeded", region="eu-west-1")
    drained(api, "succeeded")
    drained(api, "blocked", region="eu-west-1")
    run()
    finding = found("calls-denied-later").get()
    assert finding.subject == integration
    assert finding.detail == "1 call in 30 days sent before the portal denied them"


def test_what_was_stopped_or_allowed_is_none(api):
    drained(api, "blocked", region="eu-west-1")
    drained(api, "succeeded")
    run()
    assert not found("calls-denied-later").exists()
