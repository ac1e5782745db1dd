"""Checks of the ledger: whether it was verified and is as it was signed, and whom it reached."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from audits.services import integrity
from evidence.monitoring.sightings import Asked, Sighting


def not_verified(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Ledgers that did not pass, or that nobody verified for 26 hours."""
    for ledger, sentence, details in integrity.alarms(asked.at):
        detail = f"{sentence} {details}".strip()
        yield Sighting(subject=ledger, label=f"Ledger {ledger}", detail=detail[:300])


def not_delivered(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Ledgers whose newest checkpoint did not reach somebody for a day."""
    missed: dict[int, list[str]] = {}
    ledgers = {}
    for ledger, channel, recipient in integrity.undelivered(asked.at):
        ledgers[ledger.pk] = ledger
        missed.setdefault(ledger.pk, []).append(f"{channel} {recipient}")
    for pk, ledger in ledgers.items():
        detail = f"Not delivered for a day: {', '.join(missed[pk])}"
        yield Sighting(subject=ledger, label=f"Ledger {ledger}", detail=detail[:300])
