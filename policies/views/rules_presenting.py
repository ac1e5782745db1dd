"""Data policies as people read them: rules in sentences, actions with a colour and a word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.detection.kinds import KINDS
from countersign.masking.shadowing import BLOCKED, FAILED, LET_THROUGH, MILDER, SAME, STRICTER
from countersign.rules.checking import Checked, Ran
from countersign.rules.facts import FACTS
from policies.forms.conditions import FACT_NAMES
from policies.forms.policies import OPAQUE, UNMATCHED
from policies.forms.rules import HAPPENS, happens

# Pill and word of what happens, by action.
ACTION_PILLS = {
    "block": ("bad", "Blocks the call", "ban"),
    "drop": ("soon", "Drops", "trash"),
    "mask": ("ok", "Masks", "eye-off"),
    "hash": ("info", "Hashes", "hash"),
    "tokenize": ("ok", "Token", "tag"),
    "generalize": ("ok", "General form", "adjustments"),
    "allow": ("soon", "Lets pass", "lock-open"),
}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as a row: `number` is its place in the document, `missed` that nothing reaches it."""

    number: int
    id: str
    pill: tuple[str, str, str]
    happens: str
    when: tuple[str, ...]
    reason: str
    priority: int
    expires: dt.date | None
    justification: str
    missed: bool = False


def rule_lines(
    document: Mapping[str, Any], unreachable: frozenset[str] = frozenset()
) -> list[RuleLine]:
    """The rules, strictest first; their order decides nothing."""
    order = list(HAPPENS.values())
    lines = [
        _line(number, rule, missed=rule["id"] in unreachable)
        for number, rule in enumerate(document["rules"])
    ]
    return sorted(lines, key=lambda line: (order.index(line.happens), -line.priority, line.id))


def _line(number: int, rule: Mapping[str, Any], *, missed: bool) -> RuleLine:
    key, then = happens(rule), rule["then"]
    expires = then.get("expires")
    return RuleLine(
        number,
        rule["id"],
        ACTION_PILLS[key.partition(":")[0]],
        HAPPENS[key],
        when_lines(rule["when"]),
        then.get("reason", ""),
        rule["priority"],
        dt.date.fromisoformat(expires) if expires else None,
        then.get("justification", ""),
        missed,
    )


def when_lines(when: Mapping[str, Any]) -> tuple[str, ...]:
    """A condition as sentences that must all hold."""
    if "all" in when:
        return tuple(_words(part) for part in when["all"]) or ("always",)
    return (_words(when),)


def _words(when: Mapping[str, Any]) -> str:
    if "any" in when:
        return " or ".join(_nested(part) for part in when["any"])
    if "all" in when:
        return " and ".join(_nested(part) for part in when["all"]) or "always"
    fact = when["fact"]
    name = FACT_NAMES[fact]
    if ">=" in when:
        return f"{name}: at least {when['>=']}"
    if FACTS[fact] == "flag":
        return name if when["equals"] else f"{name}: no"
    negative = "not" in when
    values = when["not"] if negative else when.get("in", when.get("equals"))
    values = [values] if isinstance(values, str) else list(values)
    return f"{name} {'is not' if negative else 'is'} {_several(fact, values)}"


def _nested(when: Mapping[str, Any]) -> str:
    return _words(when) if "fact" in when else f"({_words(when)})"


def _several(fact: str, values: list[str]) -> str:
    if fact == "kind":
        identifiers = {kind.name for kind in KINDS.values() if kind.letter}
        if identifiers <= set(values):
            rest = [KINDS[v].title if v in KINDS else v for v in values if v not in identifiers]
            return ", ".join(["any identifier of Safe Harbor", *rest])
        values = [KINDS[value].title if value in KINDS else value for value in values]
    return " or ".join([", ".join(values[:-1]), values[-1]]) if len(values) > 1 else values[0]


