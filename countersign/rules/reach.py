"""Which rules can never matter: no call fits them, or a stricter rule fits whenever they do.

A condition is spread out into its alternatives, each a row of questions that all hold. What an
alternative leaves open of each fact is its domain, and a rule covers another if its condition
follows from every alternative of the other. Where it cannot be told, a rule counts as reachable.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from countersign.rules.actions import STRICTNESS
from countersign.rules.conditions import Ask, Condition, Every, asked, pattern, simplified
from countersign.rules.facts import ABOUT_A_KIND, FACTS, OF_A_FIND
from countersign.rules.reading import Rule

# Beyond so many alternatives a condition is not looked through.
MAX_ALTERNATIVES = 500
GOING_OUT = Ask("direction", "in", ("request", "tool", "log"))


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A rule that never matters; `by` is the rule that stands before it, "" if nothing fits it."""

    rule_id: str
    why: Literal["nothing-fits", "covered"]
    by: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """What an alternative leaves of one fact: the values it may have (None: any), and may not.

    `holds` are the classes that a call must have, where a fact may have more than one value.
    `patterns` are questions with * that must hold too, `least` the least number.
    """

    allowed: frozenset[object] | None = None
    excluded: frozenset[object] = frozenset()
    choices: tuple[frozenset[object], ...] = ()
    patterns: tuple[Ask, ...] = ()
    least: int = 0

    @property
    def empty(self) -> bool:
        if any(choice <= self.excluded for choice in self.choices):
            return True
        if self.allowed is None:
            return False
        return not (self.allowed - self.excluded)


Alternative = dict[str, Domain]


def unreachable(rules: Sequence[Rule]) -> tuple[Unreachable, ...]:
    """Every rule that never matters, in the order of the rules."""
    spread = {rule.id: alternatives(whole(rule)) for rule in rules}
    found = []
    for rule in rules:
        terms = spread[rule.id]
        if terms is None:
            continue
        if not terms:
            found.append(Unreachable(rule.id, "nothing-fits"))
            continue
        for other in rules:
            if stands_before(other, rule) and all(follows(t, whole(other)) for t in terms):
                found.append(Unreachable(rule.id, "covered", other.id))
                break
    return tuple(found)


def whole(rule: Rule) -> Condition:
    """The rule's condition with what is understood: without a direction it is what goes out."""
    if "direction" in asked(rule.when):
        return rule.when
    return Every((rule.when, GOING_OUT))


def stands_before(one: Rule, two: Rule) -> bool:
    """Whether what `two` asks for never counts where `one` matches too."""
    if one.id == two.id or one.expires is not None or not _as_wide(one, two):
        return False
    if _mildest(one) < _strictest(two):
        return True
    same = (one.action, one.scheme) == (two.action, two.scheme)
    first = (-one.priority, one.id) < (-two.priority, two.id)
    tied = one.action == two.action and one.action != "generalize"
    return (same or tied) and first


def _as_wide(one: Rule, two: Rule) -> bool:
    """Whether `one` is asked wherever `two` is: of whole fields rules about paths alone are.

    A forbid that asks nothing of a find refuses the call before any field is looked at.
    """
    about, fields = asked(one.when), dict.fromkeys(OF_A_FIND - {"path"})
    if "path" in about or simplified(two.when, fields) is False:
        return True
    if "path" not in asked(two.when):
        return True
    return one.effect == "forbid" and about.isdisjoint(ABOUT_A_KIND)


def _mildest(rule: Rule) -> int:
    return STRICTNESS[rule.action]


def _strictest(rule: Rule) -> int:
    """Making coarser is masking for kinds that have no coarser form."""
    return STRICTNESS["mask" if rule.action == "generalize" else rule.action]


def alternatives(condition: Condition) -> list[Alternative] | None:
    """The condition's alternatives that something can fit; None if there are too many to tell."""
    rows = _rows(condition)
    if rows is None:
        return None
    found = []
    for row in rows:
        domains: Alternative = {}
        for ask in row:
            domains[ask.fact] = _narrowed(domains.get(ask.fact, Domain()), ask)
        if not any(domain.empty for domain in domains.values()):
            found.append(domains)
    return found


def _rows(condition: Condition) -> list[tuple[Ask, ...]] | None:
    if isinstance(condition, Ask):
        return [(condition,)]
    parts = [_rows(part) for part in condition.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if not isinstance(condition, Every):
        rows = [row for part in known for row in part]
        return rows if len(rows) <= MAX_ALTERNATIVES else None
    count = 1
    for part in known:
        count *= len(part)
        if count > MAX_ALTERNATIVES:
            return None
    return [tuple(itertools.chain(*each)) for each in itertools.product(*known)]


def _narrowed(domain: Domain, ask: Ask) -> Domain:
    form = FACTS[ask.fact]
    if form == "number":
        return Domain(least=max(domain.least, int(ask.values[0])))
    values = frozenset(ask.values)
    allowed, excluded, choices = domain.allowed, domain.excluded, domain.choices
    patterns = domain.patterns
    if form == "words":  # a call has many classes: one does not rule out another
        if ask.operator == "not":
            excluded |= values
        else:
            choices = (*choices, values)
    elif form in ("pattern", "path") and any("*" in str(value) for value in values):
        patterns = (*patterns, ask)
    elif ask.operator == "not":
        excluded |= values
    else:
        allowed = values if allowed is None else allowed & values
    if allowed is not None and patterns:
        allowed = frozenset(v for v in allowed if all(_fits(v, each) for each in patterns))
    return Domain(allowed, excluded, choices, patterns)


def _fits(value: object, ask: Ask) -> bool:
    among = pattern(ask.fact, ask.values).fullmatch(str(value)) is not None
    return among is not (ask.operator == "not")


def follows(alternative: Alternative, condition: Condition) -> bool:
    """Whether the condition holds for everything that the alternative fits."""
    if isinstance(condition, Ask):
        domain = alternative.get(condition.fact)
        return domain is not None and _within(domain, condition)
    answers = (follows(alternative, part) for part in condition.parts)
    return all(answers) if isinstance(condition, Every) else any(answers)


def _within(domain: Domain, ask: Ask) -> bool:
    form = FACTS[ask.fact]
    if form == "number":
        return domain.least >= int(ask.values[0])
    values = frozenset(ask.values)
    if form == "words":
        if ask.operator == "not":
            return values <= domain.excluded
        return any(choice <= values for choice in domain.choices)
    if domain.allowed is not None:
        return all(_fits_plain(v, ask) for v in domain.allowed - domain.excluded)
    without = ask.operator == "not" and form == "word" and values <= domain.excluded
    return without or ask in domain.patterns


def _fits_plain(value: object, ask: Ask) -> bool:
    if FACTS[ask.fact] in ("pattern", "path"):
        return _fits(value, ask)
    return (value in ask.values) is not (ask.operator == "not")
