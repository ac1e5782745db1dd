"""Reads the counts of a table: our own form, or an export of a provider's console.

Which column is what is known by its heading. Input tokens may stand in several columns, which are
added up. docs/operating.md lists the headings; docs/sources.md says where they come from.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Protocol, TypeVar

from audits.completeness.comparing import Count

MOST_FAULTS = 50
LARGEST = 10**15
OLDEST = dt.date(2020, 1, 1)

# Our name of each column, and the headings it is known by, the first found first.
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "day": ("day", "date", "usage_date_utc", "usage_date", "start_time_iso", "start_time"),
    "integration": ("integration",),
    "project": (
        "project",
        "project_id",
        "workspace_id",
        "workspace",
        "resource_id",
        "account_id",
        "subscription_id",
    ),
    "api_key": ("api_key_id", "api_key", "key_id"),
    "model": ("model", "model_id", "model_version", "deployment"),
    "requests": ("requests", "num_model_requests", "request_count", "invocations", "calls"),
    "output_tokens": (
        "output_tokens",
        "usage_output_tokens",
        "output_token_count",
        "completion_tokens",
        "generated_tokens",
    ),
    "cached_tokens": (
        "cached_tokens",
        "input_cached_tokens",
        "usage_input_tokens_cache_read",
        "cache_read_input_tokens",
    ),
    "cost": ("cost", "amount", "amount_value", "cost_usd"),
    "currency": ("currency", "amount_currency"),
}
# Columns that are input tokens together; the first set of which one is there counts.
INPUT: tuple[tuple[str, ...], ...] = (
    (
        "usage_input_tokens_no_cache",
        "usage_input_tokens_cache_write_5m",
        "usage_input_tokens_cache_write_1h",
        "usage_input_tokens_cache_write",
        "usage_input_tokens_cache_read",
    ),
    (
        "uncached_input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
    ),
    ("input_tokens", "input_token_count", "prompt_tokens", "processed_prompt_tokens"),
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/@+#()\-]{0,119}")
_SECRET = re.compile(r"(sk|rk|pk|AKIA|AIza)[-_A-Za-z0-9]{30,}")
_NUMBER = re.compile(r"[0-9]{1,15}(\.0{1,6})?")
_EPOCH = re.compile(r"[0-9]{9,11}")

T = TypeVar("T")


class Line(Protocol):
    """A line of a table; see vendors.sheets.Row."""

    @property
    def number(self) -> int: ...

    @property
    def cells(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Cost:
    """What a provider charged for a day; `currency` is ISO 4217 in capitals."""

    day: dt.date
    amount: Decimal
    currency: str
    project: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is not taken. The message quotes nothing; `line` 0 is the whole file."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds. It may be stored only where there are no faults.

    `columns` are our names with the headings they were found under; both days count.
    """

    counts: tuple[Count, ...]
    costs: tuple[Cost, ...]
    faults: tuple[Fault, ...]
    lines: int
    columns: tuple[tuple[str, str], ...]

    @property
    def days(self) -> tuple[dt.date, ...]:
        """The days that lines speak of, in order."""
        return tuple(sorted({c.day for c in self.counts} | {c.day for c in self.costs}))


class _Bad(Exception):
    """A cell cannot be read; the text says why and quotes nothing."""


@dataclass
class _Reader:
    places: Mapping[str, int]
    inputs: Sequence[int]
    integrations: Mapping[str, int]
    today: dt.date
    default_currency: str
    faults: list[Fault] = field(default_factory=list)

    def cell(self, line: Line, name: str) -> str:
        place = self.places.get(name, -1)
        return line.cells[place].strip() if 0 <= place < len(line.cells) else ""

    def read(self, line: Line) -> tuple[Count | None, Cost | None]:
        """The line's count and cost; (None, None) with a fault noted if it cannot be read."""
        before = len(self.faults)
        day = self._part(line, "day", lambda text: _day(text, self.today))
        integration = self._part(line, "integration", self._integration)
        project = self._part(line, "project", _id) or ""
        api_key = self._part(line, "api_key", _id) or ""
        model = self._part(line, "model", _id) or ""
        requests = self._part(line, "requests", _number)
        outputs = self._part(line, "output_tokens", _number)
        cached = self._part(line, "cached_tokens", _number)
        inputs = self._inputs(line)
        amount = self._part(line, "cost", _amount)
        currency = self._part(line, "currency", _currency) or self.default_currency
        if len(self.faults) > before or day is None:
            return None, None
        known = (requests, inputs, outputs)
        count = Count(day, project, api_key, model, integration, *known, cached)
        cost = None if amount is None else Cost(day, amount, currency, project, model)
        if all(value is None for value in known):
            if cost is None:
                self._fault(line, "", "The line counts neither requests nor tokens.")
            return None, cost
        return count, cost

    def _part(self, line: Line, name: str, read: Callable[[str], T]) -> T | None:
        text = self.cell(line, name)
        if not text and name != "day":
            return None
        try:
            return read(text)
        except _Bad as bad:
            self._fault(line, name, str(bad))
            return None

    def _inputs(self, line: Line) -> int | None:
        texts = [line.cells[at].strip() if at < len(line.cells) else "" for at in self.inputs]
        try:
            found = [_number(text) for text in texts if text]
        except _Bad as bad:
            self._fault(line, "input_tokens", str(bad))
            return None
        return sum(found) if found else None

    def _integration(self, text: str) -> int:
        if text not in self.integrations:
            raise _Bad("There is no integration with this slug.")
        return self.integrations[text]

    def _fault(self, line: Line, column: str, message: str) -> None:
        self.faults.append(Fault(line.number, column.replace("_", " "), message))


