"""What each line would do: new, changed, same, or an error; pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from vendors.imports.cells import BadCell, Reader, Value, shown
from vendors.sheets import Row

Values = dict[str, Value]
Key = tuple[str, ...]


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of the file can stand for. `needed`: a new row cannot do without it."""

    name: str
    heading: str
    read: Reader
    needed: bool = False
    also: tuple[str, ...] = ()
    example: str = ""
    help: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is refused: the heading of our column, empty for the line as a whole."""

    heading: str
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    heading: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the register, by the names of the columns; a value that is absent is empty."""

    pk: int
    values: Mapping[str, Value]


@dataclass(slots=True)
class Known:
    """What the register holds of all that a file can name. Names are case-folded.

    `vendors`: name or slug to slug. `services`: slug of the vendor and name to the service's own
    name. `held`: of each vendor, kind and account the agreements' first and last day.
    `slugs`: what lines further up give to new vendors.
    """

    stored: dict[Key, Stored] = field(default_factory=dict)
    vendors: dict[str, str] = field(default_factory=dict)
    services: dict[Key, str] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    slugs: set[str] = field(default_factory=set)
    held: dict[Key, list[tuple[dt.date, dt.date]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file. `target` is the row it names, `given` all that its cells hold.

    `values` are what it would store: all of them where it is new, else those that differ.
    """

    number: int
    name: str
    outcome: Outcome
    values: Mapping[str, Value]
    target: int | None = None
    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    given: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    lines: tuple[Line, ...]
    digest: str

    def counts(self) -> dict[str, int]:
        """How many lines have each outcome, all four of them."""
        found = Counter(line.outcome for line in self.lines)
        return {outcome.value: found[outcome] for outcome in Outcome}

    def of(self, *outcomes: str) -> list[Line]:
        return [line for line in self.lines if line.outcome in outcomes]


# Resolves what a line names in place; returns the row's key. Raises: Refused.
Identify = Callable[[Values, Known], Key]
# Looks at a line that is new or changes something, and notes it for those below. Raises: Refused.
Check = Callable[[Values, Stored | None, Known], None]


class Refused(Exception):
    """The line cannot be taken: `name` of the column (empty for the line), and why."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be imported. `changeable`: the columns that may change in a stored row.

    Other differences are refused with `fixed`, which says what to do instead.
    """

    code: str
    title: str
    singular: str
    permissions: tuple[str, ...]
    columns: tuple[Column, ...]
    identify: Identify
    check: Check
    label: tuple[str, ...]
    changeable: frozenset[str]
    fixed: str = ""
    note: str = ""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def heading(self, name: str) -> str:
        return self.column(name).heading if name else ""


def propose(kind: Kind, headings: Sequence[str]) -> dict[str, int]:
    """Which column of the file stands for which of ours, by its heading; each at most once."""
    places = {_folded(heading): place for place, heading in reversed(list(enumerate(headings)))}
    found: dict[str, int] = {}
    for column in kind.columns:
        for word in (column.heading, column.name, *column.also):
            place = places.get(_folded(word))
            if place is not None and place not in found.values():
                found[column.name] = place
                break
    return found


def _folded(heading: str) -> str:
    return " ".join(heading.replace("_", " ").replace("*", " ").casefold().split())


def plan(kind: Kind, rows: Iterable[Row], mapping: Mapping[str, int], known: Known) -> Plan:
    """The outcome of every line, in the order of the file.

    `mapping`: our column's name to the place of the file's column, from 0. `known` is used up:
    lines are noted in it. An empty cell leaves what is stored as it is.
    """
    seen: dict[Key, int] = {}
    lines = tuple(_line(kind, row, mapping, known, seen) for row in rows)
    return Plan(lines, digest_of(lines))


def _line(
    kind: Kind, row: Row, mapping: Mapping[str, int], known: Known, seen: dict[Key, int]
) -> Line:
    values, faults = _read(kind, row, mapping)
    name = " · ".join(shown(values[each]) for each in kind.label if each in values)
    if faults:
        return Line(row.number, name, Outcome.ERROR, {}, faults=tuple(faults))
    try:
        key = kind.identify(values, known)
        if key in seen:
            raise Refused("", f"Line {seen[key]} names the same.")
        seen[key] = row.number
        return _compared(kind, row.number, name, values, known.stored.get(key), known)
    except Refused as refused:
        fault = Fault(kind.heading(refused.name), refused.message)
        return Line(row.number, name, Outcome.ERROR, {}, faults=(fault,))


def _read(kind: Kind, row: Row, mapping: Mapping[str, int]) -> tuple[Values, list[Fault]]:
    values: Values = {}
    faults: list[Fault] = []
    for column in kind.columns:
        place = mapping.get(column.name)
        cell = row.cells[place] if place is not None and place < len(row.cells) else ""
        if not cell:
            continue
        try:
            values[column.name] = column.read(cell)
        except BadCell as bad:
            faults.append(Fault(column.heading, str(bad)))
    return values, faults


def _compared(
    kind: Kind, number: int, name: str, values: Values, stored: Stored | None, known: Known
) -> Line:
    if stored is None:
        for column in kind.columns:
            if column.needed and column.name not in values:
                raise Refused(column.name, "Is needed for a new row and is empty.")
        kind.check(values, None, known)
        return Line(number, name, Outcome.NEW, values, given=values)
    different = {n: v for n, v in values.items() if stored.values.get(n) != v}
    if not different:
        return Line(number, name, Outcome.SAME, {}, stored.pk)
    for column_name in different:
        if column_name not in kind.changeable:
            raise Refused(column_name, kind.fixed)
    kind.check(values, stored, known)
    changes = tuple(
        Change(kind.heading(n), _words(kind, n, stored.values.get(n)), _words(kind, n, v))
        for n, v in different.items()
    )
    return Line(number, name, Outcome.CHANGED, different, stored.pk, changes, given=values)


def _words(kind: Kind, name: str, value: Value | None) -> str:
    labels = kind.column(name).labels
    return labels.get(value, value) if isinstance(value, str) else shown(value)


def written(kind: Kind, rows: Iterable[Stored]) -> Iterator[list[str]]:
    """Rows of the register as lines that an import of this kind reads, each row once."""
    seen: set[int] = set()
    for row in rows:
        if row.pk not in seen:
            seen.add(row.pk)
            yield [shown(row.values.get(column.name)) for column in kind.columns]


def digest_of(lines: Iterable[Line]) -> str:
    """SHA-256, in hex, over what would be done: with it a plan is known again."""
    digest = hashlib.sha256()
    for line in lines:
        told = [
            line.number,
            line.outcome,
            line.target,
            [[c.heading, c.old, c.new] for c in line.changes],
            sorted((name, shown(value)) for name, value in line.values.items()),
        ]
        digest.update(json.dumps(told, ensure_ascii=False).encode())
    return digest.hexdigest()
