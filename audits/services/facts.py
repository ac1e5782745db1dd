"""What verdicts rest on, held in memory for as long as the epoch stands.

Every change to the register, to policies, grants or keys raises the epoch in its own transaction,
and a record is stored only under the epoch that stands. So what is held here may be old, and never
does harm: the record is refused, this is renewed, and the verdict is made again.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from django.db import connection
from django.utils import timezone

from policies.gate import CallTerms, ClassTerms, UseTerms, Verdict, decide
from policies.models import Integration
from policies.services.deciding import class_terms, policy_digest
from policies.services.keyring import Caller, KeyFacts, check, find_key
from policies.services.verdicts import for_gate, use_terms_of
from vendors.models.epoch import Epoch
from vendors.posture import ServicePosture
from vendors.services.postures import postures

# Held verdicts, keys and postures; above these the store is emptied rather than let grow.
MAX_VERDICTS = 4096
MAX_KEYS = 4096
MAX_USES = 1024

Decided: TypeAlias = dict[str, Any]
_Question: TypeAlias = tuple[int, dt.date, CallTerms]


@dataclass(slots=True)
class State:
    """All that is known under one epoch; filled as it is asked for."""

    epoch: int
    classes: tuple[ClassTerms, ...]
    policy_digest: str
    keys: dict[str, KeyFacts] = field(default_factory=dict)
    uses: dict[tuple[int, dt.date], tuple[ServicePosture, UseTerms]] = field(default_factory=dict)
    verdicts: dict[_Question, Decided] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def key(self, caller: Caller, *, scope: str, at: dt.datetime) -> KeyFacts:
        """The caller's key, if it opens `scope`. Raises: KeyRefused.

        A key that is not held is looked up, so a new one works at once.
        """
        held = self.keys.get(caller.secret_sha256)
        if held is None:
            held = find_key(caller.secret_sha256)
            if held is not None:
                if len(self.keys) >= MAX_KEYS:
                    self.keys.clear()
                self.keys[caller.secret_sha256] = held
        return check(held, caller, scope=scope, at=at)

    def decide(self, integration_id: int, call: CallTerms, at: dt.datetime) -> Decided:
        """What the gate says of the call, as columns of its record; not to be changed.

        The day is the organization's (TIME_ZONE) at the moment `at`: agreements end with its day,
        not with that of UTC.
        """
        on = timezone.localdate(at)
        use = self.uses.get((integration_id, on)) or self._load_use(integration_id, on)
        if not use[1].known_actors_only:
            # Then the actor decides nothing, and one verdict serves everybody.
            call = replace(call, actor="")
        question = (integration_id, on, call)
        held = self.verdicts.get(question)
        if held is None:
            held = _columns(decide(use[0], use[1], call, on), use[1].terms_digest)
            held["policy_digest"] = self.policy_digest
            if len(self.verdicts) >= MAX_VERDICTS:
                self.verdicts.clear()
            self.verdicts[question] = held
        return held

    def load_uses(self, integration_ids: Collection[int], on: dt.date) -> None:
        """Read all that verdicts on these integrations rest on for a day, in few queries.

        For jobs that record many calls of a day; without it each integration is read by itself.
        """
        found = self._read_uses(integration_ids, on)
        with self.lock:
            self.uses |= {(pk, on): read for pk, read in found.items()}

    def _load_use(self, integration_id: int, on: dt.date) -> tuple[ServicePosture, UseTerms]:
        with self.lock:
            held = self.uses.get((integration_id, on))
            if held is None:
                held = self._read_use(integration_id, on)
                if len(self.uses) >= MAX_USES:
                    self.uses.clear()
                self.uses[integration_id, on] = held
        return held

    def _read_use(self, integration_id: int, on: dt.date) -> tuple[ServicePosture, UseTerms]:
        return self._read_uses([integration_id], on)[integration_id]

    def _read_uses(
        self, integration_ids: Collection[int], on: dt.date
    ) -> dict[int, tuple[ServicePosture, UseTerms]]:
        """At most six queries for any number: uses, grants, services, BAAs, reports, facts."""
        integrations = list(for_gate(Integration.objects.filter(pk__in=integration_ids)))
        terms = use_terms_of(integrations, self.classes)
        found = postures([each.service for each in integrations], on)
        return {i.pk: (found[i.service_id], terms[i.pk]) for i in integrations}


def _columns(verdict: Verdict, terms_digest: str) -> Decided:
    agreement = next((p for p in verdict.papers if p.kind == "agreement"), None)
    report = next((p for p in verdict.papers if p.kind == "report"), None)
    return {
        "decision": verdict.decision,
        "reasons": list(verdict.reasons),
        "warnings": list(verdict.warnings),
        "agreement_id": agreement.ref if agreement else None,
        "baa_reference": agreement.label if agreement else "",
        "report_id": report.ref if report else None,
        "fact_ids": [p.ref for p in verdict.papers if p.kind == "fact"],
        "valid_until": verdict.until,
        "terms_digest": terms_digest,
    }


def _load() -> State:
    # The epoch first: what is read after it is as new or newer, and if newer, no record passes.
    epoch = Epoch.objects.values_list("value", flat=True).get()
    classes = class_terms()
    return State(epoch=epoch, classes=classes, policy_digest=policy_digest(classes))


class Facts:
    """Holder of the state that stands; one for a process, or one for a job of its own."""

    def __init__(self) -> None:
        self._state: State | None = None
        self._lock = threading.Lock()

    def state(self) -> State:
        """The state as it is held; it may be old."""
        return self._state or self.renew(None)

    def renew(self, old: State | None) -> State:
        """A state newer than `old`; threads that ask at once share one load."""
        with self._lock:
            if self._state is None or self._state is old:
                self._state = _load()
            return self._state

    def forget(self) -> None:
        """Hold nothing, as after a start."""
        self._state = None


SHARED = Facts()


def current() -> Facts:
    """The process's holder; inside a transaction a new one.

    What a transaction sees may be rolled back, and its epoch be given again to other changes.
    """
    return Facts() if connection.in_atomic_block else SHARED
