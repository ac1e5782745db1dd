"""Principals and groups from a file: all of it, or nothing and each bad line by its number."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from policies.models import Principal, PrincipalGroup
from policies.models.people import ACTOR_ID
from policies.services import directory
from policies.services.principals import is_person
from policies.services.trail import Refused

if TYPE_CHECKING:
    from policies.services.trail import Person

COLUMNS = ("kind", "identifier", "name", "email", "state", "groups")
REQUIRED = ("kind", "identifier")
MOST_LINES = 5_000
MOST_PROBLEMS = 50
STATES = (Principal.State.ACTIVE.value, Principal.State.LEFT.value)
LONGEST = {"name": 120, "email": 254, "groups": 2_000}


class BadFile(Exception):
    """Nothing of the file was stored; `problems` says why, line by line, and quotes nothing."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems[:MOST_PROBLEMS]


@dataclass(frozen=True, slots=True)
class Line:
    """One principal as the file says; its number counts the head as line 1.

    `state` is empty where the file says none.
    """

    number: int
    kind: str
    identifier: str
    name: str
    email: str
    state: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """How many principals are new, changed and as they were, and how many memberships are new."""

    new: int
    changed: int
    same: int
    members: int


def read_lines(content: bytes) -> list[Line]:
    """The lines of a CSV file in UTF-8 with a head of `COLUMNS`; those not required may lack.

    Raises: BadFile.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(["The file is not text in UTF-8."]) from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip().lower() for name in next(rows, [])]
        problems = _head_problems(head)
        if problems:
            raise BadFile(problems)
        found = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error:
        raise BadFile([f"Line {rows.line_num}: this is not CSV."]) from None
    if not 0 < len(found) <= MOST_LINES:
        raise BadFile([f"A file holds from 1 to {MOST_LINES:,} lines below its head."])
    return _checked(head, found)


def _head_problems(head: list[str]) -> list[str]:
    problems = [f"The head lacks the column {name}." for name in REQUIRED if name not in head]
    if set(head) - set(COLUMNS) or len(set(head)) != len(head):
        problems.append(f"The head names each column once, of: {', '.join(COLUMNS)}.")
    return problems


def _checked(head: list[str], found: list[tuple[int, list[str]]]) -> list[Line]:
    lines, problems = [], []
    numbers: dict[tuple[str, str], int] = {}
    for number, row in found:
        if len(row) != len(head):
            problems.append(f"Line {number}: it has not as many cells as the head.")
            continue
        cells = {name: cell.strip() for name, cell in zip(head, row, strict=True)}
        wrong = list(_line_problems(cells))
        key = cells["kind"], cells["identifier"]
        if key in numbers:
            wrong.append(f"it names the same principal as line {numbers[key]}")
        numbers.setdefault(key, number)
        problems += [f"Line {number}: {words}." for words in wrong]
        if not wrong:
            name, email, state = (cells.get(column, "") for column in ("name", "email", "state"))
            lines.append(Line(number, *key, name, email, state, tuple(_groups(cells))))
    if problems:
        raise BadFile(problems)
    return lines


def _groups(cells: dict[str, str]) -> Iterator[str]:
    return (name for part in cells.get("groups", "").split(";") if (name := part.strip()))


def _line_problems(cells: dict[str, str]) -> Iterator[str]:
    if cells["kind"] not in Principal.Kind.values:
        yield f"the kind is one of {', '.join(Principal.Kind.values)}"
    if not re.match(ACTOR_ID, cells["identifier"]):
        yield "the identifier is the id that calls carry: letters, digits and @._:+-"
    if cells.get("state") and cells["state"] not in STATES:
        yield f"the state is {' or '.join(STATES)}, or empty"
    if any("\x00" in cell or len(cell) > LONGEST.get(n, 120) for n, cell in cells.items()):
        yield "a cell is too long"
    elif any(len(name) > LONGEST["name"] for name in _groups(cells)):
        yield f"the name of a group has {LONGEST['name']} characters at most"
    elif cells.get("email"):
        try:
            validate_email(cells["email"])
        except ValidationError:
            yield "the e-mail address is none"


@transaction.atomic
def import_principals(lines: list[Line], *, by: Person, at: dt.datetime) -> Imported:
    """Store what the lines say; groups that are not known are made, memberships only added.

    A cell that is empty leaves what is known: who has left comes back where the file says active,
    and a new or unknown one is active unless it says otherwise. Who is `left` loses grants and
    memberships, and joins no group.
    Raises: BadFile, with nothing stored.
    """
    known = {
        (p.kind, p.identifier): p
        for p in Principal.objects.of_actors([f"{x.kind}:{x.identifier}" for x in lines])
    }
    counts = {"new": 0, "changed": 0, "same": 0}
    members: dict[str, list[tuple[int, Principal]]] = defaultdict(list)
    for line in lines:
        principal, what = _store(line, known.get((line.kind, line.identifier)), by=by, at=at)
        counts[what] += 1
        if principal.state != Principal.State.LEFT:
            for name in line.groups:
                members[name].append((line.number, principal))
    added = sum(_join(name, found, by=by, at=at) for name, found in members.items())
    return Imported(**counts, members=added)


def _store(
    line: Line, principal: Principal | None, *, by: Person, at: dt.datetime
) -> tuple[Principal, str]:
    said = {name: getattr(line, name) for name in ("name", "email") if getattr(line, name)}
    has_left = principal is not None and principal.state == Principal.State.LEFT
    state = line.state or (Principal.State.LEFT if has_left else Principal.State.ACTIVE).value
    if principal is None:
        left = state == Principal.State.LEFT
        principal = Principal(
            kind=line.kind,
            identifier=line.identifier,
            state=state,
            source=Principal.Source.CSV,
            created_at=at,
            left_at=at if left else None,
            **said,
        )
        principal.save()
        return principal, "new"
    said["state"] = state
    if all(getattr(principal, name) == value for name, value in said.items()):
        return principal, "same"
    return directory.change_principal(principal, said, by=by, at=at), "changed"


def _join(name: str, found: list[tuple[int, Principal]], *, by: Person, at: dt.datetime) -> int:
    problems = [
        f"Line {number}: nobody adds themselves to a group."
        for number, principal in found
        if is_person(principal, by)
    ]
    if problems:
        raise BadFile(problems)
    group = PrincipalGroup.objects.filter(name=name, ended_at__isnull=True).first()
    if group is None:
        group = directory.add_group(name, source=Principal.Source.CSV, at=at)
    try:
        return directory.change_members(group, add=[p for _, p in found], by=by, at=at)[0]
    except Refused as refusal:
        numbers = ", ".join(str(number) for number, _ in found[:10])
        raise BadFile([f"Lines {numbers}: {refusal}"]) from None
