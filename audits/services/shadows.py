"""What a version of data rules that is tried in shadow would have done otherwise, by its counts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from audits.models import Call
from countersign.masking.shadowing import IDS

MOST_CALLS = 20_000


@dataclass(frozen=True, slots=True)
class ShadowCounts:
    """How many calls told of a shadow, and how often each of its ids was counted in them."""

    calls: int
    counts: dict[str, int]

    @property
    def same(self) -> int:
        return self.counts.get("shadow:same", 0)

    @property
    def stricter(self) -> int:
        return self.counts.get("shadow:stricter", 0)

    @property
    def milder(self) -> int:
        return self.counts.get("shadow:milder", 0)

    @property
    def blocked(self) -> int:
        return self.counts.get("shadow:blocked", 0)

    @property
    def let_through(self) -> int:
        return self.counts.get("shadow:let-through", 0)

    @property
    def failed(self) -> int:
        return self.counts.get("shadow:failed", 0)


def shadow_counts(integration_id: int, *, since: dt.datetime) -> ShadowCounts:
    """The counts of an integration's live calls from `since` on, of the newest 20,000 at most."""
    rows = Call.objects.filter(
        integration_id=integration_id, livemode=True, received_at__gte=since
    ).filter(masked__has_any_keys=list(IDS))
    found: Counter[str] = Counter()
    calls = 0
    for masked in rows.order_by("-received_at").values_list("masked", flat=True)[:MOST_CALLS]:
        calls += 1
        found.update({each: int(masked[each]) for each in IDS if each in masked})
    return ShadowCounts(calls, dict(found))
