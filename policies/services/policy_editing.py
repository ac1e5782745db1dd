"""Changes to the document of a data policy that is being written; each gives a whole new one.

A document always reads as a policy afterwards, so that every page of it can be shown; whether it
may come into force is asked apart (tests, rules that nothing reaches).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from countersign.rules import Policy, PolicyError
from policies.services.trail import Refused

Document: TypeAlias = "dict[str, Any]"


def with_rule(document: Mapping[str, Any], at: int | None, rule: Document) -> Document:
    """With the rule in the place `at`, or after all others; tests follow a new name.

    Raises: Refused where the document would be no policy, such as by a name that is taken.
    """
    rules = list(document["rules"])
    if at is None:
        return _read({**document, "rules": [*rules, rule]})
    was = rules[at]["id"]
    rules[at] = rule
    tests = [_renamed(test, was, rule["id"]) for test in document["tests"]]
    return _read({**document, "rules": rules, "tests": tests})


def without_rule(document: Mapping[str, Any], at: int) -> Document:
    """Without the rule; tests no longer name it. Raises: Refused for the last rule."""
    rules = list(document["rules"])
    gone = rules.pop(at)["id"]
    if not rules:
        raise Refused("A policy has at least one rule: add another before you remove this one.")
    tests = [_renamed(test, gone, None) for test in document["tests"]]
    return _read({**document, "rules": rules, "tests": tests})


def with_test(document: Mapping[str, Any], at: int | None, test: Document) -> Document:
    """With the test in the place `at`, or after all others. Raises: Refused."""
    tests = list(document["tests"])
    if at is None:
        tests.append(test)
    else:
        tests[at] = test
    return _read({**document, "tests": tests})


def without_test(document: Mapping[str, Any], at: int) -> Document:
    """Without the test."""
    tests = list(document["tests"])
    del tests[at]
    return _read({**document, "tests": tests})


def with_parts(document: Mapping[str, Any], parts: Mapping[str, Any]) -> Document:
    """With these members in the place of the old; empty lists leave theirs out. Raises: Refused."""
    made = {**document, **parts}
    for name in ("keep", "patterns", "fields"):
        if not made.get(name):
            made.pop(name, None)
    return _read(made)


def _renamed(test: Mapping[str, Any], was: str, now: str | None) -> Document:
    expect = dict(test["expect"])
    for name in ("hits", "misses"):
        if name in expect:
            ids = [now if each == was else each for each in expect[name]]
            expect[name] = [each for each in ids if each is not None]
    return {**test, "expect": expect}


def _read(document: Document) -> Document:
    try:
        Policy.parse(document)
    except PolicyError as error:
        raise Refused(f"{_place(error.pointer, document)}{error.sentence}") from None
    return document


def _place(pointer: str, document: Mapping[str, Any]) -> str:
    """Which rule or test an error speaks of, by its own name."""
    steps = pointer.split("/")[1:]
    if len(steps) > 1 and steps[0] in ("rules", "tests", "patterns") and steps[1].isdecimal():
        rows: Sequence[Mapping[str, Any]] = document[steps[0]]
        return f"{steps[0][:-1].capitalize()} “{rows[int(steps[1])].get('id', '')}”: "
    return ""
