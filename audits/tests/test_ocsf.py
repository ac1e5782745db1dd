"""Calls as OCSF events: what the class asks for, and the integrity of each record."""

import hashlib
import json
import uuid

from django.test import Client

from audits.models import Call, ReadEvent
from audits.tests import make
from countersign.canonical import canonical

# Attributes that class and base event require. Source: OCSF 1.9.0.
REQUIRED = {
    "activity_id",
    "actor",
    "api",
    "category_uid",
    "class_uid",
    "metadata",
    "severity_id",
    "src_endpoint",
    "time",
    "type_uid",
}


def events(client, **query) -> list[dict]:
    answer = client.get("/calls/export/", {"kind": "ocsf", **query})
    assert answer.status_code == 200
    assert answer["Content-Disposition"].endswith('.ocsf.jsonl"')
    return [json.loads(line) for line in answer.getvalue().splitlines()]


def test_an_allowed_call_and_how_it_ended(api, officer, integration):
    operation = str(uuid.uuid4())
    opened = api.open(operation_id=operation, session_id="s-7", purpose="treatment").json()
    ended = api.complete(opened["call_id"]).json()
    (event,) = events(officer)
    call = Call.objects.get()
    assert set(event) >= REQUIRED
    assert (event["class_uid"], event["category_uid"], event["type_uid"]) == (6003, 6, 600399)
    assert (event["status_id"], event["status_code"]) == (1, "succeeded")
    assert event["time"] == int(call.received_at.timestamp() * 1000)
    assert event["actor"]["user"] == {"uid": "u-1042", "type_id": 1, "type": "User"}
    assert event["src_endpoint"] == {"name": integration.slug}
    assert event["ai_model"] == {"model_name": "gpt-4.1", "ai_provider": "openai"}
    assert event["message_context"]["total_tokens"] == 640
    assert event["http_response"] == {"code": 200}
    assert event["metadata"]["version"] == "1.9.0"
    assert event["metadata"]["original_event_uid"] == opened["call_id"]
    assert event["metadata"]["correlation_uid"] == operation
    ledger = event["unmapped"]["ledger"]
    receipt = opened["receipt"]
    assert ledger["index"] == receipt["record"] == event["metadata"]["sequence"]
    assert ledger["leaf_hash"] == receipt["leaf_hash"]
    assert ledger["sha256"] == receipt["sha256"]
    assert ledger["checkpoint"] == receipt["checkpoint"]
    assert event["unmapped"]["completion_ledger"]["index"] == ended["receipt"]["record"]


def test_a_denied_one_says_why_and_an_open_one_that_it_is_not_known(api, officer):
    api.open(region="eu-west-1")
    api.open()
    denied, running = events(officer)
    assert (denied["status_id"], denied["status_code"]) == (2, "denied")
    assert denied["status_detail"] == "region-not-allowed"
    assert denied["unmapped"]["decision"] == "deny"
    assert denied["severity_id"] > running["severity_id"]
    assert (running["status_id"], running["status_code"]) == (0, "open")


def test_the_fingerprint_is_over_the_whole_event(api, officer):
    """Source: OCSF 1.9.0, profile record_integrity: all but fingerprint and signatures."""
    api.open()
    (event,) = events(officer)
    fingerprint = event["attestation"].pop("fingerprint")
    assert fingerprint["algorithm_id"] == 3
    assert hashlib.sha256(canonical(event)).hexdigest() == fingerprint["value"]
    assert event["attestation"]["chain_uid"] == event["unmapped"]["ledger"]["origin"]
    event["actor"]["user"]["uid"] = "u-1"
    assert hashlib.sha256(canonical(event)).hexdigest() != fingerprint["value"]


def test_the_export_is_what_the_filters_choose_and_is_recorded(api, officer):
    api.open(region="eu-west-1")
    api.open()
    assert [e["unmapped"]["decision"] for e in events(officer, decision="allow")] == ["allow"]
    read = ReadEvent.objects.get()
    assert (read.action, read.row_count) == ("export", 1)
    assert read.filters == {"decision": "allow", "log": "live", "kind": "ocsf"}


def test_nobody_without_the_right_gets_it(api, integration):
    client = Client()
    client.force_login(make.active_integration().owner)
    assert client.get("/calls/export/?kind=ocsf").status_code == 403
