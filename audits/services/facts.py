"""What verdicts rest on, held in memory for as long as the epoch stands.

Every change to the register, to policies, grants or keys raises the epoch in its own transaction,
and a record is stored only under the epoch that stands. So what is held here may be old, and never
does harm: the record is refused, this is renewed, and the verdict is made again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from countersign.canonical import canonical
from policies.gate import CallTerms, ClassTerms, UseTerms, Verdict, decide
from policies.models import Integration
from policies.services.bundling import Held, held_of
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
RENEWALS = 5
# Days begin at whole quarters of an hour of UTC in every zone of today.
QUARTER_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict as the record of a call holds it; `sha256` is of all but decision and lists.

    Held and shared by all calls that it is the same for: not to be changed.
    """

    decision: str
    reasons: list[str]
    warnings: list[str]
    agreement_id: int | None
    baa_reference: str
    report_id: int | None
    fact_ids: list[int]
    valid_until: str | None
    terms_digest: str
    policy_digest: str
    sha256: bytes

    def dictionary(self) -> tuple[object, ...]:
        """What the verdict rests on, in the order of the columns of audits_verdict."""
        return (
            self.agreement_id,
            self.baa_reference,
            self.report_id,
            self.fact_ids,
            self.valid_until,
            self.terms_digest,
            self.policy_digest,
        )


_Question: TypeAlias = "tuple[object, ...]"


@lru_cache(maxsize=1024)
def _day(quarter: int, zone: str) -> dt.date:
    return dt.datetime.fromtimestamp(quarter * QUARTER_SECONDS, ZoneInfo(zone)).date()


