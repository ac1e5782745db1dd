"""Runs of the journal that nobody writes any more: their processes ended, however that was."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from countersign.client.backlog import DELIVERED, Backlog, Place
from countersign.client.ids import uuid7
from countersign.client.journal import (
    FIRST,
    HAS_LOCKS,
    Journal,
    JournalFailed,
    Line,
    locked,
    remove_run,
    sealed,
)

_SEAL = len(b',"sha256":""}') + 64
_LOCK = re.compile(r"([0-9a-f]{32})\.lock")
_SEGMENT = re.compile(r"[0-9a-f]{32}\.([0-9]{6,})\.ndjson")


@dataclass
class Read:
    """What a run's files say. `broken` are those in which the chain does not hold."""

    backlog: Backlog = field(default_factory=Backlog)
    whose: dict[str, object] = field(default_factory=dict)
    number: int = 0
    prev: str = FIRST
    segments: list[int] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)


def dead_runs(folder: Path, own: Collection[str]) -> Iterator[tuple[str, int]]:
    """Runs other than our `own` that can be had, each with its lock: the caller's from then on."""
    if not HAS_LOCKS:
        return
    for path in sorted(folder.glob("*.lock")):
        match = _LOCK.fullmatch(path.name)
        if match is None or match[1] in own:
            continue
        with contextlib.suppress(JournalFailed):
            if (lock := locked(path)) is not None:
                yield match[1], lock


def taken_up(folder: Path, run: str, lock: int, whose: Mapping[str, object]) -> Journal | None:
    """The run as this process goes on with it, the calls that were open closed as unknown.

    None if nothing is left to be done, and then its files are gone; or if it is another portal's
    or integration's, and then they stay. Raises: JournalFailed.
    """
    journal = Journal(folder, run, lock, whose)
    try:
        found = read_run(folder, run)
        for path in found.broken:
            # Delivered as far as it holds, and then kept for people under another name.
            with contextlib.suppress(FileExistsError):
                path.with_suffix(".broken").hardlink_to(path)
        if not found.segments or not found.backlog:
            remove_run(folder, run)
        elif found.whose == dict(whose):
            journal.go_on(found.backlog, found.segments[-1], found.number, found.prev)
            close_open(journal)
            return journal
    except OSError:
        journal.abandon()
        raise JournalFailed("not-writable") from None
    except JournalFailed:
        journal.abandon()
        raise
    journal.abandon()
    return None


def close_open(journal: Journal) -> None:
    """Write that nobody knows how the open calls ended. Raises: JournalFailed."""
    for call_id in list(journal.backlog.open):
        body = {"event_id": uuid7(), "outcome": "unknown", "error": "ProcessEnded"}
        journal.append("end", {"call_id": call_id, "body": body})


def read_run(folder: Path, run: str) -> Read:
    """Read a run's segments in their order. Raises: OSError.

    A last line that was cut off counts for nothing. From the first line on that does not follow
    from the one before it, a file counts as broken, and later ones that do not follow either.
    """
    found = Read()
    for path in sorted(folder.glob(f"{run}.*.ndjson")):
        match = _SEGMENT.fullmatch(path.name)
        if match is not None:
            _read_segment(found, path, int(match[1]))
    return found


def _read_segment(found: Read, path: Path, segment: int) -> None:
    found.segments.append(segment)
    offset = 0
    with path.open("rb") as file:
        for raw in file:
            if not raw.endswith(b"\n"):
                break
            line = _parsed(raw[:-1])
            if line is None or not _follows(found, line, anything=found.number == 0):
                found.broken.append(path)
                break
            if line["kind"] == "segment":
                known = {"v", "n", "at", "prev", "kind", "sha256"}
                found.whose = {name: line[name] for name in line.keys() - known}
            found.number = int(str(line["n"]))
            found.prev = str(line["sha256"])
            found.backlog.apply(line, Place(segment, offset, len(raw) - 1))
            offset += len(raw)
    found.backlog.segment_ended(segment, offset)


def _parsed(raw: bytes) -> Line | None:
    """The line, if it is as it was written."""
    content = raw[:-_SEAL]
    if sealed(content + b"}")[0] != raw:
        return None
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and _has_form(line) else None


def _has_form(line: Line) -> bool:
    kind, numbers = line.get("kind"), line.get("of", [])
    return (
        type(line.get("n")) is int
        and {"at", "prev"} <= line.keys()
        and (kind not in {"call", "open", "end"} or isinstance(line.get("call_id"), str))
        and (kind not in DELIVERED or isinstance(line.get("body"), dict))
        and isinstance(numbers, list)
    )


def _follows(found: Read, line: Line, *, anything: bool) -> bool:
    if anything:  # files before it were delivered and removed
        return line["kind"] == "segment"
    return line["prev"] == found.prev and line["n"] == found.number + 1


def waiting(folder: Path) -> dict[str, int]:
    """What lies in a folder, for people: runs, lines to be delivered, open calls, broken files.

    Nothing is locked or changed. Raises: OSError.
    """
    counts = {"runs": 0, "pending": 0, "open": 0, "missed": 0, "broken": 0, "bytes": 0}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            counts["bytes"] += path.stat().st_size
        counts["broken"] += path.suffix == ".broken"
        match = _LOCK.fullmatch(path.name)
        if match is None:
            continue
        counts["runs"] += 1
        with contextlib.suppress(FileNotFoundError):  # its process ended meanwhile
            read = read_run(folder, match[1])
            counts["pending"] += len(read.backlog.pending)
            counts["open"] += len(read.backlog.open)
            counts["missed"] += len(read.backlog.missed)
            counts["broken"] += len(read.broken)
    return counts
