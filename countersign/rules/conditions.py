"""Conditions of rules: read from data, answered fast, and answered where not all is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeAlias

from countersign.rules.facts import FACTS, Facts, Find, classes_of

Value: TypeAlias = "str | bool | int"
Test: TypeAlias = Callable[[Facts, Find], bool]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: `operator` is equals, in, not or >=; `values` are its operands."""

    fact: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """All of these hold; with none, always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these holds."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = "Ask | Every | Some"

# What stands for a fact that may be anything, when a condition is asked without knowing it.
UNKNOWN = object()
Known: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The data classes that a call has for sure; it may have more."""

    classes: frozenset[str]


def asked(condition: Condition) -> frozenset[str]:
    """The names of all facts that the condition asks about."""
    if isinstance(condition, Ask):
        return frozenset((condition.fact,))
    return frozenset(fact for part in condition.parts for fact in asked(part))


def pattern(fact: str, values: tuple[Value, ...]) -> re.Pattern[str]:
    """What matches any of the patterns of a model or a path, whole."""
    return re.compile("|".join(_expression(fact, str(value)) for value in values), re.DOTALL)


def _expression(fact: str, text: str) -> str:
    if fact != "path":
        return re.escape(text).replace(r"\*", ".*")
    steps = []
    for step in text.split("/")[1:]:
        if step == "**":
            steps.append("(?:/.*)?")
        else:
            steps.append("/" + re.escape(step).replace(r"\*", "[^/]*"))
    return "".join(steps)


def compiled(condition: Condition) -> Test:
    """The condition as a function of a call's facts and a find in it."""
    if isinstance(condition, Ask):
        return _compiled_ask(condition)
    # What costs least is asked first: the answer is the same in any order.
    parts = tuple(compiled(part) for part in sorted(condition.parts, key=_cost))
    if len(parts) == 1:
        return parts[0]
    return _every(parts) if isinstance(condition, Every) else _some(parts)


def _cost(condition: Condition) -> int:
    """How much longer a condition takes to answer than one that compares a value."""
    if not isinstance(condition, Ask):
        return 1 + max(map(_cost, condition.parts), default=0)
    if FACTS[condition.fact] == "path":
        return 2
    return int(any("*" in str(value) for value in condition.values))


def _every(parts: tuple[Test, ...]) -> Test:
    def every(facts: Facts, find: Find) -> bool:
        for part in parts:  # noqa: SIM110  # a generator costs more than the answer
            if not part(facts, find):
                return False
        return True

    return every


def _some(parts: tuple[Test, ...]) -> Test:
    def some(facts: Facts, find: Find) -> bool:
        for part in parts:  # noqa: SIM110
            if part(facts, find):
                return True
        return False

    return some


def _compiled_ask(ask: Ask) -> Test:
    if ask.fact in OF_THE_CALL:
        return _of_the_call(ask)
    if FACTS[ask.fact] == "number":
        return _at_least(ask)
    if FACTS[ask.fact] == "words":
        return _of_classes(ask)
    reading = READERS[ask.fact]
    negative = ask.operator == "not"
    values: frozenset[object] = frozenset(ask.values)
    if FACTS[ask.fact] in ("pattern", "path"):
        fits = pattern(ask.fact, ask.values).fullmatch

        def by_pattern(facts: Facts, find: Find) -> bool:
            found = reading(facts, find)
            return found is not None and (fits(str(found)) is None) is negative

        return by_pattern

    def by_value(facts: Facts, find: Find) -> bool:
        found = reading(facts, find)
        return found is not None and (found not in values) is negative

    return by_value


def _of_the_call(ask: Ask) -> Test:
    """A question about what every call has: asked most often, so with nothing to spare."""
    get = attrgetter(OF_THE_CALL[ask.fact])
    if FACTS[ask.fact] == "pattern" and any("*" in str(value) for value in ask.values):
        return _by_pattern(ask, get)
    if ask.operator == "not":
        others = frozenset(ask.values)
        return lambda facts, _find: get(facts) not in others
    if len(ask.values) == 1:
        (value,) = ask.values
        return lambda facts, _find: bool(get(facts) == value)
    values = frozenset(ask.values)
    return lambda facts, _find: get(facts) in values


