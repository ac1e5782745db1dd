"""What an answer says of itself: tokens, why it ended, which model. Content is never kept.

One reader for all providers: the places where they put these are few, and none means two things.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_@-]{0,119}")
_MOST = 2**53 - 1

# Where providers put their counts, and how they call them. The first that is there counts.
_INPUT = ("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens", "inputTokenCount")
_OUTPUT = (
    "completion_tokens",
    "output_tokens",
    "candidatesTokenCount",
    "outputTokens",
    "outputTokenCount",
)
# Each of these is a part of its own: what was read from a cache, and what was written to it.
_CACHE = (
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cachedContentTokenCount",
    "cacheReadInputTokens",
    "cacheWriteInputTokens",
    "cacheReadInputTokenCount",
    "cacheWriteInputTokenCount",
)
_CACHE_DETAILS = ("prompt_tokens_details", "input_tokens_details")
_REASONING_DETAILS = ("completion_tokens_details", "output_tokens_details")

# Events after which nothing of the answer follows.
_LAST_TYPES = frozenset(
    ("message_stop", "message-end", "response.completed", "response.incomplete", "response.failed")
)
_FAILED_TYPES = frozenset(("error", "response.failed"))


# Most events of a stream hold a few letters and nothing else: only those that match are parsed.
_TELLING = re.compile(
    rb'"(?:finish_?|stop_?)[rR]eason"\s*:\s*"|"usage(?:Metadata)?"\s*:\s*\{|"error"|-invocationMetrics"'
    rb'|"type"\s*:\s*"(?:message_stop|message-end|response\.(?:completed|incomplete|failed))"'
)


def _is_usual(payload: bytes) -> bool:
    """Whether this is one of the many events of a chat that `_TELLING` finds nothing in, told by
    simpler means: each reason and usage in it is null, and none of the other words is there.
    """
    return (
        payload.count(b'eason"') == payload.count(b'eason":null')
        and payload.count(b'"usage') == payload.count(b'"usage":null')
        and b'"error"' not in payload
        and b'"type"' not in payload
        and b"-invocationMetrics" not in payload
    )


@dataclass(slots=True)
class Reading:
    """What was found so far. `finished`: the answer was complete; `failed`: it says it is not."""

    usage: dict[str, int] = field(default_factory=dict)
    finish_reason: str | None = None
    model: str | None = None
    finished: bool = False
    failed: bool = False

    def whole(self, body: bytes) -> None:
        """Take in a whole answer; what is not JSON says nothing."""
        self.document(parsed(body))

    def event(self, payload: bytes) -> None:
        """Take in the payload of one event of a stream."""
        if payload[:1] != b"{" and payload.strip() == b"[DONE]":
            self.finished = True
        elif self.model is None or (not _is_usual(payload) and _TELLING.search(payload)):
            self.document(parsed(payload))

    def document(self, document: object) -> None:
        """Take in one object, whole answer or event alike."""
        if isinstance(document, list):  # Gemini without SSE streams one long list
            for item in document:
                if isinstance(item, dict):
                    self.document(item)
            return
        if not isinstance(document, dict):
            return
        kind = document.get("type")
        if isinstance(kind, str):
            self.finished = self.finished or kind in _LAST_TYPES
            self.failed = self.failed or kind in _FAILED_TYPES
        elif isinstance(document.get("error"), Mapping):
            self.failed = True
        for part in _parts(document):
            self._count(part)
            self._name(part)
        self._ended(document)

    def _count(self, part: Mapping[str, Any]) -> None:
        for name in ("usage", "usageMetadata", "amazon-bedrock-invocationMetrics"):
            usage = part.get(name)
            if isinstance(usage, Mapping):
                self.usage.update(counts(usage))

    def _name(self, part: Mapping[str, Any]) -> None:
        for name in ("model", "modelVersion"):
            value = part.get(name)
            if isinstance(value, str) and _MODEL.fullmatch(value):
                self.model = value

    def _ended(self, document: Mapping[str, Any]) -> None:
        reason = _reason(document)
        if reason is not None:
            self.finish_reason = reason
            self.finished = True


def parsed(body: bytes) -> object:
    """The JSON of `body`, or None for what is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def counts(usage: Mapping[str, Any]) -> dict[str, int]:
    """Tokens by the portal's names: input, output, cache, reasoning."""
    tokens = usage.get("tokens")  # Cohere counts what it bills for beside what was used
    if isinstance(tokens, Mapping):
        usage = tokens
    found = {"input": _first(usage, _INPUT), "output": _first(usage, _OUTPUT)}
    cached = [_number(usage.get(name)) for name in _CACHE]
    cached += [_detail(usage, name, "cached_tokens") for name in _CACHE_DETAILS]
    if any(number is not None for number in cached):
        found["cache"] = min(sum(number or 0 for number in cached), _MOST)
    reasoning = [_detail(usage, name, "reasoning_tokens") for name in _REASONING_DETAILS]
    reasoning.append(_number(usage.get("thoughtsTokenCount")))
    found["reasoning"] = next((number for number in reasoning if number is not None), None)
    return {name: number for name, number in found.items() if number is not None}


def _parts(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The object, and those in it that events wrap an answer in.

    Never `metadata`: OpenAI gives back there what the caller wrote.
    """
    wrapped = (document.get(name) for name in ("response", "message", "delta"))
    return [document, *(part for part in wrapped if isinstance(part, Mapping))]


def _reason(document: Mapping[str, Any]) -> str | None:
    """Why the answer ended, as a word."""
    places: list[object] = [document.get(name) for name in ("choices", "candidates")]
    firsts = [place[0] for place in places if isinstance(place, list) and place]
    for part in [*_parts(document), *(first for first in firsts if isinstance(first, Mapping))]:
        for name in ("finish_reason", "stop_reason", "finishReason", "stopReason"):
            value = part.get(name)
            if isinstance(value, str) and _WORD.fullmatch(value.lower()):
                return value.lower()
    return None


def _first(usage: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return next((n for n in (_number(usage.get(name)) for name in names) if n is not None), None)


def _detail(usage: Mapping[str, Any], where: str, name: str) -> int | None:
    details = usage.get(where)
    return _number(details.get(name)) if isinstance(details, Mapping) else None


def _number(value: object) -> int | None:
    """A count; providers send whole numbers also as floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MOST else None
