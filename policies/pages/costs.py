"""What the pages and files of cost plans show: ranges in words, sources with their age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from policies.models import CostPlan
from policies.services.costs import Estimated, estimates
from vendors.exports import Cell
from vendors.models import Capability, CostFact
from vendors.pricing import Line, Range
from vendors.services.costs import rule_of_thumb

ONE, CENT = Decimal(1), Decimal("0.01")


@dataclass(frozen=True, slots=True)
class CostLine:
    """A price applied: its money and hours in words, and the stored cost it comes from."""

    label: str
    cost: CostFact
    line: Line
    amount: str
    once: str
    yearly: str
    hours: str
    age_days: int
    stale: bool


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan with its lines and totals in words. `rule` is the rule of thumb beside its share."""

    plan: CostPlan
    lines: list[CostLine]
    base: str
    once: str
    yearly: str
    total: str
    hours: str
    weeks: str
    share: str
    stale: int
    unpriced: list[str]
    elsewhere: int


def figure(value: Decimal) -> str:
    """A number in whole units, half rounded up, with thousands set apart."""
    return f"{value.quantize(ONE, ROUND_HALF_UP):,f}"


def span(found: Range, unit: str = "") -> str:
    """A range in words, such as USD 1,200 to 2,400; one figure where both ends are the same."""
    low, high = figure(found.low), figure(found.high)
    text = low if low == high else f"{low} to {high}"
    return f"{unit} {text}".strip()


def hours_of(once: Range, yearly: Range) -> str:
    """Hours in words; nothing where there are none."""
    parts = [f"{span(once)} once"] if once else []
    parts += [f"{span(yearly)} a year"] if yearly else []
    return ", ".join(parts)


AMOUNTS = {
    CostFact.Basis.PERCENT: "{} % of the API spend",
    CostFact.Basis.ONCE: "{} once",
    CostFact.Basis.YEARLY: "{} a year",
    CostFact.Basis.HOURS_ONCE: "{} hours once",
    CostFact.Basis.HOURS_YEARLY: "{} hours a year",
    CostFact.Basis.WEEKS: "{} weeks",
}


def amount_of(cost: CostFact) -> str:
    """What a stored cost says, in words."""
    words = span(Range(cost.low, cost.high), cost.currency)
    return AMOUNTS[CostFact.Basis(cost.basis)].format(words)


def plan_view(plan: CostPlan, estimated: Estimated, on: dt.date) -> PlanView:
    """All that is shown of a plan on the day `on`; no query."""
    found, money = estimated.estimate, plan.currency
    lines = [
        _line(each, estimated.costs[each.price.cost_id], money, on)
        for each in sorted(found.lines, key=_order)
    ]
    return PlanView(
        plan=plan,
        lines=lines,
        base=f"{money} {figure(found.base)}",
        once=span(found.once, money),
        yearly=span(found.yearly, money),
        total=span(found.total, money),
        hours=hours_of(found.hours_once, found.hours_yearly),
        weeks=span(found.weeks) if found.weeks else "",
        share=f"{span(found.share)} %" if found.share is not None else "",
        stale=sum(each.stale for each in lines),
        unpriced=[Capability(name).label for name in found.unpriced],
        elsewhere=sum(not each.counted for each in found.lines),
    )


def _order(line: Line) -> tuple[int, str]:
    return Capability.values.index(line.price.capability), line.price.basis


def _line(line: Line, cost: CostFact, money: str, on: dt.date) -> CostLine:
    return CostLine(
        label=cost.get_capability_display(),
        cost=cost,
        line=line,
        amount=amount_of(cost),
        once=span(line.once, cost.currency or money) if line.once else "",
        yearly=span(line.yearly, cost.currency or money) if line.yearly else "",
        hours=hours_of(line.hours_once, line.hours_yearly),
        age_days=(on - cost.verified_on).days,
        stale=line.price.stale(on),
    )


def plan_views(plans: Sequence[CostPlan], on: dt.date) -> list[PlanView]:
    """The lines of the list of plans; one query whatever their number."""
    found = estimates(plans, on) if plans else {}
    return [plan_view(plan, found[plan.pk], on) for plan in plans]


def rule_words(on: dt.date) -> tuple[str, CostFact] | None:
    """The rule of thumb as percent in words, with its source; None if there is none."""
    rule = rule_of_thumb(on)
    return (f"{span(Range(rule.low, rule.high))} %", rule) if rule else None


HEADERS = (
    "Integration",
    "Plan",
    "Capability",
    "Basis",
    "From",
    "To",
    "Currency",
    "Once from",
    "Once to",
    "A year from",
    "A year to",
    "Hours once from",
    "Hours once to",
    "Hours a year from",
    "Hours a year to",
    "Added to the total",
    "Speaks of",
    "Grade",
    "Source",
    "As of",
    "Source read",
    "Age in days",
    "Read again",
)


LIST_HEADERS = (
    "Plan",
    "Integration",
    "Service",
    "Currency",
    "API, a year",
    "Compliance, a year, from",
    "Compliance, a year, to",
    "Once from",
    "Once to",
    "On top from, %",
    "On top to, %",
    "Figures to read again",
    "Author",
)


def list_rows(plans: Sequence[CostPlan], on: dt.date) -> Iterator[list[Cell]]:
    """One row for each plan, in the order of LIST_HEADERS; one query whatever their number."""
    found = estimates(plans, on) if plans else {}
    for plan in plans:
        estimated = found[plan.pk]
        sums = estimated.estimate
        yield [
            plan.name,
            plan.integration.name,
            str(plan.integration.service),
            plan.currency,
            sums.base.quantize(CENT, ROUND_HALF_UP),
            *_ends(sums.yearly, sums.once),
            *(_ends(sums.share) if sums.share is not None else (None, None)),
            plan_view(plan, estimated, on).stale,
            str(plan.author),
        ]


def file_rows(shown: PlanView) -> Iterator[list[Cell]]:
    """The lines of a plan and its total, as the page shows them."""
    plan = shown.plan
    for each in shown.lines:
        line, cost = each.line, each.cost
        yield [
            plan.integration.name,
            plan.name,
            each.label,
            cost.get_basis_display(),
            cost.low,
            cost.high,
            cost.currency or plan.currency,
            *_ends(line.once, line.yearly, line.hours_once, line.hours_yearly),
            line.counted,
            cost.scope,
            cost.get_grade_display(),
            cost.source,
            cost.as_of,
            cost.verified_on,
            each.age_days,
            each.stale,
        ]


def total_row(plan: CostPlan, estimated: Estimated) -> list[Cell]:
    """The last row of the file: the sums of what is added."""
    found = estimated.estimate
    ends = _ends(found.once, found.yearly, found.hours_once, found.hours_yearly)
    blank: list[Cell] = [None] * (len(HEADERS) - 7 - len(ends))
    name = [plan.integration.name, plan.name, "Total", "", None, None, plan.currency]
    return [*name, *ends, *blank]


def _ends(*ranges: Range) -> list[Cell]:
    """Both ends of each range, to the cent."""
    ends = [end for each in ranges for end in (each.low, each.high)]
    return [end.quantize(CENT, ROUND_HALF_UP) for end in ends]
