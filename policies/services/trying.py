"""A policy applied to a text that somebody tries; nothing of it is kept."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from countersign.masking.engine import Engine, detector_for
from countersign.masking.keys import FEWEST_SECRET_BYTES, Keys
from countersign.masking.outcomes import FieldSpan, Limits, Outcome
from countersign.masking.tokens import Session
from countersign.rules import Facts, Policy

# A trial is no call: it may wait for a busy portal.
PATIENT = Limits(timeout_ms=10_000)
# A field with more finds than this is listed and not drawn.
MOST_DRAWN = 2_000


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """A stretch of a field's text, and what was found in it (None: nothing)."""

    text: str
    span: FieldSpan | None


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """A field in which something was found; without parts where it stands encoded in the body."""

    path: str
    parts: tuple[Part, ...]


def apply(
    policy: Policy, text: str, *, media_type: str, shape: str | None, facts: Facts
) -> Outcome:
    """What the policy makes of the text, by an engine, a session and keys of this moment alone.

    Not by the engines that are kept: they remember what they have looked at. An empty `media_type`
    is plain text.
    """
    keys = Keys(secrets.token_bytes(FEWEST_SECRET_BYTES), "trial")
    engine = Engine(policy, detector_for(policy), keys=keys, limits=PATIENT)
    session = Session()
    if not media_type:
        return engine.apply_text(text, facts=facts, session=session)
    body = text.encode("utf-8", "surrogatepass")
    return engine.apply(body, media_type=media_type, shape=shape, facts=facts, session=session)


def drawn(text: str, spans: tuple[FieldSpan, ...]) -> list[Field]:
    """Each field with finds, its text cut into parts, in the order of the spans."""
    document = _parsed(text)
    ordered = sorted(spans, key=lambda span: (span.path, span.start))
    fields = []
    for path, group in groupby(ordered, key=lambda span: span.path):
        found = list(group)
        whole = text if not path else _at(document, path)
        whole_fits = whole is not None and found[-1].end <= len(whole) and len(found) <= MOST_DRAWN
        fields.append(Field(path, tuple(_parts(whole, found)) if whole_fits and whole else ()))
    return fields


def _parts(text: str, spans: list[FieldSpan]) -> Iterator[Part]:
    last = 0
    for span in spans:
        if span.start < last:
            continue
        if span.start > last:
            yield Part(text[last : span.start], None)
        yield Part(text[span.start : span.end], span)
        last = span.end
    if last < len(text):
        yield Part(text[last:], None)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _at(document: Any, path: str) -> str | None:
    """The string at a JSON pointer, which may go on into JSON that stands in a string."""
    for step in path.split("/")[1:]:
        if isinstance(document, str):
            document = _parsed(document)
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document if isinstance(document, str) else None