def _by_pattern(ask: Ask, get: Callable[[Facts], str]) -> Test:
    beginning = _beginning(ask)
    if beginning is not None:
        return lambda facts, _find: get(facts).startswith(beginning)
    fits = pattern(ask.fact, ask.values).fullmatch
    if ask.operator == "not":
        return lambda facts, _find: fits(get(facts)) is None
    return lambda facts, _find: fits(get(facts)) is not None


def _beginning(ask: Ask) -> str | None:
    """What `ask` asks a text to begin with, where it asks for that alone: `gpt-4*`."""
    text = str(ask.values[0])
    if ask.operator == "not" or len(ask.values) > 1 or text.find("*") != len(text) - 1:
        return None
    return text[:-1]


def _at_least(ask: Ask) -> Test:
    reading = READERS[ask.fact]
    least = _least(ask)

    def at_least(facts: Facts, find: Find) -> bool:
        found = reading(facts, find)
        return found is not None and found >= least  # type: ignore[operator]

    return at_least


def _least(ask: Ask) -> float:
    """Scores stand in percent in a policy, for its canonical form has no fractions."""
    (value,) = ask.values
    return int(value) / 100 if ask.fact == "score" else int(value)


def _of_classes(ask: Ask) -> Test:
    wanted = frozenset(str(value) for value in ask.values)
    negative = ask.operator == "not"

    def of_classes(facts: Facts, find: Find) -> bool:
        apart = wanted.isdisjoint(facts.data_classes) and (
            find.kind is None or wanted.isdisjoint(classes_of(find.kind))
        )
        return apart is negative

    return of_classes


READERS: Mapping[str, Callable[[Facts, Find], object]] = {
    "kind": lambda _facts, find: find.kind,
    "path": lambda _facts, find: find.path,
    "count": lambda _facts, find: find.count,
    "score": lambda _facts, find: find.score,
}
# Facts that every call has, and where `Facts` has them.
OF_THE_CALL = {
    name: name.replace(".", "_")
    for name, form in FACTS.items()
    if name not in READERS and form != "words"
}


def simplified(condition: Condition, known: Known) -> Condition | bool:
    """What is left to be asked where some facts are known (as in `possibly`), or the answer."""
    if isinstance(condition, Ask):
        answer = _answer(condition, known.get(condition.fact, UNKNOWN))
        return condition if answer is None else answer
    parts = [simplified(part, known) for part in condition.parts]
    decisive = not isinstance(condition, Every)
    if any(part is decisive for part in parts):
        return decisive
    left = tuple(part for part in parts if not isinstance(part, bool))
    if not left:
        return not decisive
    return type(condition)(left)


def possibly(condition: Condition, known: Known) -> bool | None:
    """Whether the condition holds where only some facts are known; None: it depends on the rest.

    `known` gives a fact's value, None where there is none (every question about it is answered
    no), or nothing where it may be anything. `data_class` takes a frozenset that is complete, or
    `AtLeast`.
    """
    if isinstance(condition, Ask):
        return _answer(condition, known.get(condition.fact, UNKNOWN))
    answers = [possibly(part, known) for part in condition.parts]
    decisive = not isinstance(condition, Every)
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


def _answer(ask: Ask, found: object) -> bool | None:
    if found is UNKNOWN:
        return None
    if found is None:
        return False
    if isinstance(found, AtLeast):
        apart = frozenset(ask.values).isdisjoint(found.classes)
        return None if apart else ask.operator != "not"
    kind = FACTS[ask.fact]
    if kind == "number":
        return float(found) >= _least(ask)  # type: ignore[arg-type]
    if kind == "words":
        among = not frozenset(ask.values).isdisjoint(found)  # type: ignore[arg-type]
    elif kind in ("pattern", "path"):
        among = pattern(ask.fact, ask.values).fullmatch(str(found)) is not None
    else:
        among = found in ask.values
    return bool(among) is not (ask.operator == "not")