def read(
    headings: Sequence[str],
    lines: Iterable[Line],
    *,
    integrations: Mapping[str, int],
    today: dt.date,
) -> Reading:
    """The counts and costs of a table; lines of the same day, project, key and model are added up.

    `integrations` are ids by slug; `today` is the last day that may be spoken of.
    """
    keys = [_heading(text) for text in headings]
    places = {name: at for name, names in HEADINGS.items() if (at := _first(keys, names)) >= 0}
    inputs = next((found for group in INPUT if (found := _all(keys, group))), [])
    columns = tuple((name, headings[at]) for name, at in places.items())
    columns += tuple(("input_tokens", headings[at]) for at in inputs)
    faults = _missing(places, inputs)
    if faults:
        return Reading((), (), faults, 0, columns)
    dollars = "cost" in places and keys[places["cost"]] == "cost_usd"
    reader = _Reader(places, inputs, integrations, today, "USD" if dollars else "")
    counts: dict[tuple[object, ...], list[Count]] = defaultdict(list)
    costs: list[Cost] = []
    number = 0
    for line in lines:
        number += 1
        count, cost = reader.read(line)
        if cost and not cost.currency:
            reader.faults.append(Fault(line.number, "currency", "Say the currency of the cost."))
        if count:
            key = (count.day, count.project, count.api_key, count.model, count.integration)
            counts[key].append(count)
        if cost:
            costs.append(cost)
        if len(reader.faults) >= MOST_FAULTS:
            break
    merged = tuple(_merged(some) for some in counts.values())
    return Reading(merged, tuple(costs), tuple(reader.faults), number, columns)


def _missing(places: Mapping[str, int], inputs: Sequence[int]) -> tuple[Fault, ...]:
    if "day" not in places:
        return (Fault(0, "day", "No column is the day; name it day, or date."),)
    if not inputs and not {"requests", "output_tokens", "cost"} & set(places):
        return (Fault(0, "requests", "No column counts requests, tokens or cost."),)
    return ()


def _merged(counts: Sequence[Count]) -> Count:
    first = counts[0]
    if len(counts) == 1:
        return first
    sums = {
        name: _plus([getattr(count, name) for count in counts])
        for name in ("requests", "input_tokens", "output_tokens", "cached_tokens")
    }
    return Count(first.day, first.project, first.api_key, first.model, first.integration, **sums)


def _plus(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _heading(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")


def _first(keys: Sequence[str], names: Sequence[str]) -> int:
    return next((keys.index(name) for name in names if name in keys), -1)


def _all(keys: Sequence[str], names: Sequence[str]) -> list[int]:
    return [keys.index(name) for name in names if name in keys]


def _day(text: str, today: dt.date) -> dt.date:
    try:
        day = _parsed_day(text)
    except (ValueError, OverflowError, OSError):
        raise _Bad("Write the day as 2026-11-21.") from None
    if not OLDEST <= day <= today:
        raise _Bad("The day is in the future, or before 2020.")
    return day


def _parsed_day(text: str) -> dt.date:
    if _EPOCH.fullmatch(text):
        return dt.datetime.fromtimestamp(int(text), dt.UTC).date()
    if len(text) == 10:
        return dt.date.fromisoformat(text)
    moment = dt.datetime.fromisoformat(text)
    # Providers count in UTC, and write it with or without saying so.
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).date()


def _id(text: str) -> str:
    if _SECRET.match(text):
        raise _Bad("This looks like a secret key. Use the key's id, and revoke the key.")
    if not _ID.fullmatch(text):
        raise _Bad("Letters, digits, blanks and . _ : / @ + # ( ) - only, at most 120 of them.")
    return text


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _Bad("Write a whole number without separators.")
    return int(text.partition(".")[0])


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise _Bad("Write the amount as a number with a point.") from None
    if not amount.is_finite() or abs(amount) >= LARGEST // 1000:
        raise _Bad("Write the amount as a number with a point.")
    return amount.quantize(Decimal("1e-8"))


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", text):
        raise _Bad("Write the currency in three letters, such as USD.")
    return text.upper()
