"""The digest in a receipt is that of the canonical JSON of what is stored."""

import datetime as dt
import hashlib
import json
import uuid

from audits.models import Call, Completion
from audits.services.statements import find_call
from countersign.canonical import canonical


def plain(value: object) -> object:
    """The value as the canonical form takes it."""
    if isinstance(value, dt.datetime):
        text = value.astimezone(dt.UTC).isoformat()
        return text.replace("+00:00", "Z")
    if isinstance(value, dt.date | uuid.UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value


def by_hand(row: dict) -> str:
    entry = {name: plain(value) for name, value in row.items() if name != "id"}
    return hashlib.sha256(canonical(entry)).hexdigest()


def test_the_receipt_of_a_call_and_of_its_end(api):
    opened = api.open(
        masked={"name": 2, "mrn": 1},
        features=["tools", "cache"],
        input_bytes=2**53 - 1,
        started_at=dt.datetime.now(dt.UTC).isoformat(),
    ).json()
    ended = api.complete(opened["call_id"], ended_at="2026-11-20T12:00:00.25+01:00").json()
    call = Call.objects.filter(call_id=opened["call_id"]).values().get()
    completion = Completion.objects.values().get()
    assert opened["receipt"]["sha256"] == by_hand(call)
    assert ended["receipt"]["sha256"] == by_hand(completion)


def test_a_stored_row_has_no_float(api):
    """Where texts of numbers differ, canonical forms do."""
    row = find_call(uuid.UUID(api.open().json()["call_id"]))
    assert not any(isinstance(value, float) for value in row.values())
    assert json.loads(canonical({k: plain(v) for k, v in row.items()}))
