"""What one version says otherwise than another, in the lines of a diff."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countersign.detection.kinds import KINDS
from countersign.rules import Policy
from countersign.rules.differences import Difference, KindChange, compare
from policies.forms.rules import HAPPENS, happens
from policies.views.rules_presenting import when_lines, words_of_test

PARTS = {
    "rules": "Rule",
    "patterns": "Own pattern",
    "tests": "Test",
    "fields": "Field",
    "keep": "Field that goes out",
    "defaults": "Default",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff; `kind` is added, removed or same."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that differs."""

    part: str
    name: str
    change: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Shown:
    """All that differs, as the page shows it."""

    entries: list[Entry]
    kinds: list[KindChange]
    milder: bool


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Shown:
    """What `after` says otherwise than `before`."""
    found = compare(Policy.parse(before), Policy.parse(after))
    entries = [
        Entry(PARTS[each.part], each.name, each.change, _lines(each)) for each in found.entries
    ]
    kinds = [KindChange(_title(each.kind), each.before, each.after) for each in found.kinds]
    return Shown(entries, kinds, found.milder)


def _title(kind: str) -> str:
    return KINDS[kind].title if kind in KINDS else kind


def _lines(each: Difference) -> list[Line]:
    before, after = (_words(each.part, value) for value in (each.before, each.after))
    lines = []
    for line in difflib.ndiff(before, after):
        kind = {"+": "added", "-": "removed", " ": "same"}.get(line[0])
        if kind:
            lines.append(Line(kind, line[2:]))
    return lines


def _words(part: str, value: Any) -> list[str]:
    """An entry in lines that people read; a rule and a test as sentences."""
    if value is None:
        return []
    if part == "rules":
        then = value["then"]
        said = [
            f"{name}: {then[name]}"
            for name in ("expires", "justification", "reason")
            if then.get(name)
        ]
        return [
            HAPPENS[happens(value)],
            *(f"when {line}" for line in when_lines(value["when"])),
            *said,
            f"priority {value['priority']}",
        ]
    if part == "tests":
        return [value["text"], words_of_test(value)]
    if isinstance(value, Mapping):
        return [f"{name}: {_plain(each)}" for name, each in value.items()]
    return [_plain(value)]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
