"""Rules for answers: a whole answer is looked through before its caller sees any of it."""

from __future__ import annotations

import json
from collections import defaultdict

from countersign.client.attempts import Judge
from countersign.client.events import MAX_EVENT, cutter_for, payload_of
from countersign.client.ruling import Reading, Rulebook, Voice
from countersign.client.usage import parsed
from countersign.rules.facts import Facts
from countersign.shapes.protocols import FRAME_WORDS

# Members whose texts come in pieces and belong together, in the streams of all providers.
_SEPARATOR = "/"
_SAY_NOTHING = frozenset((b"", b"null", b"[DONE]"))


def judge_of(book: Rulebook, shape: str | None, facts: Facts, voice: Voice) -> Judge:
    """What looks through one answer's body: the body that may go on, or a refusal's code."""

    def judge(body: bytes, media_type: str) -> bytes | str:
        if cutter_for(media_type) is not None:
            texts = list(assembled(body, media_type).values())
            whole = json.dumps(texts).encode()
            outcome = book.answer(whole, Reading("application/json", None), facts, voice)
            return body if outcome.body == whole else "answer-stream-blocked"
        if not body:
            return body
        outcome = book.answer(body, Reading(media_type, shape), facts, voice)
        return "answer-blocked" if outcome.body is None else outcome.body

    return judge


def assembled(body: bytes, media_type: str) -> dict[str, str]:
    """The texts of a stream of events, the pieces of each put together in their order.

    Words of the protocol are left out: put together they say what nobody said, as the date in a
    model's name does.
    """
    cutter = cutter_for(media_type)
    if cutter is None:
        return {}
    pieces: defaultdict[str, list[str]] = defaultdict(list)
    for event, payload in cutter.feed(body):
        # An event that is too long to be one has no payload, and goes on to the caller too.
        _gather(_document(payload or (event if len(event) > MAX_EVENT else b"")), "", pieces)
    rest = cutter.rest()
    _gather(_document(payload_of(rest) or rest), "", pieces)
    return {path: "".join(found) for path, found in pieces.items()}


def _document(payload: bytes) -> object:
    """The JSON of an event; what is none is a text, for its caller may read it as one."""
    document = parsed(payload)
    if document is None and payload.strip() not in _SAY_NOTHING:
        return payload.decode("utf-8", "replace")
    return document


def _gather(value: object, path: str, pieces: defaultdict[str, list[str]]) -> None:
    """Add each string to those of its path; what has an `index` is told apart by it."""
    waiting = [(value, path)]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, str):
            pieces[path].append(value)
        elif isinstance(value, dict):
            index = value.get("index", value.get("output_index", ""))
            base = f"{path}{_SEPARATOR}{index}" if isinstance(index, int) else path
            children = [
                (each, f"{base}{_SEPARATOR}{name}")
                for name, each in value.items()
                if name not in FRAME_WORDS
            ]
            waiting.extend(reversed(children))
        elif isinstance(value, list):
            waiting.extend((each, path) for each in reversed(value))
