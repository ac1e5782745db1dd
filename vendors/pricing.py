"""What compliance costs for a use: spend in, ranges of money and hours out; pure.

Ranges add low to low and high to high, so a total is from the best to the worst case. Money is
Decimal, in whole units of its currency; nothing is rounded before it is shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)
MONTHS = 12
HUNDRED = Decimal(100)


class Basis(StrEnum):
    """What a cost is counted in."""

    PERCENT = "percent"  # of the yearly API spend
    ONCE = "money_once"
    YEARLY = "money_year"
    HOURS_ONCE = "hours_once"
    HOURS_YEARLY = "hours_year"
    WEEKS = "weeks"


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both possible."""

    low: Decimal = ZERO
    high: Decimal = ZERO

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def times(self, factor: Decimal) -> Range:
        return Range(self.low * factor, self.high * factor)

    def __bool__(self) -> bool:
        return bool(self.low or self.high)


@dataclass(frozen=True, slots=True)
class Price:
    """A dated cost of a capability. `currency` is that of money, else empty.

    `exactness`: 2 for one service, 1 for a vendor, 0 for all. `stale_on` is the first day the
    source must be read again, None if nobody ever did.
    """

    cost_id: int
    capability: str
    basis: Basis
    amount: Range
    currency: str
    source: str
    as_of: dt.date
    stale_on: dt.date | None
    exactness: int = 0

    def stale(self, on: dt.date) -> bool:
        return self.stale_on is None or on >= self.stale_on


@dataclass(frozen=True, slots=True)
class Spend:
    """What a month of the API costs, and an hour of an engineer, in one currency."""

    monthly: Decimal
    hourly: Decimal
    currency: str

    @property
    def yearly(self) -> Decimal:
        return self.monthly * MONTHS


@dataclass(frozen=True, slots=True)
class Line:
    """One price applied. Hours are in `hours_*` and, at the hourly rate, in the money too.

    `counted` is false where the price is in another currency: it is shown, and not added.
    """

    price: Price
    once: Range
    yearly: Range
    hours_once: Range
    hours_yearly: Range
    weeks: Range
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Estimate:
    """Lines and their sums over a spend of `base` a year; `unpriced` has no price at all.

    `share`: the yearly extra in percent of the base; None without a spend.
    """

    lines: tuple[Line, ...]
    base: Decimal
    once: Range
    yearly: Range
    hours_once: Range
    hours_yearly: Range
    weeks: Range
    unpriced: tuple[str, ...]

    @property
    def total(self) -> Range:
        """A year with the spend itself, without what comes once."""
        return Range(self.base, self.base) + self.yearly

    @property
    def share(self) -> Range | None:
        return self.yearly.times(HUNDRED / self.base) if self.base else None


def applicable(prices: Iterable[Price]) -> tuple[Price, ...]:
    """Of each capability and basis the price that speaks most exactly of the service.

    Among equals the one stored last counts.
    """
    best: dict[tuple[str, Basis], Price] = {}
    for price in prices:
        key = (price.capability, price.basis)
        held = best.get(key)
        if held is None or (price.exactness, price.cost_id) > (held.exactness, held.cost_id):
            best[key] = price
    return tuple(best[key] for key in sorted(best))


def estimate(spend: Spend, chosen: Collection[str], prices: Iterable[Price]) -> Estimate:
    """What the chosen capabilities add to a spend; the order of neither matters.

    Source: each line names its own, by `price`.
    """
    lines = tuple(_line(price, spend) for price in applicable(prices) if price.capability in chosen)
    counted = [line for line in lines if line.counted]
    priced = {line.price.capability for line in lines}
    return Estimate(
        lines=lines,
        base=spend.yearly,
        once=_sum(line.once for line in counted),
        yearly=_sum(line.yearly for line in counted),
        hours_once=_sum(line.hours_once for line in counted),
        hours_yearly=_sum(line.hours_yearly for line in counted),
        weeks=_sum(line.weeks for line in counted),
        unpriced=tuple(sorted(set(chosen) - priced)),
    )


def _sum(ranges: Iterable[Range]) -> Range:
    return sum(ranges, Range())


def _line(price: Price, spend: Spend) -> Line:
    none = Range()
    once = yearly = hours_once = hours_yearly = weeks = none
    match price.basis:
        case Basis.PERCENT:
            yearly = price.amount.times(spend.yearly / HUNDRED)
        case Basis.ONCE:
            once = price.amount
        case Basis.YEARLY:
            yearly = price.amount
        case Basis.HOURS_ONCE:
            hours_once, once = price.amount, price.amount.times(spend.hourly)
        case Basis.HOURS_YEARLY:
            hours_yearly, yearly = price.amount, price.amount.times(spend.hourly)
        case Basis.WEEKS:
            weeks = price.amount
    same = not price.currency or price.currency == spend.currency
    return Line(price, once, yearly, hours_once, hours_yearly, weeks, counted=same)
