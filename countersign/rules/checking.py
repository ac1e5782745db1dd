"""Whether a policy may be saved: its form, its tests through the engine, its rules each of use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from countersign.canonical import Json
from countersign.detection.own import BadPattern, NeedsRe2
from countersign.masking.keys import FEWEST_SECRET_BYTES, Keys
from countersign.masking.outcomes import Limits, Outcome
from countersign.masking.tokens import Session
from countersign.rules.claims import Claim, claim
from countersign.rules.facts import NO_FIND, Facts, Find
from countersign.rules.policy import Policy
from countersign.rules.reach import Unreachable, unreachable
from countersign.rules.reading import PolicyError
from countersign.rules.testing import PolicyTest

# A test is not a call: the first one may have to read models and lists.
LIMITS = Limits(timeout_ms=10_000)


class Runs(Protocol):
    """What a test is run through: the engine."""

    def apply(
        self, body: bytes, *, media_type: str, shape: str | None, facts: Facts, session: Session
    ) -> Outcome: ...
    def apply_text(self, text: str, *, facts: Facts, session: Session) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Ran:
    """How a test went: what did not come out as it says. Holds nothing of the test's text.

    `failures` are sentences; `matched` are the rules that matched anything in it.
    """

    test_id: str
    failures: tuple[str, ...]
    matched: frozenset[str]
    reason: str = ""

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True)
class Untested:
    """A forbid without a test that names it in `hits`, or without one that does in `misses`."""

    rule_id: str
    hit: bool
    miss: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """All that stands against saving a policy. `policy` is None where the form is wrong."""

    policy: Policy | None
    errors: tuple[tuple[str, str], ...] = ()
    ran: tuple[Ran, ...] = ()
    untested: tuple[Untested, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    claim: Claim | None = field(default=None)

    @property
    def ready(self) -> bool:
        """Whether it may be submitted."""
        return (
            self.policy is not None
            and not self.errors
            and not self.untested
            and not self.unreachable
            and all(each.passed for each in self.ran)
        )


def check(document: Mapping[str, Json], *, runs: Callable[[Policy], Runs] | None = None) -> Checked:
    """Everything that is wrong with a policy's document, all at once. Never raises for it.

    `runs` gives what the tests go through; by default the engine.
    """
    try:
        policy = Policy.parse(document)
    except PolicyError as error:
        return Checked(None, errors=((error.pointer, error.sentence),))
    try:
        engine = (runs or engine_of)(policy)
    except (BadPattern, NeedsRe2) as error:
        return Checked(None, errors=(("/patterns", str(error)),))
    return Checked(
        policy,
        ran=tuple(run(policy, test, engine) for test in policy.tests),
        untested=tuple(untested(policy)),
        unreachable=unreachable(policy.rules),
        claim=claim(policy),
    )


def engine_of(policy: Policy) -> Runs:
    """An engine that takes its time. Raises: BadPattern, NeedsRe2."""
    # The rules alone need no engine, with the lists and the model that it reads.
    from countersign.masking.engine import Engine, detector_for  # noqa: PLC0415

    # Keys of this moment: a test of a keyed scheme asks what goes out, not which code it is.
    keys = Keys(secrets.token_bytes(FEWEST_SECRET_BYTES), "test")
    return Engine(policy, detector_for(policy), limits=LIMITS, keys=keys)


def untested(policy: Policy) -> Iterable[Untested]:
    """Every forbid that lacks a test in which it hits, or one in which it does not."""
    hits = {rule_id for test in policy.tests for rule_id in test.hits}
    misses = {rule_id for test in policy.tests for rule_id in test.misses}
    for rule in policy.rules:
        if rule.effect == "forbid" and not (rule.id in hits and rule.id in misses):
            yield Untested(rule.id, hit=rule.id in hits, miss=rule.id in misses)


def run(policy: Policy, test: PolicyTest, engine: Runs) -> Ran:
    """Put one test through the engine."""
    if test.media_type == "text/plain" and not test.shape:
        outcome = engine.apply_text(test.text, facts=test.facts, session=Session())
    else:
        outcome = engine.apply(
            test.text.encode(),
            media_type=test.media_type,
            shape=test.shape or None,
            facts=test.facts,
            session=Session(),
        )
    matched = matched_in(policy, test.facts, outcome)
    reason = outcome.refusal.reason if outcome.refusal else ""
    return Ran(test.id, tuple(_failures(test, outcome, matched)), matched, reason)


def matched_in(policy: Policy, facts: Facts, outcome: Outcome) -> frozenset[str]:
    """Every rule that matched the call, or a find in it, whatever came of that."""
    found = set(policy.matching(facts, NO_FIND))
    found |= set(policy.decide_call(facts, outcome.counts).rule_ids)
    for span in outcome.spans:
        found.add(span.rule)
        find = Find(kind=span.kind, path=span.path, count=outcome.counts.get(span.kind))
        found |= set(policy.matching(facts, find))
    if outcome.refusal:
        found |= set(outcome.refusal.rule_ids)
    return frozenset(found & {rule.id for rule in policy.rules})


def _failures(test: PolicyTest, outcome: Outcome, matched: frozenset[str]) -> Iterable[str]:
    if test.blocked is outcome.ok:
        yield "It was sent." if outcome.ok else "It was blocked."
    yield from (f"The rule {each} did not match." for each in test.hits if each not in matched)
    yield from (f"The rule {each} matched." for each in test.misses if each in matched)
    if outcome.ok:
        yield from _texts(test, (outcome.body or b"").decode("utf-8", "replace"))


def _texts(test: PolicyTest, sent: str) -> Iterable[str]:
    """By their place in the test: what they say is not repeated."""
    for number, text in enumerate(test.absent, start=1):
        if text in sent:
            yield f"Text {number} of those that must not go out went out."
    for number, text in enumerate(test.present, start=1):
        if text not in sent:
            yield f"Text {number} of those that must go out did not."
