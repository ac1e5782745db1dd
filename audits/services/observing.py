"""Stores what telemetry told of calls, and seals that it was told."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q

from audits.models import Ledger, Observation
from audits.services.appending import NewEvent, append_events
from audits.services.statistics import midnight
from audits.services.telemetry import Span
from countersign.canonical import Json, canonical
from policies.services.keyring import KeyFacts


def observe(spans: Sequence[Span], *, key: KeyFacts, at: dt.datetime) -> int:
    """Store the spans that are not stored yet, and one entry in the ledger that has their digest.

    Returns: how many were new. Raises: LedgerRefused, DatabaseError: then none is stored.
    """
    with transaction.atomic():
        new = _new(spans, key.integration_id)
        if not new:
            return 0
        rows = [_row(span, key, at) for span in new]
        # One that another request stores at this moment stays as that one has it.
        Observation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
        payload: dict[str, Json] = {
            "integration": key.integration_id,
            "key": key.key_id,
            "spans": len(new),
            "with_content": sum(bool(span.content) for span in new),
            "sha256": digest(rows),
        }
        ledger = Ledger.LIVE if key.livemode else Ledger.TEST
        event = NewEvent("observation", key.integration, payload)
        append_events([event], at=at, ledger_id=ledger)
    return len(new)


@dataclass(frozen=True, slots=True)
class Observed:
    """Calls that telemetry told of, and those of them that carried content."""

    calls: int
    with_content: int


def observed(integrations: Collection[int], first: dt.date, last: dt.date) -> Observed:
    """What telemetry told of these integrations from one day to another, both counted."""
    told = Observation.objects.filter(
        integration__in=integrations,
        livemode=True,
        received_at__gte=midnight(first),
        received_at__lt=midnight(last + dt.timedelta(days=1)),
    ).aggregate(calls=Count("pk"), with_content=Count("pk", filter=Q(content__len__gt=0)))
    return Observed(**told)


def digest(rows: Sequence[Observation]) -> str:
    """SHA-256 over the canonical JSON of what was told, span by span in their order."""
    return hashlib.sha256(b"\n".join(canonical(_told(row)) for row in rows)).hexdigest()


def _new(spans: Sequence[Span], integration_id: int) -> list[Span]:
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    known = Observation.objects.filter(
        integration=integration_id, trace_id__in={trace for trace, _ in by_id}
    ).values_list("trace_id", "span_id")
    for stored in known:
        by_id.pop(stored, None)
    return list(by_id.values())


def _row(span: Span, key: KeyFacts, at: dt.datetime) -> Observation:
    return Observation(
        integration_id=key.integration_id,
        key_id=key.key_id,
        livemode=key.livemode,
        received_at=at,
        trace_id=span.trace_id,
        span_id=span.span_id,
        started_at=span.started_at,
        ended_at=span.ended_at,
        dropped=span.dropped,
        content=list(span.content),
        **span.members,
    )


def _told(row: Observation) -> dict[str, Json]:
    named = {
        field.attname: getattr(row, field.attname)
        for field in Observation._meta.concrete_fields
        if field.attname != "id"
    }
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else value
        for name, value in named.items()
    }
