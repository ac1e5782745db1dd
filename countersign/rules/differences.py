"""What one version of a policy says otherwise than another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from countersign.canonical import Json
from countersign.rules.actions import STRICTNESS
from countersign.rules.claims import claim, mildest
from countersign.rules.policy import Policy
from countersign.rules.reading import KINDS

Change: TypeAlias = Literal["added", "removed", "changed"]
# Lists of a document, each with the member that names its entries.
LISTS = {"rules": "id", "patterns": "id", "tests": "id", "fields": "path"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that differs. `part` is rules, patterns, tests, fields, keep or defaults.

    `before` and `after` are the entries as they stand in the documents, None where there is none;
    `members` names what differs of one that both have.
    """

    part: str
    name: str
    change: Change
    before: Json
    after: Json
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KindChange:
    """The mildest that may happen to a find of a kind that goes out, before and after."""

    kind: str
    before: str
    after: str

    @property
    def milder(self) -> bool:
        return STRICTNESS[self.after] > STRICTNESS[self.before]


@dataclass(frozen=True, slots=True)
class Differences:
    """All that differs; `kinds` are those whose mildest action does."""

    entries: tuple[Difference, ...]
    kinds: tuple[KindChange, ...]
    claim_before: str
    claim_after: str

    @property
    def milder(self) -> bool:
        """Whether anything may leave in a milder form than before."""
        return any(each.milder for each in self.kinds)


def compare(before: Policy, after: Policy) -> Differences:
    """What `after` says otherwise than `before`."""
    entries: list[Difference] = []
    one, two = before.document, after.document
    entries += _members("defaults", _mapping(one["defaults"]), _mapping(two["defaults"]))
    for part, name in LISTS.items():
        entries += _members(part, _by_name(one, part, name), _by_name(two, part, name))
    keeps = [_mapping_of_list(document.get("keep")) for document in (one, two)]
    entries += _members("keep", *keeps)
    changes = (
        KindChange(kind, mildest(before, kind), mildest(after, kind)) for kind in sorted(KINDS)
    )
    return Differences(
        tuple(entries),
        tuple(each for each in changes if each.before != each.after),
        claim(before).kind,
        claim(after).kind,
    )


def _members(part: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> list[Difference]:
    found = []
    for name in [*before, *(name for name in after if name not in before)]:
        one, two = before.get(name), after.get(name)
        if one == two and name in before and name in after:
            continue
        change: Change = "changed"
        if name not in before:
            change = "added"
        elif name not in after:
            change = "removed"
        found.append(Difference(part, name, change, one, two, _differing(one, two)))
    return found


def _differing(one: Json, two: Json) -> tuple[str, ...]:
    if not isinstance(one, Mapping) or not isinstance(two, Mapping):
        return ()
    names = [*one, *(name for name in two if name not in one)]
    return tuple(name for name in names if one.get(name) != two.get(name))


def _by_name(document: Mapping[str, Json], part: str, name: str) -> dict[str, Json]:
    listed = cast("Sequence[Any]", document.get(part) or ())
    return {str(each[name]): each for each in listed}


def _mapping(value: Json) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", value)


def _mapping_of_list(value: Json) -> dict[str, Json]:
    return {str(path): True for path in cast("Sequence[str]", value or ())}
