"""Checkpoints kept outside the database: the newest of each minute in files, one line of note each.

In DATA_DIR/checkpoints/<ledger>/: `latest` holds the newest signed note, and `2026-11-21.jsonl` the
notes of a day, one JSON string a line; nothing is ever taken out of them. Whoever holds the
database does not hold these, if DATA_DIR lies on another machine's disk or is copied away.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from countersign import checkpoints, notes
from countersign.checkpoints import Checkpoint

LATEST = "latest"


class NotReadable(Exception):
    """A file of kept checkpoints holds something else. The text says where, not what."""


def folder(slug: str) -> Path:
    """Where the checkpoints of a ledger are kept."""
    return Path(settings.DATA_DIR) / "checkpoints" / slug


def keep(slug: str, note: str, *, at: dt.datetime) -> bool:
    """Keep a checkpoint's note, if it is another than the last; returns whether it was new.

    On disk before it returns: the day's line first, then `latest` in one step.
    Raises: OSError.
    """
    place = folder(slug)
    place.mkdir(parents=True, exist_ok=True, mode=0o750)
    if latest_note(slug) == note:
        return False
    day = at.astimezone(dt.UTC).date().isoformat()
    with (place / f"{day}.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(note, ensure_ascii=False) + "\n")
        log.flush()
        os.fsync(log.fileno())
    beside = place / f".{LATEST}.{os.getpid()}"
    with beside.open("w", encoding="utf-8") as newest:
        newest.write(note)
        newest.flush()
        os.fsync(newest.fileno())
    beside.replace(place / LATEST)
    return True


def latest_note(slug: str) -> str:
    """The newest kept note, empty if there is none. Raises: OSError."""
    try:
        return (folder(slug) / LATEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def notes_of(slug: str) -> Iterator[tuple[str, str]]:
    """Every kept note with the name of its file, the oldest first. Raises: OSError, NotReadable."""
    place = folder(slug)
    for path in sorted(place.glob("*.jsonl")):
        with path.open(encoding="utf-8") as log:
            yield from ((path.name, note) for note in _lines(log, path.name))
    newest = latest_note(slug)
    if newest:
        yield LATEST, newest


def _lines(log: Iterator[str], name: str) -> Iterator[str]:
    for number, line in enumerate(log, start=1):
        try:
            note = json.loads(line)
        except ValueError:
            note = None
        if not isinstance(note, str):
            # A line that a crash broke off is the last of its day, and was kept by nobody yet.
            if not line.endswith("\n"):
                return
            raise NotReadable(f"line {number} of {name} is no note")
        yield note


def checkpoint_of(note: str | bytes) -> Checkpoint:
    """What a note says; its signature is not checked. Raises: notes.NoteError."""
    return checkpoints.parsed(notes.parsed(note).text)
