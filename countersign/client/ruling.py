"""The rules of the bundle in force, applied to what goes out and to what comes back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from countersign.bundles import Bundle
from countersign.client.actors import Scope
from countersign.detection.hits import KnownValue
from countersign.masking.outcomes import Outcome
from countersign.masking.shadowing import differences
from countersign.masking.tokens import Session
from countersign.rules.facts import Facts
from countersign.rules.policy import Policy

if TYPE_CHECKING:
    from countersign.masking.engine import Engine
    from countersign.masking.keys import Keys

# Whose values are replaced: the tokens of a conversation, and what its caller knows.
Voice: TypeAlias = "tuple[Session, tuple[KnownValue, ...]]"
FAILED_SHADOW = {"shadow:failed": 1}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a body is to be read: its content type, and its shape if the address tells one."""

    media_type: str
    shape: str | None


class Rulebook:
    """One bundle's rules."""

    def __init__(self, bundle: Bundle, keys: Keys | None = None) -> None:
        self.bundle = bundle
        self._keys = keys
        self._engines: dict[str, Engine] = {}
        self._last: tuple[tuple[dt.date, str, str, str], Facts] | None = None

    @cached_property
    def reads_answers(self) -> bool:
        """Whether some rule concerns answers, so that they have to be looked through."""
        policy = self.bundle.policy
        return policy is not None and policy.reads_answers

    def facts_for(self, scope: Scope, model: str) -> Facts:
        """What the rules may ask about one call: mostly the same as about the one before."""
        day, role = dt.datetime.now(dt.UTC).date(), scope.role or scope.actor.type
        about = (day, model, role, scope.purpose)
        last = self._last
        if last is None or last[0] != about:
            facts = self.bundle.call_facts(on=day, model=model, role=role, purpose=scope.purpose)
            last = self._last = (about, facts)
        return last[1]

    def request(self, body: bytes, reading: Reading, facts: Facts, voice: Voice) -> Outcome:
        """The outcome of a request's body, with what a policy on trial would have done besides."""
        policy, shadow = self.bundle.policy, self.bundle.shadow
        if policy is None or not body:
            return Outcome(body=body, refusal=None)
        outcome = self._applied(policy, body, reading, facts, voice)
        if shadow is None:
            return outcome
        tried = self._tried(shadow.policy, body, reading, facts, voice)
        return replace(outcome, masked={**outcome.masked, **_differences(outcome, tried)})

    def answer(self, body: bytes, reading: Reading, facts: Facts, voice: Voice) -> Outcome:
        """The outcome of an answer's body."""
        policy = self.bundle.policy
        if policy is None or not body:
            return Outcome(body=body, refusal=None)
        return self._applied(policy, body, reading, replace(facts, direction="response"), voice)

    def _applied(
        self, policy: Policy, body: bytes, reading: Reading, facts: Facts, voice: Voice
    ) -> Outcome:
        session, known = voice
        return self._engine(policy).apply(
            body,
            media_type=reading.media_type,
            shape=reading.shape,
            facts=facts,
            session=session,
            known=known,
        )

    def _tried(
        self, policy: Policy, body: bytes, reading: Reading, facts: Facts, voice: Voice
    ) -> Outcome:
        """What a policy that only runs beside the other makes of it; its tokens lead nowhere."""
        return self._applied(policy, body, reading, facts, (Session(), voice[1]))

    def _engine(self, policy: Policy) -> Engine:
        # The engine brings lists and tables; an integration without rules never needs them.
        from countersign.masking.engine import Engine, detector_for, engine_for  # noqa: PLC0415

        if self._keys is None:
            return engine_for(policy)
        engine = self._engines.get(policy.digest)
        if engine is None:
            engine = Engine(policy, detector_for(policy), keys=self._keys)
            self._engines[policy.digest] = engine
        return engine


def _differences(ours: Outcome, tried: Outcome) -> Mapping[str, int]:
    if tried.refusal is not None and tried.refusal.reason in {"engine-error", "timed-out"}:
        return FAILED_SHADOW
    return differences(ours, tried)