def default_lines(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What holds where no rule speaks, as label and words."""
    defaults = document["defaults"]
    lines = [
        ("Found, and no rule names it", UNMATCHED[defaults["unmatched"]]),
        ("Images, sound, PDF", OPAQUE[defaults["opaque"]]),
        ("On any error, or out of time", "Block the call"),
        ("A find counts from", f"{defaults['min_score']} % certainty"),
        ("Time for a body", f"{defaults.get('timeout_ms', 250)} ms"),
        ("Strict", "Words of no vocabulary are masked" if defaults.get("strict") else "No"),
    ]
    if document.get("keep"):
        lines.append(("Fields that alone go out", ", ".join(document["keep"])))
    return lines


# What a version does otherwise than the one in force, by the ids of countersign.masking.shadowing.
SHADOW_WORDS = {
    SAME: "the same",
    STRICTER: "stricter",
    MILDER: "milder",
    BLOCKED: "sent now, and would be blocked",
    LET_THROUGH: "blocked now, and would be sent",
    FAILED: "not looked through",
}
# Why the engine refuses a body, in words for who tries one.
REFUSALS = {
    "not-json": "It is said to be JSON and is not.",
    "not-xml": "It is said to be XML and is not, or declares entities.",
    "not-text": "It holds bytes that are no UTF-8 text.",
    "not-readable": "It does not have the form that it is said to have.",
    "unknown-media-type": "Its form is not known, so it cannot be looked through.",
    "too-large": "It is larger than what is looked through.",
    "nested-too-deep": "It is nested deeper than what is looked through.",
    "timed-out": "Looking through it took longer than the policy allows.",
    "opaque-content": "It holds a part that nobody can read here, such as an image.",
    "blocked-by-rule": "A rule blocks it.",
    "left-after-masking": "Looked at once more, what would leave still held what may not.",
    "engine-error": "It could not be looked through to its end, so nothing leaves.",
}


@dataclass(frozen=True, slots=True)
class TestLine:
    """A test as a row; `passed` is None where it was not run."""

    __test__ = False

    number: int
    id: str
    expects: str
    passed: bool | None
    failures: tuple[str, ...]


def lines_of_tests(document: Mapping[str, Any], ran: Sequence[Ran] = ()) -> list[TestLine]:
    """The tests in their order, with how each went."""
    went = {each.test_id: each for each in ran}
    lines = []
    for number, test in enumerate(document["tests"]):
        how = went.get(test["id"])
        passed, failures = (how.passed, how.failures) if how else (None, ())
        lines.append(TestLine(number, test["id"], words_of_test(test), passed, failures))
    return lines


def words_of_test(test: Mapping[str, Any]) -> str:
    """What must come of a test, in a sentence."""
    expect = test["expect"]
    words = ["is blocked" if expect["decision"] == "block" else "is sent"]
    if expect.get("hits"):
        words.append(f"{', '.join(expect['hits'])} must match")
    if expect.get("misses"):
        words.append(f"{', '.join(expect['misses'])} must not")
    if expect.get("absent"):
        number = len(expect["absent"])
        words.append(f"{number} text{'' if number == 1 else 's'} must be gone")
    if expect.get("present"):
        words.append(f"{len(expect['present'])} must be left")
    return "; ".join(words)


def check_lines(found: Checked) -> list[str]:
    """What stands against submitting a draft, in sentences."""
    lines = [sentence for _, sentence in found.errors]
    failed = [each.test_id for each in found.ran if not each.passed]
    if failed:
        lines.append(f"These tests fail: {', '.join(failed)}.")
    for each in found.untested:
        needs = [
            *([] if each.hit else ["one that it matches"]),
            *([] if each.miss else ["one that it does not match"]),
        ]
        lines.append(f"The rule {each.rule_id} blocks and needs a test: {' and '.join(needs)}.")
    for rule in found.unreachable:
        why = f"{rule.by} stands before it" if rule.by else "nothing can fit it"
        lines.append(f"The rule {rule.rule_id} is never reached: {why}.")
    return lines
