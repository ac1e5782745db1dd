"""Where each attempt begins: rules applied, record made, and only then a request to be sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from countersign.bundles import Bundle
from countersign.client.actors import Known, Scope, Scopes, known_values
from countersign.client.asking import MAX_BODY, Asked, Described, described
from countersign.client.attempts import Attempt, Judge, Sent
from countersign.client.ids import uuid7
from countersign.client.judging import judge_of
from countersign.client.operations import Operations, Place
from countersign.client.recording import Recorder, Stop, Terms
from countersign.client.refusals import Refusal, refusal
from countersign.client.ruling import Reading, Rulebook, Voice
from countersign.client.usage import parsed
from countersign.masking.keys import Keys
from countersign.masking.outcomes import Outcome
from countersign.rules.facts import Facts

# Without rules a body is only hashed, so a larger one may pass.
MAX_UNRULED = 512 * 1024 * 1024
# OpenAI says what a streamed answer used only if asked; so do those that took over its API.
_ASKED_FOR_USAGE = frozenset(("openai.chat", "openai.completions"))
# Mistral took over OpenAI's API without that question, and counts unasked.
COUNTS_UNASKED = "mistral_ai"
# Azure refuses the question in versions of its API before this one.
_AZURE_KNOWS_USAGE = "2024-09-01"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What would be sent, and whether it may be."""

    outcome: Outcome
    body: bytes
    strips: bool
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class _Case:
    """One attempt being begun."""

    asked: Asked
    scope: Scope
    terms: Terms
    book: Rulebook
    about: Described
    facts: Facts
    voice: Voice
    document: object
    digest: str
    place: Place
    call_id: str

    @property
    def key(self) -> tuple[str, ...]:
        """What a retry has in common with the attempt before it."""
        return _key(self.asked, self.scope, self.digest)


class Desk:
    """Begins attempts for one portal. May be used from many threads."""

    def __init__(self, recorder: Recorder, scopes: Scopes, known: Known) -> None:
        settings = recorder.settings
        self.recorder = recorder
        self.scopes = scopes
        self._key = settings.digest_key()
        secret = settings.token_key
        self._tenant = None if secret is None else Keys(secret, urlsplit(settings.url).netloc)
        self._known = known_values(known)
        self._operations = Operations()
        self._book: Rulebook | None = None

    def is_ready(self) -> bool:
        """Whether what is said here comes from memory, without waiting for the portal."""
        return self.recorder.is_ready()

    def get_ready(self) -> None:
        """Ask the portal for what holds, if nobody has yet. Blocks."""
        self.recorder.terms()

    def most_bytes(self) -> int:
        """How large a body may be that is read before it is sent."""
        bundle = self.recorder.terms().bundle
        return MAX_UNRULED if bundle is not None and bundle.policy is None else MAX_BODY

    def bypassing(self) -> Refusal | None:
        """What to say of a connection that no rule and no record can follow; None: let it pass."""
        terms = self.recorder.terms()
        if terms.mode == "strict" and terms.enforcement == "enforce":
            return refusal("not-http")
        return None

    def ask(self, asked: Asked) -> Attempt | Refusal:
        """As `begin`, for whoever is behind the call in the present context."""
        return self.begin(asked, *self.caller())

    def caller(self) -> tuple[Scope, Voice]:
        """Who is behind the call that is being made in this context."""
        scope = self.scopes.current()
        return scope, (self.scopes.session(scope), scope.known)

    def begin(
        self, asked: Asked, scope: Scope, voice: Voice, about: Described | None = None
    ) -> Attempt | Refusal:
        """Apply the rules and make the record. Returns: the attempt, or why nothing was begun.

        `about` says what is asked for where the request itself does not. An attempt that came
        back with a `refusal` is completed already. Blocks for as long as the portal takes to
        answer.
        """
        terms = self.recorder.terms()
        if terms.bundle is None:
            return _stopped(terms.stop)
        case = self._case((asked, about), scope, voice, terms.bundle, terms)
        prepared = self._prepared(case) if terms.stop is None else _unruled(asked)
        answer = self.recorder.call(self._call_body(case, prepared), terms)
        watches = terms.enforcement == "monitor"
        if isinstance(answer, Stop) and not (watches and answer.code == "denied"):
            return _stopped(answer)
        attempt = Attempt(
            self.recorder,
            self._sent(case, prepared, getattr(answer, "lease_s", None)),
            body=prepared.body if prepared.body != asked.body else None,
        )
        if prepared.refusal is not None:
            attempt.blocked(prepared.refusal)
        return attempt

    def _case(
        self,
        request: tuple[Asked, Described | None],
        scope: Scope,
        voice: Voice,
        bundle: Bundle,
        terms: Terms,
    ) -> _Case:
        asked, about = request
        book = self._book
        if book is None or book.bundle is not bundle:
            book = self._book = Rulebook(bundle, self._tenant)
        document = parsed(asked.body) if about is None and "json" in asked.read_as.lower() else None
        about = about or described(asked, document)
        digest = self._key.digest(asked.body)
        return _Case(
            asked=asked,
            scope=scope,
            terms=terms,
            book=book,
            about=about,
            facts=book.facts_for(scope, about.model),
            voice=(voice[0], (*self._known, *voice[1])),
            document=document,
            digest=digest,
            place=self._operations.join(_key(asked, scope, digest), asked.retry),
            call_id=uuid7(),
        )

    def _prepared(self, case: _Case) -> Prepared:
        """Apply the rules; what only watches changes nothing."""
        asked, watches = case.asked, case.terms.enforcement == "monitor"
        if asked.problem is not None:
            goes_on = watches and not asked.lost
            no = None if goes_on else refusal(asked.problem, call_id=case.call_id)
            return replace(_unruled(asked), refusal=no)
        reading = Reading(asked.read_as, asked.shape)
        outcome = case.book.request(asked.body, reading, case.facts, case.voice)
        body = asked.body
        if not watches and outcome.body is not None:
            body = outcome.body
        strips = False
        if not asked.fixed and case.book.bundle.terms.provider != COUNTS_UNASKED:
            document = case.document if body is asked.body else parsed(body)
            if _may_ask(asked) and case.about.stream:
                body, strips = _asking_for_usage(body, document)
        no = None
        if outcome.refusal is not None and not watches:
            found = outcome.refusal
            no = refusal(found.reason, call_id=case.call_id, rules=found.rule_ids)
        elif asked.fixed and body != asked.body:
            no = refusal("signed-body", call_id=case.call_id)
        return Prepared(outcome, body, strips, no)

    def _call_body(self, case: _Case, prepared: Prepared) -> dict[str, Any]:
        """The record of the call, as audits/bodies.py reads it."""
        asked, scope, about = case.asked, case.scope, case.about
        service = case.book.bundle.terms
        sent = prepared.refusal is None and asked.problem is None
        body = {
            "call_id": case.call_id,
            "operation_id": case.place.operation_id,
            "attempt": case.place.attempt,
            "provider": about.provider or service.provider or "unknown",
            "operation": about.operation,
            "model": about.model,
            "region": service.region or "unknown",
            "phi_present": service.phi,
            "actor": {"type": scope.actor.type, "id": scope.actor.id},
            "endpoint_host": about.endpoint_host,
            "stream": about.stream,
            "features": list(about.features),
            "data_classes": list(service.data_classes),
            "session_id": scope.session_id or None,
            "purpose": scope.purpose or None,
            "input_digest": None if asked.problem else case.digest,
            "sent_digest": self._sent_digest(case, prepared) if sent else None,
            "input_bytes": None if asked.problem else len(asked.body),
            "masked": dict(prepared.outcome.masked),
            "bundle": case.book.bundle.id,
            "mode": case.terms.mode,
            "enforcement": case.terms.enforcement,
        }
        return {name: value for name, value in body.items() if value is not None}

    def _sent(self, case: _Case, prepared: Prepared, lease_s: float | None) -> Sent:
        judge: Judge | None = None
        if case.book.reads_answers and case.terms.enforcement == "enforce":
            judge = judge_of(case.book, case.asked.shape, case.facts, case.voice)
        return Sent(
            call_id=case.call_id,
            shape=case.asked.shape,
            lease_s=lease_s,
            strips=prepared.strips,
            key=self._key,
            failed=_telling(self._operations, case.key, case.place),
            judge=judge,
            fixed=case.asked.fixed,
        )

    def _sent_digest(self, case: _Case, prepared: Prepared) -> str:
        same = prepared.body is case.asked.body
        return case.digest if same else self._key.digest(prepared.body)


