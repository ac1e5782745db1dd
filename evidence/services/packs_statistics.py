"""Figures of the calls in a pack, asked inside its snapshot."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Func, Q
from django.db.models.functions import TruncDate

from audits.models import Call, Completion
from audits.models.calls import CallQuerySet
from evidence.pack.plan import Plan
from policies.reasons import REASONS

# Lines of a list of vendors, models or integrations; the rest is one line.
LONGEST_LIST = 12


@dataclass(frozen=True, slots=True)
class Day:
    """Calls received on one day of the organization's time zone."""

    on: dt.date
    allowed: int
    denied: int


@dataclass(frozen=True, slots=True)
class CallFigures:
    """The calls of a pack in numbers; `unfinished` were allowed and never closed by anybody."""

    total: int
    allowed: int
    denied: int
    phi: int
    phi_denied: int
    unfinished: int
    late: int
    swept: int
    days: tuple[Day, ...]
    vendors: tuple[tuple[str, int], ...]
    models: tuple[tuple[str, int], ...]
    integrations: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, str, int], ...]
    outcomes: tuple[tuple[str, int], ...]


def calls_of(plan: Plan) -> CallQuerySet:
    """The calls that the plan's population holds."""
    calls = Call.objects.live().within(plan.period_from, plan.period_until)
    _, integrations = plan.scope.ids()
    return calls if integrations is None else calls.filter(integration__in=integrations)


def call_figures(plan: Plan) -> CallFigures:
    """All figures of the plan's calls; nine queries."""
    calls = calls_of(plan)
    denied = Q(decision=Call.Decision.DENY)
    sums = calls.aggregate(
        total=Count("index"),
        denied=Count("index", filter=denied),
        phi=Count("index", filter=Q(phi_present=True)),
        phi_denied=Count("index", filter=denied & Q(phi_present=True)),
    )
    ends = Completion.objects.filter(call_id__in=calls.values("call_id"))
    closed = ends.aggregate(
        late=Count("index", filter=Q(late=True)), swept=Count("index", filter=Q(swept=True))
    )
    outcomes = Counter(dict(ends.order_by().values_list("outcome").annotate(number=Count("index"))))
    return CallFigures(
        **sums,
        **closed,
        allowed=sums["total"] - sums["denied"],
        unfinished=calls.unfinished().count(),
        days=_days(plan, calls),
        vendors=_ranking(calls, "integration__service__vendor__name"),
        models=_ranking(calls, "model"),
        integrations=_ranking(calls, "integration__name"),
        reasons=_reasons(calls),
        outcomes=tuple(
            (Completion.Outcome(code).label, number) for code, number in outcomes.most_common()
        ),
    )


def _days(plan: Plan, calls: CallQuerySet) -> tuple[Day, ...]:
    day = TruncDate("received_at", tzinfo=ZoneInfo(plan.source.time_zone))
    counted = {
        row["day"]: row
        for row in calls.order_by()
        .values(day=day)
        .annotate(all=Count("index"), denied=Count("index", filter=Q(decision=Call.Decision.DENY)))
    }
    length = (plan.period_end - plan.period_start).days + 1
    period = [plan.period_start + dt.timedelta(days=number) for number in range(length)]
    none = {"all": 0, "denied": 0}
    rows = [(on, counted.get(on, none)) for on in period]
    return tuple(Day(on, row["all"] - row["denied"], row["denied"]) for on, row in rows)


def _ranking(calls: CallQuerySet, field: str) -> tuple[tuple[str, int], ...]:
    """The most frequent values, most frequent first; the rest in one line."""
    found = list(
        calls.order_by()
        .values_list(field)
        .annotate(number=Count("index"))
        .order_by("-number", F(field).asc())
    )
    first, rest = found[:LONGEST_LIST], found[LONGEST_LIST:]
    others = sum(number for _, number in rest)
    named = [(name or "not known", number) for name, number in first]
    if others:
        named.append((f"{len(rest)} others", others))
    return tuple(named)


def _reasons(calls: CallQuerySet) -> tuple[tuple[str, str, int], ...]:
    """Code, title and number of calls of each reason why calls were denied."""
    counted = Counter(
        dict(
            calls.filter(decision=Call.Decision.DENY)
            .order_by()
            .annotate(reason=Func("reasons", function="unnest"))
            .values_list("reason")
            .annotate(number=Count("index"))
        )
    )
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        (code, REASONS[code].title if code in REASONS else code, number) for code, number in ranked
    )
