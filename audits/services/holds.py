"""Legal holds: set by one person, released by another; what they cover is not disposed of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction

from audits.models import LegalHold, LegalHoldRelease
from audits.services import appending
from audits.services.appending import NewEvent
from audits.services.archiving_rows import Stretch

# Disposal waits for holds that are being set, and holds for a disposal that is under way.
LOCK = 730502

_CALLS_OF = """
SELECT EXISTS (
    SELECT FROM audits_call c WHERE c.ledger_id = %(ledger)s
    AND c.index >= %(first)s AND c.index < %(end)s AND c.integration_id = ANY(%(integrations)s)
) OR EXISTS (
    SELECT FROM audits_completion e WHERE e.ledger_id = %(ledger)s
    AND e.index >= %(first)s AND e.index < %(end)s
    AND (e.key_id = ANY(%(keys)s) OR EXISTS (
        SELECT FROM audits_call c WHERE c.ledger_id = e.ledger_id AND c.index = e.call_index
        AND c.integration_id = ANY(%(integrations)s)))
)
"""


class SamePerson(Exception):
    """Who set a hold cannot release it."""


class AlreadyReleased(Exception):
    """The hold was released before."""


@transaction.atomic
def set_hold(hold: LegalHold, *, by: AbstractBaseUser, at: dt.datetime) -> LegalHold:
    """Store a hold that a form has checked; from its commit on nothing it covers is disposed of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    hold.set_by_id, hold.set_at = by.pk, at
    hold.save(force_insert=True)
    appending.append_events([NewEvent("legal-hold", str(hold.pk), _told(hold))], at=at)
    return hold


@transaction.atomic
def release_hold(
    hold: LegalHold, *, reason: str, by: AbstractBaseUser, at: dt.datetime
) -> LegalHoldRelease:
    """End a hold. Raises: SamePerson if `by` set it, AlreadyReleased."""
    # Two people who release at once: the second waits here, and then sees the first.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if hold.set_by_id == by.pk:
        raise SamePerson
    if LegalHoldRelease.objects.filter(hold=hold).exists():
        raise AlreadyReleased
    release = LegalHoldRelease.objects.create(
        hold=hold, reason=reason, released_by_id=by.pk, released_at=at
    )
    told = {**_told(hold), "release_reason": reason, "released_by": by.pk}
    appending.append_events([NewEvent("legal-hold-release", str(hold.pk), told)], at=at)
    return release


def _told(hold: LegalHold) -> dict[str, Any]:
    """What the ledger says of a hold: ids, days and words of lists."""
    members = {
        "scope": hold.scope,
        "reason": hold.reason,
        "reference": hold.reference,
        "set_by": hold.set_by_id,
        "ledger": hold.ledger.slug if hold.ledger else None,
        "starts_on": hold.starts_on.isoformat() if hold.starts_on else None,
        "ends_on": hold.ends_on.isoformat() if hold.ends_on else None,
        "integration": hold.integration.slug if hold.integration else None,
        "vendor": hold.vendor.slug if hold.vendor else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def covering(
    part: Stretch, received: tuple[dt.datetime, dt.datetime], holds: Iterable[LegalHold]
) -> list[LegalHold]:
    """Those of the holds that cover something in the partition.

    `received` are the moments of its first and last entries. A hold of an integration or a vendor
    covers a partition that has a call of it, or how one ended; days are those of UTC, as entries
    have them. Three queries for each of these, none for others.
    """
    found, narrow = [], []
    for hold in holds:
        if hold.scope in {LegalHold.Scope.INTEGRATION, LegalHold.Scope.VENDOR}:
            narrow.append(hold)
        elif _covers(hold, part, received):
            found.append(hold)
    return found + [hold for hold in narrow if _has_calls(part, hold)]


def _covers(hold: LegalHold, part: Stretch, received: tuple[dt.datetime, dt.datetime]) -> bool:
    if hold.scope == LegalHold.Scope.LEDGER:
        return hold.ledger_id == part.ledger_id
    if hold.scope == LegalHold.Scope.PERIOD:
        assert hold.starts_on  # as a constraint of the table asks
        assert hold.ends_on
        # A day more on each side: the organization's days are not UTC's.
        day = dt.timedelta(days=1)
        first, last = (moment.astimezone(dt.UTC).date() for moment in received)
        return first - day <= hold.ends_on and hold.starts_on <= last + day
    return True


def _has_calls(part: Stretch, hold: LegalHold) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.id FROM policies_integration i "
            "JOIN vendors_service s ON s.id = i.service_id "
            "WHERE i.id = %s OR s.vendor_id = %s",
            [hold.integration_id, hold.vendor_id],
        )
        integrations = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "SELECT id FROM policies_integrationkey WHERE integration_id = ANY(%s)", [integrations]
        )
        keys = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            _CALLS_OF,
            {
                "ledger": part.ledger_id,
                "first": part.first_index,
                "end": part.end_index,
                "integrations": integrations,
                "keys": keys,
            },
        )
        return bool(cursor.fetchone()[0])