def _key(asked: Asked, scope: Scope, digest: str) -> tuple[str, ...]:
    actor = f"{scope.actor.type}:{scope.actor.id}"
    return (actor, asked.method, asked.host, asked.target, digest)


def _unruled(asked: Asked) -> Prepared:
    """No rule was applied, for the body could not be read or the call stops in any case."""
    return Prepared(Outcome(body=None, refusal=None), asked.body, strips=False, refusal=None)


def _telling(operations: Operations, key: tuple[str, ...], place: Place) -> Callable[[], None]:
    return lambda: operations.failed(key, place)


def _stopped(stop: Stop | None) -> Refusal:
    """Why the recorder lets nothing go on. Only what may be better in a moment is worth a retry."""
    if stop is None:
        return Refusal(503, ("no-bundle",), ("No signed bundle was fetched yet.",), retry=True)
    if stop.code != "denied" or not stop.reasons:
        later = stop.status >= 500
        return Refusal(stop.status, (stop.code,), (stop.sentence,), stop.call_id, retry=later)
    codes = tuple(reason.code for reason in stop.reasons)
    sentences = tuple(reason.sentence for reason in stop.reasons)
    return Refusal(stop.status, codes, sentences, stop.call_id)


def _asking_for_usage(body: bytes, document: object) -> tuple[bytes, bool]:
    """Ask for the usage of a streamed answer where only that brings it; `document` is the body's.

    Returns: the body, and whether the chunk that comes of it is to be kept from the caller.
    """
    if not isinstance(document, dict) or not document:
        return body, False
    if "stream_options" not in document and b"\0" not in body[:4]:
        # Added at the end: all other bytes of the body stay what they were.
        return body.rstrip()[:-1] + b',"stream_options":{"include_usage":true}}', True
    options = document.get("stream_options") or {}
    if not isinstance(options, dict) or options.get("include_usage") is not None:
        return body, False
    asked = {**document, "stream_options": {**options, "include_usage": True}}
    return json.dumps(asked, separators=(",", ":")).encode(), True


def _may_ask(asked: Asked) -> bool:
    version = asked.target.partition("api-version=")[2][:10]
    knows = not version[:4].isdigit() or version >= _AZURE_KNOWS_USAGE
    return knows and asked.shape in _ASKED_FOR_USAGE
