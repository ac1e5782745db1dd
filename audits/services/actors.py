"""Notes who calls: every actor of a new call is a principal, unknown until somebody says who.

Never while a call waits: a job of each minute reads what was recorded since it last looked.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from django.db.models import Max, Min

from audits.models import Call, Ledger, LedgerHead
from policies.models import Principal, SightingMark

# Entries looked through at once, so that a first run over a large ledger holds no long lock.
ENTRIES = 200_000
SEEN = """
UPDATE policies_principal p
SET first_seen_at = least(p.first_seen_at, seen.first_at),
    last_seen_at = greatest(p.last_seen_at, seen.last_at)
FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    AS seen(kind, identifier, first_at, last_at)
WHERE p.kind = seen.kind AND p.identifier = seen.identifier
"""
USED = """
INSERT INTO policies_principaluse (principal_id, integration_id, last_used_at)
SELECT p.id, i.id, used.at
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[])
    AS used(kind, identifier, integration_id, at)
JOIN policies_principal p ON p.kind = used.kind AND p.identifier = used.identifier
JOIN policies_integration i ON i.id = used.integration_id
ON CONFLICT (principal_id, integration_id) DO UPDATE
SET last_used_at = greatest(policies_principaluse.last_used_at, EXCLUDED.last_used_at)
"""


def note_actors(at: dt.datetime, *, entries: int = ENTRIES) -> int:
    """Look through the live calls that came since the last time; safe to repeat.

    Who calls for the first time becomes a principal in the state unknown, and holds nothing; of
    those known, when they were seen last moves on, and when they last used each integration.
    While another looks it does not wait, for that one comes to all of it.
    Returns: how many principals are new.
    """
    size = LedgerHead.objects.filter(ledger_id=Ledger.LIVE).values_list("size", flat=True).first()
    made, more = 0, True
    while more:
        with transaction.atomic():
            SightingMark.objects.get_or_create(ledger_id=Ledger.LIVE)
            free = SightingMark.objects.select_for_update(skip_locked=True)
            mark = free.filter(ledger_id=Ledger.LIVE).first()
            if mark is None:
                return made
            until = min(mark.index + entries, (size or 0) - 1)
            more = until > mark.index
            if more:
                made += _note(mark.index, until, at)
                mark.index = until
                mark.save()
    return made


def _note(after: int, until: int, at: dt.datetime) -> int:
    """Note the actors of calls after one entry and up to another."""
    rows = list(
        Call.objects.filter(ledger_id=Ledger.LIVE, index__gt=after, index__lte=until)
        .order_by()
        .values_list("actor_type", "actor_id", "integration_id", "decision")
        .annotate(first_at=Min("received_at"), last_at=Max("received_at"))
    )
    found: dict[tuple[str, str], tuple[dt.datetime, dt.datetime]] = {}
    for kind, identifier, _, _, first_at, last_at in rows:
        first, last = found.get((kind, identifier), (first_at, last_at))
        found[kind, identifier] = min(first, first_at), max(last, last_at)
    if not found:
        return 0
    kinds, identifiers = [k for k, _ in found], [i for _, i in found]
    known = set(
        Principal.objects.of_actors([f"{k}:{i}" for k, i in found]).values_list(
            "kind", "identifier"
        )
    )
    new = [key for key in found if key not in known]
    for kind, identifier in new:
        # Two jobs at once: the mark's row is locked, so this one alone makes them; a directory may
        # name one meanwhile, and then the constraint says so and all of it is done again later.
        Principal(
            kind=kind,
            identifier=identifier,
            state=Principal.State.UNKNOWN,
            source=Principal.Source.SEEN,
            created_at=at,
        ).save()
    with connection.cursor() as cursor:
        moments = list(found.values())
        cursor.execute(SEEN, [kinds, identifiers, [a for a, _ in moments], [b for _, b in moments]])
        used = [
            (kind, identifier, integration, last_at)
            for kind, identifier, integration, decision, _, last_at in rows
            if decision == Call.Decision.ALLOW
        ]
        if used:
            cursor.execute(USED, [list(column) for column in zip(*used, strict=True)])
    return len(new)
