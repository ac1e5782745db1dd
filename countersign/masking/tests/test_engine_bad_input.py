"""Hostile and broken bodies: a clear refusal, in time, and never an unmasked body."""

import base64
import json
import sys
import time
from dataclasses import dataclass

import pytest

from countersign.detection import detector
from countersign.detection.detector import Detector
from countersign.detection.patterns import Lazy
from countersign.masking import encodings, expanding, scanning
from countersign.masking.engine import Engine, Limits
from countersign.masking.tests.applying import PATIENT, STARTER, apply, engine
from countersign.masking.tests.hostile import HOSTILE

SSN = "SSN 123-45-6789"


@pytest.mark.parametrize(
    ("body", "media", "reason"),
    [
        (b"{", "application/json", "not-json"),
        (b"", "application/json", "not-json"),
        (b'{"a": NaN}', "application/json", "not-json"),
        (b'{"a": 1e999}', "application/json", None),
        (b'{"a": "\xff"}', "application/json", "not-text"),
        ('{"a": 1}'.encode("utf-16"), "application/json", "not-text"),
        (b'{"a": 1}', "application/json; charset=utf-16", "not-text"),
        (b"[" * 500 + b"]" * 500, "application/json", "nested-too-deep"),
        (b"[" * 200_000, "application/json", "nested-too-deep"),
        (b'{"a":' * 100_000, "application/json", "nested-too-deep"),
        (b"<a><b></a>", "application/xml", "not-xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "application/xml", "not-xml"),
        (b"<a>" * 5000 + b"</a>" * 5000, "application/xml", "nested-too-deep"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "text/xml", "not-xml"),
        (b"--x\r\n\r\nhello", "multipart/form-data; boundary=x", "not-readable"),
        (b"hello", "multipart/form-data", "not-readable"),
        (b"PID|1", "application/hl7-v2", "not-readable"),
        (b"\xff\xfe\x00", "text/plain", "not-text"),
        (SSN.encode("utf-16-le"), "text/plain", "not-text"),
        (SSN.encode("utf-32-be"), 'text/plain; charset ="utf-32be"', "not-text"),
        (f"q={SSN}".encode("utf-16-be"), "application/x-www-form-urlencoded", "not-text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "image/png", "opaque-content"),
        (b"%PDF-1.7 text", "application/json", "opaque-content"),
        (b'{"a": 1}\n{"a"', "application/jsonl", "not-json"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(body, media, reason):
    outcome = apply(body, media=media)
    assert outcome.refusal is None if reason is None else outcome.refusal.reason == reason
    assert outcome.ok is (outcome.body is not None)


def test_a_body_above_the_limit_is_refused_at_once():
    body = b'{"a": "' + b"x" * (20 * 1024 * 1024) + b'"}'
    # Of the CPU: a machine with much else to do takes longer by the clock.
    started = time.process_time()
    assert apply(body).refusal.reason == "too-large"
    assert time.process_time() - started < 1


def test_too_much_text_is_refused():
    small = engine(limits=Limits(text_characters=1000, timeout_ms=60_000))
    assert apply({"a": "b " * 600}, by=small).refusal.reason == "too-large"


def test_too_many_fields_are_refused():
    small = engine(limits=Limits(fields=100, timeout_ms=60_000))
    assert apply(["word"] * 200, by=small).refusal.reason == "too-large"


def test_base64_in_base64_has_an_end():
    text = f"here it is: {SSN}"
    for depth in range(6):
        outcome = apply({"a": text})
        if depth <= 3:
            assert outcome.ok
            assert SSN.encode() not in outcome.body
        else:
            assert outcome.refusal.reason == "nested-too-deep"
        text = base64.b64encode(text.encode()).decode()


def test_more_base64_than_the_limit_is_refused():
    small = engine(limits=Limits(decoded_bytes=1000, timeout_ms=60_000))
    text = base64.b64encode(b"lorem ipsum dolor " * 100).decode()
    assert apply({"a": text}, by=small).refusal.reason == "too-large"


def test_time_is_looked_at():
    hurried = engine(limits=Limits(timeout_ms=0))
    assert apply({"a": SSN}, by=hurried).refusal.reason == "timed-out"


def test_a_larger_body_has_more_time_up_to_a_limit():
    seconds = Limits(timeout_ms=250).seconds
    assert [seconds(0), seconds(32 * 1024), seconds(128 * 1024)] == [0.25, 0.25, 1.0]
    assert seconds(16 * 1024 * 1024) == 10


class Broken(Detector):
    """Fails, and its error quotes what it read, as errors of parsers do."""

    def detect(self, text, **_):
        raise ValueError(f"cannot read {text}")


def test_an_error_inside_refuses_and_quotes_nothing(caplog, capsys):
    outcome = apply({"a": SSN}, by=Engine(STARTER, Broken(), limits=PATIENT))
    assert outcome.body is None
    assert outcome.refusal.reason == "engine-error"
    assert "45-6789" not in repr(outcome) + caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:6]))
def test_hostile_text_takes_work_that_grows_with_its_length(text, monkeypatch):
    """Counted, not timed, so that it is the same on a busy machine: calls, of Python's functions
    and of C's, and characters that the steps are given. `benchmarks/detection.py` times it.
    """
    by = engine(limits=PATIENT)
    apply({"a": "warm up"}, by=by)
    quarter, full = (work(by, json.dumps({"a": text[:size]}), monkeypatch) for size in sizes(text))
    # Four times the text. The rest is for pieces that overlap, and for one more look at what
    # replacements made, of which there are at most three; a square would be 16.
    assert full.calls < 6 * quarter.calls + 2000
    assert full.characters < 6 * quarter.characters + 2000


def sizes(text):
    return len(text) // 4, len(text)


@dataclass
class Work:
    calls: int = 0
    characters: int = 0

    def note(self, _frame, event, _what):
        self.calls += event in ("call", "c_call")

    def counting(self, step):
        """The step, whose first text or bytes is counted."""

        def counted(*args, **named):
            given = next(each for each in args if isinstance(each, str | bytes))
            self.characters += len(given)
            return step(*args, **named)

        return counted


# Whoever reads a whole text, piece by piece or at once, does it by one of these.
STEPS = [
    (detector, "normalised"),
    (encodings, "embedded"),
    (encodings, "read_text"),
    (expanding, "segments"),
    (scanning, "views"),
    (scanning.Memory, "key"),
    (Detector, "detect"),
    (Lazy, "finditer"),
    (Lazy, "parts"),
    (Lazy, "sub"),
]


def work(by, body, monkeypatch) -> Work:
    """What the engine does for a body."""
    done = Work()
    with monkeypatch.context() as patch:
        for where, name in STEPS:
            patch.setattr(where, name, done.counting(getattr(where, name)))
        before = sys.getprofile()
        sys.setprofile(done.note)
        try:
            outcome = apply(body, by=by)
        finally:
            sys.setprofile(before)
    assert outcome.ok or outcome.refusal.reason in (
        "nested-too-deep",
        "opaque-content",
        "too-large",
        "blocked-by-rule",
    )
    return done


def test_a_lone_surrogate_stays_where_it_was():
    outcome = apply(b'{"a": "\\ud800 SSN 123-45-6789"}')
    assert outcome.ok
    assert outcome.body.startswith(b'{"a":"\\ud800 SSN [[SSN_')
