"""Searches calls in the archive: those that left the database, and those that are in both."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from audits.ledger import archive_query
from audits.models import ArchiveEvent, Ledger, Partition
from audits.services import archiving
from audits.services.archiving import NotArchived
from countersign import archives
from policies.models import Integration

LIMIT = 200
SECONDS = 30


class SearchFailed(Exception):
    """The search took too long or too much memory."""


@dataclass(frozen=True, slots=True)
class Found:
    """A call of the archive. `index` is its record's number in the ledger `ledger`."""

    ledger: str
    index: int
    call_id: str
    received_at: dt.datetime
    integration: str
    provider: str
    operation: str
    model: str
    region: str
    actor: str
    data_classes: tuple[str, ...]
    phi_present: bool
    decision: str
    reasons: tuple[str, ...]
    outcome: str


@dataclass(frozen=True, slots=True)
class Place:
    """An archive that is searched, and how far it reaches."""

    ledger: str
    number: int
    folder: str
    manifest_sha256: str
    disposed: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A search: of which ledger, received from `start` on and before `end`, with which filters.

    `filters` has names of archive_query.CONDITIONS; `integrations` are ids.
    """

    ledger_id: int
    start: dt.datetime | None
    end: dt.datetime | None
    filters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, in which archives, and whether there may be more than was asked for."""

    calls: list[Found]
    places: list[Place]
    more: bool


def find(asked: Asked, *, limit: int = LIMIT) -> Answer:
    """The newest calls of the archive that a search finds. Raises: as `search`."""
    where = places(start=asked.start, end=asked.end, ledger_id=asked.ledger_id)
    filters = dict(asked.filters)
    if asked.start:
        filters["start"] = asked.start
    if asked.end:
        filters["end"] = asked.end
    calls = search(where, filters, limit=limit + 1) if where else []
    return Answer(calls[:limit], where, more=len(calls) > limit)


def places(*, start: dt.datetime | None, end: dt.datetime | None, ledger_id: int) -> list[Place]:
    """The archives of a ledger that may hold calls received from `start` on and before `end`."""
    parts = Partition.objects.filter(ledger_id=ledger_id).exclude(state=Partition.State.OPEN)
    if start:
        parts = parts.exclude(last_received_at__lt=start)
    if end:
        parts = parts.exclude(first_received_at__gte=end)
    latest = {
        event.number: event
        for event in ArchiveEvent.objects.filter(ledger_id=ledger_id).order_by("id")
    }
    slug = Ledger.objects.get(pk=ledger_id).slug
    return [
        Place(
            slug,
            part.number,
            latest[part.number].folder,
            bytes(latest[part.number].manifest_sha256).hex(),
            part.state == Partition.State.DISPOSED,
        )
        for part in parts.order_by("-number")
    ]


def search(
    where: Sequence[Place], filters: Mapping[str, Any], *, limit: int = LIMIT
) -> list[Found]:
    """The newest calls in these archives that the filters let through.

    `filters` has names of archive_query.CONDITIONS; moments are aware, `integrations` are ids. The
    SHA-256 of each file is compared before it is believed. Raises: NotArchived if a file is not the
    one that was archived, SearchFailed, OSError.
    """
    with tempfile.TemporaryDirectory() as folder:
        calls: dict[str, list[str]] = {}
        completions: dict[str, list[str]] = {}
        for place in where:
            _gather(place, Path(folder), calls, completions)
        rows = _asked(
            {
                "calls": calls,
                "completions": completions,
                "filters": {name: _plain(value) for name, value in filters.items()},
                "limit": limit,
                "seconds": SECONDS,
            }
        )
    return _named(rows)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _gather(
    place: Place, folder: Path, calls: dict[str, list[str]], completions: dict[str, list[str]]
) -> None:
    storage = archiving.archive_storage()
    content = storage.get(f"{place.folder}/{archives.MANIFEST}")
    if sha256(content).hexdigest() != place.manifest_sha256:
        raise NotArchived(f"The manifest of {place.folder} is not the one the ledger knows.")
    manifest = archives.parsed(content)
    for table, found in (("calls", calls), ("completions", completions)):
        for file in manifest.named(f"{table}/"):
            name = f"{place.folder}/{file.name}"
            content = storage.get(name)
            if sha256(content).hexdigest() != file.sha256:
                raise NotArchived(f"The file {name} is not the one that was archived.")
            found.setdefault(manifest.format, []).append(_local(name, content, folder))


def _local(name: str, content: bytes, folder: Path) -> str:
    """Where the file lies on this machine; from a bucket it is put beside the others."""
    storage = archiving.archive_storage()
    if isinstance(storage, FileSystemStorage):
        return str(storage.path(name))
    path = folder / name.replace("/", "_")
    path.write_bytes(content)
    return str(path)


def _asked(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows that the process of archive_query finds; it has none of our environment."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and nothing of who asks but values
            [sys.executable, "-m", archive_query.__name__],
            input=json.dumps(question).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=settings.BASE_DIR,
            env={"PATH": os.defpath},
            timeout=SECONDS,
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise SearchFailed from None
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def _named(rows: Iterable[Mapping[str, Any]]) -> list[Found]:
    integrations = dict(Integration.objects.values_list("pk", "slug"))
    ledgers = dict(Ledger.objects.values_list("pk", "slug"))
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return [
        Found(
            ledger=ledgers[row["ledger_id"]],
            index=row["index"],
            call_id=row["call_id"],
            received_at=epoch + dt.timedelta(microseconds=row["received_us"]),
            integration=integrations.get(row["integration_id"], ""),
            provider=row["provider"],
            operation=row["operation"],
            model=row["model"],
            region=row["region"],
            actor=f"{row['actor_type']}:{row['actor_id']}",
            data_classes=tuple(row["data_classes"]),
            phi_present=row["phi_present"],
            decision=row["decision"],
            reasons=tuple(row["reasons"]),
            outcome=row["outcome"] or "",
        )
        for row in rows
    ]
