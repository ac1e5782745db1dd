"""Compares what a provider counted with what was recorded, per integration and day.

A day is a day in UTC, as the providers count. A call may count at the provider or not when it
failed, was cancelled or its end is not known: so what was recorded is a range, from the calls that
are known to have succeeded to all that were allowed. What the provider counted beyond the range is
what nobody recorded.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeAlias


class State(StrEnum):
    """How a day of an integration compares."""

    EQUAL = "equal"
    UNRECORDED = "unrecorded"
    UNBILLED = "unbilled"
    NO_DATA = "no-data"


class Apart(StrEnum):
    """Counts that are no integration's."""

    TEST = "test"
    OUTSIDE = "outside"
    UNASSIGNED = "unassigned"


# An integration's id, or why the counts are none's.
Target: TypeAlias = "int | Apart"


@dataclass(frozen=True, slots=True)
class Count:
    """What a provider counted on a day; None where it does not say. Cached tokens are in input."""

    day: dt.date
    project: str = ""
    api_key: str = ""
    model: str = ""
    integration: int | None = None
    requests: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Whose counts these are; empty fields stand for anything, * in `model` for any letters."""

    project: str
    api_key: str
    model: str
    target: Target

    def takes(self, count: Count) -> bool:
        return (
            self.project in ("", count.project)
            and self.api_key in ("", count.api_key)
            and (not self.model or fnmatchcase(count.model, self.model))
        )

    def weight(self) -> tuple[bool, bool, bool, int]:
        """What decides between two that take the same: the key, the project, the longer model."""
        return bool(self.api_key), bool(self.project), bool(self.model), len(self.model)


def target_of(count: Count, rules: Iterable[Rule]) -> Target:
    """Whose count it is: as the file itself says, else by the rule that names most."""
    if count.integration is not None:
        return count.integration
    taking = [rule for rule in rules if rule.takes(count)]
    return max(taking, key=Rule.weight).target if taking else Apart.UNASSIGNED


@dataclass(frozen=True, slots=True)
class Counted:
    """A provider's counts of one target and day, summed; None where it does not say."""

    requests: int | None
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of an integration and day.

    `allowed` calls may have been made, `succeeded` ones were. `unmeasured` are calls that may have
    used tokens nobody told us of.
    """

    allowed: int = 0
    succeeded: int = 0
    tokens: int = 0
    unmeasured: int = 0


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much the two may differ on a day: the larger of a number and a share in percent.

    Calls around midnight count on one day here and on the next there.
    """

    requests: int = 2
    tokens: int = 2_000
    percent: int = 1

    def of(self, least: int, recorded: int) -> int:
        return max(least, recorded * self.percent // 100)


@dataclass(frozen=True, slots=True)
class Compared:
    """A day of an integration. `missing` requests or tokens were counted and not recorded;
    `surplus` ones were recorded and not counted; both are 0 unless the state says so."""

    day: dt.date
    state: State
    counted: Counted | None
    recorded: Recorded
    missing: int = 0
    missing_tokens: int = 0
    surplus: int = 0

    @property
    def difference(self) -> int | None:
        """Requests counted less the calls that may have been made; None without both."""
        if self.counted is None or self.counted.requests is None:
            return None
        low, high = self.recorded.succeeded, self.recorded.allowed
        if self.counted.requests > high:
            return self.counted.requests - high
        return min(0, self.counted.requests - low)


def compare(
    day: dt.date, counted: Counted | None, recorded: Recorded, tolerance: Tolerance
) -> Compared:
    """How the day compares; `counted` is None for a day that no import speaks of."""
    if counted is None:
        return Compared(day, State.NO_DATA, None, recorded)
    missing = surplus = 0
    if counted.requests is not None:
        allowed = tolerance.of(tolerance.requests, recorded.allowed)
        missing = _beyond(counted.requests - recorded.allowed, allowed)
        surplus = _beyond(recorded.succeeded - counted.requests, allowed)
    tokens = _tokens_missing(counted, recorded, tolerance)
    if missing or (tokens and not surplus):
        return Compared(day, State.UNRECORDED, counted, recorded, missing, tokens)
    state = State.UNBILLED if surplus else State.EQUAL
    return Compared(day, state, counted, recorded, surplus=surplus)


def _tokens_missing(counted: Counted, recorded: Recorded, tolerance: Tolerance) -> int:
    """Tokens beyond what was recorded; 0 where some calls did not tell theirs."""
    if counted.tokens is None or recorded.unmeasured:
        return 0
    difference = counted.tokens - recorded.tokens
    return _beyond(difference, tolerance.of(tolerance.tokens, recorded.tokens))


def _beyond(difference: int, tolerated: int) -> int:
    return difference if difference > tolerated else 0


def summed(counts: Iterable[Count], rules: Sequence[Rule]) -> dict[tuple[Target, dt.date], Counted]:
    """The counts of each target and day."""
    found: dict[tuple[Target, dt.date], list[Count]] = defaultdict(list)
    for count in counts:
        found[target_of(count, rules), count.day].append(count)
    return {key: _sum(some) for key, some in found.items()}


def added(one: Counted, other: Counted) -> Counted:
    """Two sources' counts of the same target and day."""
    return Counted(
        _plus([one.requests, other.requests]),
        _plus([one.tokens, other.tokens]),
    )


def _sum(counts: Sequence[Count]) -> Counted:
    tokens = [
        None
        if count.input_tokens is None and count.output_tokens is None
        else (count.input_tokens or 0) + (count.output_tokens or 0)
        for count in counts
    ]
    return Counted(_plus([count.requests for count in counts]), _plus(tokens))


def _plus(values: Sequence[int | None]) -> int | None:
    """The sum; None if one of them is not known: a part of a sum says nothing."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


@dataclass(frozen=True, slots=True)
class Balance:
    """The days of an integration, in order, and what they come to."""

    days: tuple[Compared, ...]

    @property
    def missing(self) -> int:
        """Requests that were counted and not recorded."""
        return sum(day.missing for day in self.days)

    @property
    def missing_tokens(self) -> int:
        return sum(day.missing_tokens for day in self.days)

    @property
    def surplus(self) -> int:
        return sum(day.surplus for day in self.days)

    @property
    def counted(self) -> int:
        """Requests that the provider counted, on days it says so."""
        return sum(day.counted.requests or 0 for day in self.days if day.counted)

    @property
    def recorded(self) -> int:
        """Calls that may have been made, on days the provider speaks of."""
        return sum(day.recorded.allowed for day in self.days if day.counted)

    @property
    def covered(self) -> int:
        """Days the provider speaks of."""
        return sum(1 for day in self.days if day.counted)

    def of(self, state: State) -> tuple[Compared, ...]:
        return tuple(day for day in self.days if day.state is state)

    @property
    def state(self) -> State:
        """The worst of its days."""
        return next((state for state in WORST if self.of(state)), State.NO_DATA)


WORST = (State.UNRECORDED, State.UNBILLED, State.EQUAL)


def balance(
    days: Sequence[dt.date],
    counted: Mapping[dt.date, Counted],
    recorded: Mapping[dt.date, Recorded],
    tolerance: Tolerance,
) -> Balance:
    """The days of one integration; a day missing in `counted` is one without data."""
    return Balance(
        tuple(
            compare(day, counted.get(day), recorded.get(day, Recorded()), tolerance) for day in days
        )
    )
