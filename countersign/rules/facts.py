"""What a rule may ask about: the facts of a call, and those of one find in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from countersign.detection.kinds import SECRETS
from countersign.rules.kinds import FINANCIAL, IDENTIFIERS

Direction: TypeAlias = Literal["request", "response", "tool", "log"]
FactType: TypeAlias = Literal["word", "pattern", "path", "words", "flag", "number"]

# Which question may be asked of each: `pattern` takes * for any characters, `path` * for one step
# and ** for any number of them.
FACTS: Mapping[str, FactType] = {
    "data_class": "words",
    "kind": "word",
    "path": "path",
    "integration": "word",
    "vendor": "word",
    "model": "pattern",
    "deployment": "word",
    "region": "word",
    "baa.in_force": "flag",
    "soc2.current": "flag",
    "zero_retention": "flag",
    "role": "word",
    "purpose": "word",
    "direction": "word",
    "count": "number",
    "score": "number",
}
DIRECTIONS: tuple[Direction, ...] = ("request", "response", "tool", "log")
# Known of one find only: a rule that asks them says nothing of the call as a whole.
OF_A_FIND = frozenset({"kind", "path", "count", "score"})
# A rule that asks none of these says the same of every find.
ABOUT_A_KIND = OF_A_FIND | {"data_class"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a call. An empty word equals nothing, and "not" holds for it.

    `on` is the day (UTC); without it no permit that expires holds.
    """

    integration: str = ""
    vendor: str = ""
    model: str = ""
    deployment: str = ""
    region: str = ""
    baa_in_force: bool = False
    soc2_current: bool = False
    zero_retention: bool = False
    role: str = ""
    purpose: str = ""
    direction: Direction = "request"
    data_classes: frozenset[str] = frozenset()
    on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """One place in a call: a span of a kind, or a whole field (no kind).

    `path` is a JSON pointer (empty for plain text), `score` 0 to 1, `count` how many of the kind
    the call holds. None: not known, and every question about it is answered no.
    """

    kind: str | None = None
    path: str | None = None
    score: float | None = None
    count: int | None = None


NO_FIND = Find()


@lru_cache(maxsize=1024)
def classes_of(kind: str) -> frozenset[str]:
    """The data classes that a find of this kind belongs to, whatever the call declared."""
    found = set()
    if kind in IDENTIFIERS:
        found.add("phi")
    if kind in SECRETS:
        found.add("credentials")
    if kind in FINANCIAL:
        found.add("financial")
    return frozenset(found)
