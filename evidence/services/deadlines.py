"""One list of everything that has a day: what is overdue, and what is due soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from evidence.models import Finding
from evidence.monitoring import CHECKS, Asked, Check, Sighting


@dataclass(frozen=True, slots=True)
class Deadline:
    """A dated object that still matters. `due_on` is the last day on which all is well.

    `days_left` is negative when overdue. `owner_id` None: the compliance officers.
    """

    code: str
    title: str
    label: str
    detail: str
    due_on: dt.date
    days_left: int
    severity: Finding.Severity
    owner_id: int | None
    vendor_id: int | None
    integration_id: int | None

    @property
    def overdue(self) -> bool:
        return self.days_left < 0


def deadlines(
    on: dt.date,
    *,
    within_days: int = 30,
    vendor_ids: Collection[int] | None = None,
    integration_ids: Collection[int] | None = None,
    owner_id: int | None = None,
) -> list[Deadline]:
    """What is due on or before `within_days` after `on`, overdue ones included, earliest first.

    Computed from the register by the same checks that make findings, whatever their horizon.
    Only what stands on the day counts: a renewed agreement or a rotated key has no deadline.
    """
    at = dt.datetime.combine(on, dt.time.min, dt.UTC)
    asked, until = Asked(on=on, at=at), on + dt.timedelta(days=within_days)
    found = [
        _deadline(check, sighting, sighting.due_on, on)
        for check in CHECKS.values()
        if check.horizon_days is not None
        for sighting in check.find(asked, until)
        if sighting.due_on is not None
        and (vendor_ids is None or sighting.vendor_id in vendor_ids)
        and (integration_ids is None or sighting.integration_id in integration_ids)
        and (owner_id is None or sighting.owner_id == owner_id)
    ]
    return sorted(found, key=lambda each: (each.due_on, each.title, each.label))


def _deadline(check: Check, sighting: Sighting, due_on: dt.date, on: dt.date) -> Deadline:
    return Deadline(
        code=check.code,
        title=check.title,
        label=sighting.label,
        detail=sighting.detail,
        due_on=due_on,
        days_left=(due_on - on).days,
        severity=check.severity_of(sighting, on),
        owner_id=sighting.owner_id,
        vendor_id=sighting.vendor_id,
        integration_id=sighting.integration_id,
    )
