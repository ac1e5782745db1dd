"""How everything stands on a day: what is due, what is blocked, where PHI may go."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from dataclasses import dataclass

from django.core.cache import cache

from evidence.services.deadlines import Deadline, deadlines
from policies.models import Integration
from policies.reasons import REASONS
from policies.services.phi import PhiSummary, phi_by_service, phi_summary
from policies.services.verdicts import allowed_ids, for_gate, verdicts
from portal.context import address
from vendors.models import Epoch, Service, Vendor

MONTH_DAYS = 30
WEEK_DAYS = 7
SHOWN = 8
# The answer of a day under one epoch never changes; it is kept as long as a day may need it.
CACHE_SECONDS = 24 * 3600
SLOW_SECONDS = 1.0
AGES = 10
LONGEST_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Dated:
    """Something that has a day. `days_left` is negative when it is overdue; `url` may be empty."""

    title: str
    label: str
    detail: str
    days_left: int
    url: str


@dataclass(frozen=True, slots=True)
class Due:
    """What has a day: how many are past it, due within 7 days and within 30; the first SHOWN.

    `month` counts those of the week too, neither counts what is overdue.
    """

    overdue: int = 0
    week: int = 0
    month: int = 0
    first: tuple[Dated, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """A live or suspended integration whose calls the gate denies; `reasons` are their titles."""

    slug: str
    name: str
    service: str
    owner_id: int | None
    suspended: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """`due_by_owner` has who owns something dated; what nobody owns is in `due` alone."""

    due: Due
    due_by_owner: dict[int, Due]
    blocked: tuple[Blocked, ...]
    phi: PhiSummary


def standing(on: dt.date) -> Standing:
    """How everything stands on the day `on`.

    All of it rests on what raises the epoch, so the answer is kept for the epoch that stood when
    the reading began: one query where it is known, about forty where it is not. Where reading
    takes longer than SLOW_SECONDS, with thousands of integrations, the last answer serves for
    AGES times as long as it took whatever changes, so that no more than a tenth of the time goes
    into it.
    """
    epoch = Epoch.objects.values_list("value", flat=True).get()
    name, last = f"portal:standing:{epoch}:{on.isoformat()}", f"portal:standing:{on.isoformat()}"
    kept = cache.get_many([name, last])
    for found in (kept.get(name), kept.get(last)):
        if isinstance(found, Standing):
            return found
    began = time.perf_counter()
    found = _read(on)
    took = time.perf_counter() - began
    cache.set(name, found, CACHE_SECONDS)
    if took > SLOW_SECONDS:
        cache.set(last, found, min(LONGEST_SECONDS, took * AGES))
    return found


def _read(on: dt.date) -> Standing:
    dated = deadlines(on, within_days=MONTH_DAYS)
    owned: dict[int, list[Deadline]] = defaultdict(list)
    for each in dated:
        if each.owner_id is not None:
            owned[each.owner_id].append(each)
    pages = _Pages()
    return Standing(
        due=_due(dated, pages),
        due_by_owner={owner: _due(theirs, pages) for owner, theirs in owned.items()},
        blocked=_blocked(on),
        phi=phi_summary(phi_by_service(Service.objects.offered(on), on).values()),
    )


class _Pages:
    """The pages of what deadlines are about, each vendor and integration read once."""

    def __init__(self) -> None:
        self.vendors = dict(Vendor.objects.values_list("pk", "slug"))
        self.integrations = dict(Integration.objects.values_list("pk", "slug"))

    def of(self, each: Deadline) -> str:
        if each.integration_id in self.integrations:
            return address("policies:integration-detail", self.integrations[each.integration_id])
        if each.vendor_id in self.vendors:
            return address("vendors:vendor-detail", self.vendors[each.vendor_id])
        return ""


def _due(dated: list[Deadline], pages: _Pages) -> Due:
    """Of deadlines in order."""
    left = [each.days_left for each in dated]
    return Due(
        overdue=sum(days < 0 for days in left),
        week=sum(0 <= days <= WEEK_DAYS for days in left),
        month=sum(0 <= days <= MONTH_DAYS for days in left),
        first=tuple(
            Dated(each.title, each.label, each.detail, each.days_left, pages.of(each))
            for each in dated[:SHOWN]
        ),
    )


def _blocked(on: dt.date) -> tuple[Blocked, ...]:
    states = [Integration.State.ACTIVE, Integration.State.SUSPENDED]
    in_use = Integration.objects.filter(state__in=states).values_list("pk", flat=True)
    # Most are allowed, and which ones is known already: only of the others the reasons are asked.
    denied = set(in_use) - allowed_ids(on)
    rows = list(for_gate(Integration.objects.filter(pk__in=denied)))
    found = verdicts(rows, on)
    return tuple(
        Blocked(
            slug=each.slug,
            name=each.name,
            service=f"{each.service.vendor}: {each.service}",
            owner_id=each.owner_id,
            suspended=each.state == Integration.State.SUSPENDED,
            reasons=tuple(REASONS[code].title for code in found[each.pk].reasons),
        )
        for each in rows
    )
