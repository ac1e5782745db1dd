"""The engine: a body and a policy in, the body that may be sent or a refusal out.

It fails closed: whatever goes wrong, no body comes out that was not looked at to its end.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from countersign.detection.detector import Detector, OwnPattern, default_detector
from countersign.detection.hits import KnownValue
from countersign.detection.sweeping import Sweeper
from countersign.masking.keys import Keys, SchemeRefused
from countersign.masking.outcomes import FieldSpan, Limits, Opaque, Outcome, Refusal
from countersign.masking.passing import Pass, Refused
from countersign.masking.scanning import Memory, TimedOut
from countersign.masking.tokens import Session, TooManyTokens
from countersign.rules.facts import Facts
from countersign.rules.policy import Policy
from countersign.shapes.plain import TextDocument
from countersign.shapes.reading import Body, read
from countersign.shapes.slots import Sizes, Unreadable

__all__ = ["Engine", "FieldSpan", "Limits", "Opaque", "Outcome", "Refusal", "engine_for"]

# Something of each sort, of nobody.
_WARMING = (
    "Patient: Alex Example, born May 1, 1980, lives at 12 Main Street, Springfield, IL 62701. "
    "Seen by Dr. Sample, MRN: 00123456, phone 555-010-0199, alex@example.org."
)
# What may go wrong in any part, for a reason that none of them foresaw. Whoever raised it, and
# what it says, stays here: its text may quote what it stumbled over.
_TROUBLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Engine:
    """Applies one policy to bodies. It keeps none of them, and may be shared by threads."""

    def __init__(
        self,
        policy: Policy,
        detector: Detector,
        *,
        limits: Limits | None = None,
        keys: Keys | None = None,
    ) -> None:
        """`limits`: by default those of `Limits`, with the time that the policy gives.

        `keys`: of the tenant, for the schemes that derive tokens from values.
        """
        self.policy = policy
        self.limits = limits or Limits(timeout_ms=policy.defaults.timeout_ms)
        self._detector = detector
        self._keys = keys
        self._memory = Memory()
        self._is_warm = False
        self._warming = threading.Lock()

    def __repr__(self) -> str:
        return f"Engine({self.policy!r})"

    def apply(
        self,
        body: bytes,
        *,
        media_type: str,
        shape: str | None,
        facts: Facts,
        session: Session,
        known: Sequence[KnownValue] = (),
    ) -> Outcome:
        """The body as it may be sent, or the reason why it may not.

        `media_type` as in its header; empty where there is none: then it is told by its beginning.
        `shape` as `countersign.shapes.shape_for` gives it. `facts.direction` says whether it is a
        request or an answer. Never raises for what stands in the body.
        """

        def reading() -> Body:
            if len(body) > self.limits.body_bytes:
                raise Unreadable("too-large")
            return read(body, media_type, shape, self._sizes)

        return self._apply(body, reading, facts, session, known)

    def apply_text(
        self,
        text: str,
        *,
        facts: Facts,
        session: Session,
        known: Sequence[KnownValue] = (),
    ) -> Outcome:
        """The same for one text; `Outcome.body` is UTF-8. JSON that stands in it is looked into."""

        def reading() -> Body:
            if len(text) > self.limits.body_bytes:
                raise Unreadable("too-large")
            return Body(TextDocument(text))

        return self._apply(text.encode("utf-8", "surrogatepass"), reading, facts, session, known)

    def warm(self) -> None:
        """Load lists, patterns and the tagger now: no body's time is to be spent on that."""
        if self._is_warm:
            return
        with self._warming:
            if not self._is_warm:
                self._detector.detect(_WARMING, strict=self.policy.defaults.strict)
                Sweeper([KnownValue("Will Example", "NAME")]).hits(_WARMING)
                self._is_warm = True

    @property
    def _sizes(self) -> Sizes:
        every = self.policy.keep is not None
        return Sizes(nesting=self.limits.nesting, fields=self.limits.fields, every=every)

    def _apply(
        self,
        body: bytes,
        reading: Reading,
        facts: Facts,
        session: Session,
        known: Sequence[KnownValue],
    ) -> Outcome:
        work = Pass(self.policy, self._detector, self._memory, self.limits, self._sizes)
        try:
            self.warm()
            ends_at = time.thread_time() + self.limits.seconds(len(body))
            document = reading()
            work.run(document.document, facts, (session, self._keys), known, ends_at)
            changed = document.render() if work.changed or document.anew else body
            work.check(changed)
        except Unreadable as error:
            return work.refused(error.trouble)
        except TimedOut:
            return work.refused("timed-out")
        except Refused as error:
            return work.refused(error.reason, error.rule_ids)
        except (SchemeRefused, TooManyTokens, *_TROUBLE):
            return work.refused("engine-error")
        return work.outcome(changed)


class Reading(Protocol):
    """Reads a body."""

    def __call__(self) -> Body:
        """Raises: Unreadable."""


_MOST_ENGINES = 64
_engines: OrderedDict[str, Engine] = OrderedDict()
_lock = threading.Lock()


def engine_for(policy: Policy) -> Engine:
    """The engine of a policy, made once for each digest: with the tagger if it is installed.

    Raises: NeedsRe2 where the policy has patterns of an officer's own and google-re2 is absent.
    """
    with _lock:
        engine = _engines.get(policy.digest)
        if engine is None:
            engine = Engine(policy, detector_for(policy))
            _engines[policy.digest] = engine
            if len(_engines) > _MOST_ENGINES:
                _engines.popitem(last=False)
        else:
            _engines.move_to_end(policy.digest)
        return engine


def detector_for(policy: Policy) -> Detector:
    """A detector that also knows the policy's own patterns."""
    shared = default_detector()
    own = [OwnPattern(each.id, each.kind, each.pattern, each.score) for each in policy.patterns]
    return Detector(
        tagger=shared.tagger,
        own=own,
        min_score=policy.defaults.min_score,
        strict=policy.defaults.strict,
    )
