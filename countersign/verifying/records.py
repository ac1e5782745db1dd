"""Verifies the proof of one record: a file that holds its entry, its path and a checkpoint."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path

from countersign import checkpoints, merkle, notes
from countersign.verifying.chain import Options
from countersign.verifying.report import Report

FORMAT = "countersign-proof"
MAX_BYTES = 1 << 20


def is_record(path: Path) -> bool:
    """Whether the file may hold the proof of one record: it is no zip file, and not large."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return False
    with path.open("rb") as file:
        return file.read(1) == b"{"


def verify(content: bytes, options: Options) -> Report:
    """Verify the proof of one record.

    It is JSON with the members `format` (countersign-proof), `version` (1), `entry` (the entry's
    text), `index`, `proof` (hashes in base64, from the leaf up), `checkpoint` (a signed note) and
    `keys` (what the ledger calls its keys, in their text form; taken if none was given).
    """
    report = Report(expected=1)
    try:
        _check(json.loads(content), options, report)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        report.problem("The file has not the form of a proof.")
    except (merkle.ProofError, notes.NoteError) as error:
        report.problem(f"The proof does not hold: {error}.")
    return report


def _check(found: dict[str, object], options: Options, report: Report) -> None:
    if found["format"] != FORMAT or found["version"] != 1:
        raise ValueError("another format")
    note, index = str(found["checkpoint"]), found["index"]
    entry = str(found["entry"]).encode()
    proof = [base64.b64decode(str(step), validate=True) for step in _list(found["proof"])]
    origin = checkpoints.parsed(notes.parsed(note).text).origin
    report.origin = origin
    keys = [key for key in options.keys if key.name == origin]
    if not keys:
        keys = [notes.Verifier.from_vkey(str(key)) for key in _list(found.get("keys", []))]
        report.remark(
            "No key was given, so the one in the file was taken: this shows that the record fits "
            "the checkpoint, not whose it is. Give the key that you were told (--key)."
        )
    checkpoint = checkpoints.opened(note, keys)
    report.signatures = report.checkpoints = 1
    report.checkpoint = checkpoint
    if type(index) is not int:
        raise TypeError("the index is no number")
    leaf = merkle.leaf_hash(entry)
    merkle.verify_inclusion(leaf, index, checkpoint.size, proof, checkpoint.root)
    report.verified = 1
    report.first_index = report.last_index = index
    received_at = json.loads(entry).get("received_at", "")
    report.first_received_at = report.last_received_at = str(received_at)


def _list(found: object) -> list[object]:
    if not isinstance(found, list):
        raise TypeError("no list")
    return found
