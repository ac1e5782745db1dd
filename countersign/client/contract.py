"""What the portal takes in a call and in its completion: ids, numbers, words of narrow patterns.

The server's structures (audits/bodies.py) say the same, and a test holds the two together. It is
checked here too because what the portal would refuse must not become a line of the journal either:
a text that slipped into a field would then lie on a disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

Check: TypeAlias = Callable[[object], bool]

MAX_COUNT = 2**53 - 1
MAX_MILLISECONDS = 2**31 - 1
PATTERNS = {
    "word": r"^[a-z0-9][a-z0-9_.-]{0,39}\Z",
    "feature": r"^[a-z0-9][a-z0-9_.:-]{0,59}\Z",
    "provider": r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}\Z",
    "region": r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z",
    "model": r"^[A-Za-z0-9][A-Za-z0-9.:/_@-]{0,119}\Z",
    "slug": r"^[a-z0-9][a-z0-9_-]{0,79}\Z",
    "host": r"^(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?\Z",
    "identity": r"^[A-Za-z0-9][A-Za-z0-9@._:+-]{0,119}\Z",
    "digest": r"^(?:hmac-sha256:[A-Za-z0-9_.-]{1,64}|sha256):[0-9a-f]{64}\Z",
    "version": r"^[A-Za-z0-9][A-Za-z0-9._/+:-]{0,79}\Z",
    "error": r"^[A-Za-z_][A-Za-z0-9_.]{0,79}\Z",
    "rule": r"^[a-z0-9][a-z0-9_.:-]{0,59}\Z",
    "uuid": r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z",
    "moment": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})\Z",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}


class Unfit(Exception):
    """A call that the portal would refuse. `field` is the name of a known field; no value."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def _text(name: str) -> Check:
    match = _COMPILED[name].match
    return lambda value: isinstance(value, str) and match(value) is not None


def _words(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def _number(least: int, most: int) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _list(name: str, most: int) -> Check:
    fits = _text(name)
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(fits, value))


_ACTOR: dict[str, Check] = {
    "type": _words("user", "service", "agent", "system"),
    "id": _text("identity"),
}
_COUNT = _number(0, MAX_COUNT)
_MILLISECONDS = _number(0, MAX_MILLISECONDS)
_RULE = _text("rule")


def _actor(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _ACTOR.keys()
        and all(fits(value[name]) for name, fits in _ACTOR.items())
    )


def _masked(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= 64
        and all(_RULE(rule) and _COUNT(count) for rule, count in value.items())
    )


def _usage(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= {"input", "output", "cache", "reasoning"}
        and all(each is None or _COUNT(each) for each in value.values())
    )


REQUIRED = ("call_id", "provider", "operation", "model", "region", "phi_present", "actor")
CALL: Mapping[str, Check] = {
    "call_id": _text("uuid"),
    "provider": _text("provider"),
    "operation": _text("word"),
    "model": _text("model"),
    "region": _text("region"),
    "phi_present": _flag,
    "actor": _actor,
    "integration": _text("slug"),
    "operation_id": _text("uuid"),
    "attempt": _number(1, 1000),
    "endpoint_host": _text("host"),
    "stream": _flag,
    "features": _list("feature", 20),
    "data_classes": _list("slug", 20),
    "session_id": _text("identity"),
    "purpose": _text("word"),
    "input_digest": _text("digest"),
    "sent_digest": _text("digest"),
    "input_bytes": _COUNT,
    "masked": _masked,
    "bundle": _text("version"),
    "mode": _words("strict", "spool", "observe"),
    "enforcement": _words("enforce", "monitor"),
    "started_at": _text("moment"),
    "client": _text("version"),
}
OUTCOMES = ("succeeded", "failed", "timeout", "cancelled", "blocked", "unknown")
COMPLETION: Mapping[str, Check] = {
    "event_id": _text("uuid"),
    "outcome": _words(*OUTCOMES),
    "http_status": _number(100, 599),
    "error": _text("error"),
    "finish_reason": _text("word"),
    "usage": _usage,
    "usage_source": _words("provider", "none", "estimated"),
    "ttfb_ms": _MILLISECONDS,
    "latency_ms": _MILLISECONDS,
    "provider_request_id": _text("identity"),
    "response_model": _text("model"),
    "output_digest": _text("digest"),
    "ended_at": _text("moment"),
}


def fitted_call(body: Mapping[str, object]) -> dict[str, object]:
    """The call as the portal takes it: what is optional and does not fit is left out.

    Raises: Unfit if something required does not fit.
    """
    fitted = _fitted(body, CALL)
    for name in REQUIRED:
        if name not in fitted:
            raise Unfit(name)
    return fitted


def fitted_completion(body: Mapping[str, object], event_id: str) -> dict[str, object]:
    """The completion likewise; how a call ended is never refused.

    `event_id` is taken where the body has none, and `unknown` where its outcome is no known one.
    """
    return {"event_id": event_id, "outcome": "unknown", **_fitted(body, COMPLETION)}


def _fitted(body: Mapping[str, object], checks: Mapping[str, Check]) -> dict[str, object]:
    return {name: body[name] for name, fits in checks.items() if name in body and fits(body[name])}