def day_of(at: dt.datetime) -> dt.date:
    """The organization's day (TIME_ZONE) at the moment `at`."""
    return _day(int(at.timestamp()) // QUARTER_SECONDS, settings.TIME_ZONE)


@dataclass(slots=True)
class State:
    """All that is known under one epoch; filled as it is asked for."""

    epoch: int
    classes: tuple[ClassTerms, ...]
    policy_digest: str
    keys: dict[str, KeyFacts] = field(default_factory=dict)
    uses: dict[tuple[int, dt.date], tuple[ServicePosture, UseTerms]] = field(default_factory=dict)
    # Of those that go by a data policy, which bundles their calls may name.
    bundles: dict[tuple[int, dt.date], Held] = field(default_factory=dict)
    verdicts: dict[_Question, Decided] = field(default_factory=dict)
    # The same by the words of a request, as they came.
    said: dict[_Question, Decided] = field(default_factory=dict)
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

    def holds_key(self, caller: Caller) -> bool:
        """Whether the caller's key is in memory."""
        return caller.secret_sha256 in self.keys

    def holds_use(self, integration_id: int, at: dt.datetime) -> bool:
        """Whether what verdicts on this integration rest on that day is in memory."""
        where = integration_id, day_of(at)
        return where in self.uses and not self._passed(where, at)

    def _passed(self, where: tuple[int, dt.date], at: dt.datetime) -> bool:
        """Whether a version of its rules has begun or ended since it was read."""
        held = self.bundles.get(where)
        return held is not None and held.passed(at)

    def use(self, where: tuple[int, dt.date], at: dt.datetime) -> tuple[ServicePosture, UseTerms]:
        """What verdicts on an integration rest on, read if it is not held.

        `where` is the integration's id and the day of the moment `at`.
        """
        held = self.uses.get(where)
        if held is None or self._passed(where, at):
            held = self._load_use(*where, at)
        return held

    def is_stale(self, bundle: str | None, where: tuple[int, dt.date], begun: dt.datetime) -> bool:
        """Whether a call that was `begun` names no bundle that it may, though it must name one.

        `use` was asked for the same before.
        """
        held = self.bundles.get(where)
        return held is not None and not held.accepts(bundle, begun)

    def decide(self, integration_id: int, call: CallTerms, at: dt.datetime) -> Decided:
        """What the gate says of the call, as its record holds it.

        The day is the organization's (TIME_ZONE) at the moment `at`: agreements end with its day,
        not with that of UTC.
        """
        on = day_of(at)
        use = self.use((integration_id, on), at)
        # If only known actors may call, the grant decides; else one verdict serves everybody.
        grant = use[1].grant_at(call.actor, at) if use[1].known_actors_only else None
        question = (
            integration_id,
            on,
            call.model,
            call.region,
            call.phi_present,
            call.data_classes,
            call.features,
            call.endpoint,
            call.bundle_stale,
            grant.grant_id if grant else None,
        )
        held = self.verdicts.get(question)
        if held is None:
            verdict = decide(use[0], use[1], replace(call, actor="", grant=grant), on)
            held = _decided(verdict, use[1].terms_digest, self.policy_digest)
            if len(self.verdicts) >= MAX_VERDICTS:
                self.verdicts.clear()
            self.verdicts[question] = held
        return held

    def load_uses(
        self, integration_ids: Collection[int], on: dt.date, at: dt.datetime | None = None
    ) -> None:
        """Read all that verdicts on these integrations rest on for a day, in few queries.

        For jobs that record many calls of a day; without it each integration is read by itself.
        Rules are those of the moment `at`, or of the day's beginning.
        """
        at = at or dt.datetime.combine(on, dt.time(), ZoneInfo(settings.TIME_ZONE))
        with self.lock:
            self._read_uses(integration_ids, on, at)

    def _load_use(
        self, integration_id: int, on: dt.date, at: dt.datetime
    ) -> tuple[ServicePosture, UseTerms]:
        where = integration_id, on
        with self.lock:
            if where in self.uses and self._passed(where, at):
                del self.uses[where]
                # They may rest on the rules that have ended.
                self.verdicts.clear()
                self.said.clear()
            if where not in self.uses:
                if len(self.uses) >= MAX_USES:
                    self.uses.clear()
                    self.bundles.clear()
                self._read_uses([integration_id], on, at)
            return self.uses[where]

    def _read_uses(self, integration_ids: Collection[int], on: dt.date, at: dt.datetime) -> None:
        """At most six queries for any number: uses, grants, services, BAAs, reports, facts.

        Where some go by data policies, four more.
        """
        integrations = list(for_gate(Integration.objects.filter(pk__in=integration_ids)))
        uses = use_terms_of(integrations, self.classes, on, for_calls=True)
        found = postures([each.service for each in integrations], on)
        terms = {i.pk: (found[i.service_id], uses[i.pk]) for i in integrations}
        held = held_of(integrations, terms, on=on, at=at)
        # The bundles first: who finds the use finds them too.
        for integration in integrations:
            where = integration.pk, on
            posture, use = terms[integration.pk]
            self.bundles.pop(where, None)
            if integration.pk in held:
                self.bundles[where] = held[integration.pk]
                use = replace(use, rules_claim=held[integration.pk].claim)
            self.uses[where] = (posture, use)


def _decided(verdict: Verdict, terms_digest: str, policy: str) -> Decided:
    agreement = next((p for p in verdict.papers if p.kind == "agreement"), None)
    report = next((p for p in verdict.papers if p.kind == "report"), None)
    rests_on: dict[str, Any] = {
        "agreement_id": agreement.ref if agreement else None,
        "baa_reference": agreement.label if agreement else "",
        "fact_ids": [p.ref for p in verdict.papers if p.kind == "fact"],
        "policy_digest": policy,
        "report_id": report.ref if report else None,
        "terms_digest": terms_digest,
        "valid_until": verdict.until.isoformat() if verdict.until else None,
    }
    return Decided(
        decision=verdict.decision,
        reasons=list(verdict.reasons),
        warnings=list(verdict.warnings),
        sha256=hashlib.sha256(canonical(rests_on)).digest(),
        **rests_on,
    )


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

    def of_epoch(self, epoch: int) -> State:
        """A state of this epoch; a later one if that has passed too."""
        state = self.state()
        # What other threads loaded before may be old as well.
        for _ in range(RENEWALS):
            if state.epoch == epoch:
                break
            state = self.renew(state)
            if state.epoch > epoch:
                break
        return state

    def held(self) -> State | None:
        """The state if there is one in memory."""
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
