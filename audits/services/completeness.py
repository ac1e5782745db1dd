"""Whether the records are complete: providers' counts against ours, by integration and day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import Q

from audits.completeness.comparing import (
    Apart,
    Balance,
    Count,
    Counted,
    Recorded,
    Rule,
    Target,
    Tolerance,
    added,
    balance,
    summed,
)
from audits.models import Ledger, UsageCount, UsageImport, UsageMapping, UsageSource

DAY = dt.timedelta(days=1)

# A call counts on the day its record came, in UTC. Calls of which nothing says how many tokens they
# used are told apart, for they may have used some.
RECORDED = """
SELECT c.integration_id, (c.received_at AT TIME ZONE 'UTC')::date AS day, count(*) AS allowed,
       count(*) FILTER (WHERE d.outcome = 'succeeded') AS succeeded,
       coalesce(sum(coalesce(d.input_tokens, 0) + coalesce(d.output_tokens, 0)), 0)::bigint
           AS tokens,
       count(*) FILTER (WHERE d.outcome IS NULL OR d.outcome = 'unknown'
           OR (d.outcome IN ('succeeded', 'timeout', 'cancelled') AND d.usage_source <> 'provider'))
           AS unmeasured
FROM audits_call c
LEFT JOIN audits_completion d
       ON d.call_id = c.call_id AND d.ledger_id = c.ledger_id AND NOT d.swept
WHERE c.ledger_id = %(ledger)s AND c.decision = 'allow'
  AND c.received_at >= %(start)s AND c.received_at < %(end)s
  AND c.integration_id = ANY(%(integrations)s)
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Days to compare, both counted, by what was known at the moment `at` (UTC)."""

    first: dt.date
    last: dt.date
    at: dt.datetime

    @property
    def days(self) -> tuple[dt.date, ...]:
        return tuple(self.first + n * DAY for n in range((self.last - self.first).days + 1))

    @classmethod
    def until_yesterday(cls, at: dt.datetime, days: int) -> Period:
        """The last `days` days in UTC that were over at the moment `at`."""
        last = at.astimezone(dt.UTC).date() - DAY
        return cls(last - (days - 1) * DAY, last, at)


@dataclass(frozen=True, slots=True)
class Completeness:
    """The balance of each integration that a source speaks of, and what is no integration's."""

    by_integration: dict[int, Balance]
    apart: dict[tuple[int, Apart], dict[dt.date, Counted]]

    def unassigned(self, source_id: int) -> dict[dt.date, Counted]:
        """What no line of the source's list takes, by day."""
        return self.apart.get((source_id, Apart.UNASSIGNED), {})


def tolerance() -> Tolerance:
    """By how much counts may differ, as the organization has set it."""
    return Tolerance(
        requests=settings.USAGE_TOLERANCE_REQUESTS,
        tokens=settings.USAGE_TOLERANCE_TOKENS,
        percent=settings.USAGE_TOLERANCE_PERCENT,
    )


def completeness(period: Period, *, integrations: Collection[int] | None = None) -> Completeness:
    """Compare the days of a period; `integrations` are ids, None for all that are mapped.

    Four queries and one more for each source.
    """
    counted: dict[Target, dict[dt.date, Counted]] = defaultdict(dict)
    spoken: dict[int, list[set[dt.date]]] = defaultdict(list)
    apart: dict[tuple[int, Apart], dict[dt.date, Counted]] = defaultdict(dict)
    for source, rules in _sources(period.at):
        found, days = _of_source(source, rules, period)
        mine = {key[0] for key in found} | {rule.target for rule in rules}
        for target in mine:
            if isinstance(target, int):
                spoken[target].append(days)
        for (target, day), sums in found.items():
            if isinstance(target, Apart):
                apart[source.pk, target][day] = sums
            else:
                before = counted[target].get(day)
                counted[target][day] = added(before, sums) if before else sums
    chosen = set(spoken) if integrations is None else set(spoken) & set(integrations)
    recorded = _recorded(period, chosen)
    return Completeness(
        {
            pk: balance(
                period.days,
                _complete(counted[pk], spoken[pk]),
                recorded.get(pk, {}),
                tolerance(),
            )
            for pk in sorted(chosen)
        },
        apart,
    )


def _complete(
    counted: dict[dt.date, Counted], spoken: Sequence[set[dt.date]]
) -> dict[dt.date, Counted]:
    """The days that all sources of an integration speak of; no line there means no use."""
    days = set.intersection(*spoken)
    return {day: counted.get(day, Counted(0, 0)) for day in days}


def _sources(at: dt.datetime) -> Iterable[tuple[UsageSource, list[Rule]]]:
    rules: dict[int, list[Rule]] = defaultdict(list)
    for line in UsageMapping.objects.filter(source__is_active=True):
        target: Target = (
            Apart(line.treatment) if line.integration_id is None else line.integration_id
        )
        rules[line.source_id].append(Rule(line.project, line.api_key, line.model_pattern, target))
    active = UsageSource.objects.filter(is_active=True, created_at__lte=at)
    return [(source, rules[source.pk]) for source in active]


def _of_source(
    source: UsageSource, rules: Sequence[Rule], period: Period
) -> tuple[dict[tuple[Target, dt.date], Counted], set[dt.date]]:
    """What counts of the source, by target and day, and the days it speaks of."""
    newest = newest_imports(source, period)
    wanted = Q(pk__in=[])
    for pk in set(newest.values()):
        wanted |= Q(usage_import=pk, day__in=[day for day, which in newest.items() if which == pk])
    rows = UsageCount.objects.filter(wanted).order_by("pk")
    counts = [
        Count(
            row.day,
            row.project,
            row.api_key,
            row.model,
            row.integration_id,
            row.requests,
            row.input_tokens,
            row.output_tokens,
            row.cached_tokens,
        )
        for row in rows.iterator()
    ]
    return summed(counts, rules), set(newest)


def newest_imports(source: UsageSource, period: Period) -> dict[dt.date, int]:
    """The import that counts of each day, by id; days that none speaks of are left out."""
    found: dict[dt.date, int] = {}
    imports = UsageImport.objects.filter(source=source, at__lte=period.at)
    for pk, first, last in imports.covering(period.first, period.last).values_list(
        "pk", "first_day", "last_day"
    ):
        start, end = max(first, period.first), min(last, period.last)
        for number in range((end - start).days + 1):
            found[start + number * DAY] = pk
    return found


def _recorded(period: Period, integrations: Collection[int]) -> dict[int, dict[dt.date, Recorded]]:
    found: dict[int, dict[dt.date, Recorded]] = defaultdict(dict)
    if not integrations:
        return found
    values: dict[str, int | dt.datetime | list[int]] = {
        "ledger": Ledger.LIVE,
        "start": dt.datetime.combine(period.first, dt.time(), dt.UTC),
        "end": dt.datetime.combine(period.last + DAY, dt.time(), dt.UTC),
        "integrations": sorted(integrations),
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORDED, values)
        for integration, day, *sums in cursor.fetchall():
            found[integration][day] = Recorded(*sums)
    return found
