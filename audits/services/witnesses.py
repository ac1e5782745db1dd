"""Witnesses: who cosigns our checkpoints, only if each grew out of all they saw before.

Each is configured by its key (LEDGER_WITNESSES), and by an address if it is to be asked. What they
answer counts by its signature alone. Source: C2SP tlog-witness and tlog-cosignature.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from audits.models import CheckpointDelivery, Cosignature, Ledger
from audits.services import checkpoints, proofs
from audits.services.checkpoints import Stored
from countersign import checkpoints as signed
from countersign import cosignatures, notes
from countersign.cosignatures import Witness
from vendors import outbound

OK, CONFLICT = 200, 409
TREE_SIZE = "text/x.tlog.size"
LIMITS = outbound.Limits(seconds=20, answer_bytes=64 * 1024)


class NotAccepted(Exception):
    """A cosigned checkpoint that is not taken. The text says why and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A witness we believe; `url` is where it is asked, empty if it comes by itself."""

    witness: Witness
    url: str = ""


def configured() -> list[Configured]:
    """The witnesses of the settings: each `key`, or `key https://address`.

    Raises: ValueError with what is wrong.
    """
    found = []
    for each in settings.LEDGER_WITNESSES:
        key, _, url = each.strip().partition(" ")
        try:
            witness = Witness.from_vkey(key)
            if url:
                outbound.checked(url.strip())
        except (notes.NoteError, outbound.Refused) as error:
            raise ValueError(f"LEDGER_WITNESSES: {error}.") from None
        found.append(Configured(witness, url.strip()))
    return found


def accept(ledger: Ledger, note: str | bytes, *, at: dt.datetime) -> int:
    """Store the cosignatures of configured witnesses on a checkpoint of the ledger.

    Returns: how many were new. Raises: NotAccepted if it is no checkpoint of this ledger's history
    or no known witness cosigned it.
    """
    witnesses = [each.witness for each in configured()]
    try:
        parts = notes.parsed(note)
        checkpoint = signed.parsed(parts.text)
        good = cosignatures.opened(note, witnesses)
    except notes.NoteError as error:
        raise NotAccepted(str(error)) from None
    if checkpoint.origin != ledger.origin or checkpoint.extensions:
        raise NotAccepted("the checkpoint is of another log")
    try:
        ours = proofs.root_at(ledger.pk, checkpoint.size)
    except proofs.NotKept:
        raise NotAccepted("the ledger has no tree of this size") from None
    if checkpoint.size == 0 or ours != checkpoint.root:
        raise NotAccepted("the checkpoint is of another history")
    if not good:
        raise NotAccepted("no known witness cosigned it")
    times = {each.name: each.timestamp for each in good}
    lines = [line for line in parts.signatures if line.name in times]
    return sum(_store(ledger, checkpoint, line, times[line.name], at) for line in lines)


def _store(
    ledger: Ledger,
    checkpoint: signed.Checkpoint,
    line: notes.Signature,
    signed_at: int,
    at: dt.datetime,
) -> bool:
    _, created = Cosignature.objects.get_or_create(
        ledger=ledger,
        size=checkpoint.size,
        witness=line.name,
        line=notes.signature_line(*line).rstrip("\n"),
        defaults={
            "root": checkpoint.root,
            "signed_at": dt.datetime.fromtimestamp(signed_at, dt.UTC),
            "received_at": at,
        },
    )
    return created


def cosigned(stored: Stored, ledger_id: int) -> str:
    """The checkpoint's note with all cosignatures on it, the newest of each witness."""
    rows = Cosignature.objects.filter(ledger_id=ledger_id, size=stored.size)
    lines = {row.witness: row.line + "\n" for row in rows.order_by("witness", "signed_at")}
    return stored.note + "".join(lines.values())


def newest_cosigned(ledger_id: int) -> str | None:
    """The largest checkpoint that a witness cosigned, with all cosignatures; None without any."""
    row = Cosignature.objects.filter(ledger_id=ledger_id).order_by("-size").first()
    stored = checkpoints.of_size(ledger_id, row.size) if row is not None else None
    return cosigned(stored, ledger_id) if stored is not None else None


def ask_all(ledger: Ledger, *, at: dt.datetime) -> list[CheckpointDelivery]:
    """Show the newest checkpoint to each witness with an address that has not cosigned it.

    Returns: how each of them took it, which is stored too.
    """
    newest = checkpoints.latest(ledger.pk)
    if newest is None:
        return []
    rows = []
    for each in configured():
        name = each.witness.name
        done = Cosignature.objects.filter(ledger=ledger, witness=name, size=newest.size)
        if each.url and not done.exists():
            error = _ask(ledger, newest, each, at)
            rows.append(
                CheckpointDelivery.objects.create(
                    ledger=ledger,
                    size=newest.size,
                    at=at,
                    channel=CheckpointDelivery.Channel.WITNESS,
                    recipient=name,
                    ok=not error,
                    error=error,
                )
            )
    return rows


def _ask(ledger: Ledger, newest: Stored, each: Configured, at: dt.datetime) -> str:
    """Ask one witness; returns what went wrong, empty if it cosigned."""
    known = Cosignature.objects.filter(ledger=ledger, witness=each.witness.name)
    old = known.order_by("-size").values_list("size", flat=True).first() or 0
    try:
        answer = _add_checkpoint(ledger.pk, newest, each.url, old)
        if answer.status == CONFLICT and answer.headers.get("content-type", "") == TREE_SIZE:
            # It saw another checkpoint last than the one we have its cosignature on.
            seen = _seen(answer.body)
            if seen > newest.size:
                return "it saw a longer ledger"
            answer = _add_checkpoint(ledger.pk, newest, each.url, seen)
        if answer.status != OK:
            return f"it answered {answer.status}"
        with transaction.atomic():
            accept(ledger, newest.note.encode() + answer.body, at=at)
    except (outbound.Refused, outbound.Unreachable, NotAccepted, notes.NoteError) as error:
        return str(error)[:60]
    except proofs.NotKept:
        return "no proof leads from what it saw"
    return ""


def _seen(body: bytes) -> int:
    """The size that a witness says it saw last. Raises: notes.NoteError."""
    try:
        return signed.parsed_size(body.decode("ascii").strip())
    except UnicodeDecodeError:
        raise notes.NoteError("the witness names no size") from None


def _add_checkpoint(ledger_id: int, newest: Stored, url: str, old: int) -> outbound.Answer:
    proof: Sequence[bytes] = []
    if old:
        proof = proofs.consistency(ledger_id, old, newest.size).proof
    lines = [f"old {old}", *(base64.b64encode(step).decode() for step in proof)]
    body = "\n".join(lines) + "\n\n" + newest.note
    return outbound.request(
        "POST",
        url.rstrip("/") + "/add-checkpoint",
        body=body.encode(),
        headers={"Content-Type": "text/plain; charset=utf-8"},
        limits=LIMITS,
    )
