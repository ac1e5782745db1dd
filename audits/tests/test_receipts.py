"""A receipt proves an entry: its bytes, its place, and a signed tree that holds it."""

import datetime as dt
import hashlib
import json

import pytest
from django.conf import settings

from audits.ledger import copying, entries
from audits.ledger.entries import entry_of_row
from audits.ledger.rebuilding import bytes_of_row, fits
from audits.models import Batch, Call, Completion, Event, Lease
from audits.tests import make
from countersign import checkpoints, notes
from countersign.canonical import canonical
from countersign.merkle import leaf_hash, root_of

FULL = {
    "masked": {"name": 2, "mrn": 1, "a.b": 3, "Z" * 0 + "z": 1},
    "features": ["tools", "cache"],
    "input_bytes": 2**53 - 1,
    "client": "countersign/1.0",
}


def lines(ledger_id: int = 1) -> list[bytes]:
    """All entries of a ledger."""
    found = Batch.objects.filter(ledger_id=ledger_id).order_by("first_index")
    return [line for batch in found for line in bytes(batch.entries).split(b"\n")]


def row_of(call: Call) -> dict:
    """The columns of a call and of its verdict."""
    row = Call.objects.filter(call_id=call.call_id).values().get()
    return {
        **{f.attname: getattr(call.verdict, f.attname) for f in call.verdict._meta.fields},
        **row,
    }


def verifier() -> notes.Verifier:
    seed = bytes.fromhex(settings.LEDGER_SIGNING_KEY)
    return notes.Signer("localhost:8000/live", seed).verifier


def test_the_receipt_proves_the_entry(api):
    said = [api.open(**FULL, started_at=dt.datetime.now(dt.UTC).isoformat()).json()]
    said.append(api.complete(said[0]["call_id"], ended_at="2026-11-20T12:00:00.2567+01:00").json())
    stored = lines()
    for answer in said:
        receipt = answer["receipt"]
        line = stored[receipt["record"]]
        assert receipt["sha256"] == hashlib.sha256(line).hexdigest()
        assert receipt["leaf_hash"] == leaf_hash(line).hex()
        assert receipt["ledger"] == "localhost:8000/live"
        checkpoint = checkpoints.opened(receipt["checkpoint"], [verifier()])
        assert checkpoint.size > receipt["record"]
        assert checkpoint.root == root_of([leaf_hash(each) for each in stored[: checkpoint.size]])
        assert json.loads(line)["received_at"] == receipt["received_at"]


def test_entries_are_canonical_and_agree_with_the_columns(api, integration):
    call_id = api.open(**FULL, session_id="s-1", purpose="treatment").json()["call_id"]
    api.post(f"calls/{call_id}/lease", {})
    api.complete(call_id, error="openai.RateLimitError", outcome="failed", usage={"input": 0})
    api.open(region="eu-west-1")
    kinds_and_rows = [("call", row_of(c)) for c in Call.objects.select_related("verdict")]
    for kind, model in (("completion", Completion), ("lease", Lease), ("event", Event)):
        kinds_and_rows += [(kind, row) for row in model.objects.values()]
    kinds_and_rows.sort(key=lambda each: each[1]["index"])
    stored = lines()
    assert [entry_of_row(kind, row) for kind, row in kinds_and_rows] == stored
    assert [bytes_of_row(kind, row) for kind, row in kinds_and_rows] == stored
    for (kind, row), line in zip(kinds_and_rows, stored, strict=True):
        assert fits(kind, row, line)
        for name in row.keys() & json.loads(line).keys():
            for other in (None, "another", 77, ["another"]):
                assert not fits(kind, row | {name: other}, line), (kind, name)
    for line in stored:
        assert canonical(json.loads(line)) == line
    kinds = [json.loads(line)["type"] for line in stored]
    assert kinds == ["ledger-start", "call", "lease", "completion", "denial"]
    assert json.loads(stored[3])["input_tokens"] == 0


@pytest.mark.parametrize("structure", entries.STRUCTURES.values())
def test_members_stand_in_the_order_of_their_names(structure):
    names = list(structure.__struct_fields__)
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (Call, copying.CALL_COLUMNS),
        (Completion, copying.COMPLETION_COLUMNS),
        (Lease, copying.LEASE_COLUMNS),
        (Event, copying.EVENT_COLUMNS),
    ],
)
def test_every_column_is_written(model, columns):
    assert {f.attname for f in model._meta.concrete_fields} == set(columns)


def test_every_column_is_in_the_entry():
    """What is not in it could be changed without anybody noticing."""
    beside = {"ledger_id", "index"}
    for kind, columns in (
        ("call", set(copying.CALL_COLUMNS) - {"verdict_id"}),
        ("completion", set(copying.COMPLETION_COLUMNS)),
        ("lease", set(copying.LEASE_COLUMNS)),
    ):
        assert columns - beside <= set(entries.STRUCTURES[kind].__struct_fields__)


def test_a_repeat_gets_the_first_checkpoint_again(api):
    body = make.call_body()
    first = api.post("calls", body).json()
    api.open()
    assert api.post("calls", body).json() == first
