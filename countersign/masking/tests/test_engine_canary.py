"""A value that stands in a body is told by nothing of the engine: no repr, exception, log, path."""

import base64
import json
import logging
import sys
import traceback

import pytest

from countersign.detection.detector import Detector
from countersign.detection.hits import KnownValue
from countersign.masking.engine import Engine
from countersign.masking.outcomes import Outcome
from countersign.masking.tests.applying import PATIENT, STARTER, apply, policy
from countersign.masking.tokens import Session
from countersign.shapes.reading import read
from countersign.shapes.slots import Sizes, Unreadable

CANARY = "Zebulon Quarkstone"
WORDS = ("zebulon", "quarkstone")
ENCODED = base64.b64encode(f"It is {CANARY} again".encode()).decode()
UPLOAD = (
    f'--b\r\nContent-Disposition: form-data; name="{CANARY}"; filename="{CANARY}.txt"\r\n\r\n'
    f"{CANARY}\r\n--b--\r\n"
)

BODIES = [
    (
        "application/json",
        "openai.chat",
        json.dumps(
            {
                "messages": [
                    {"role": "user", "name": CANARY, "content": f"{CANARY} and {ENCODED}"},
                    {
                        "role": "tool",
                        "content": json.dumps({CANARY: {"first_name": CANARY, "x": [CANARY]}}),
                    },
                ]
            }
        ),
    ),
    (
        "application/json",
        None,
        json.dumps(
            {
                "resourceType": "Patient",
                "id": CANARY,
                "name": [{"family": CANARY, "given": [CANARY]}],
            }
        ),
    ),
    ("application/xml", None, f"<a><name x='{CANARY}'>{CANARY}</name><!-- {CANARY} --></a>"),
    ("application/hl7-v2", None, f"MSH|^~\\&|A\rPID|1||{CANARY}||{CANARY}\rNTE|1||{CANARY}\r"),
    ("text/csv", None, f"{CANARY},last name\n1,{CANARY}\n"),
    ("application/x-www-form-urlencoded", None, f"{CANARY}=1&name={CANARY}"),
    (
        "multipart/form-data; boundary=b",
        None,
        UPLOAD,
    ),
    ("application/jsonl", None, json.dumps({"a": CANARY})),
    ("text/plain", None, f"{CANARY}, {ENCODED}, https://x.test/{CANARY}?q={CANARY}%20x"),
]


class Watching(Detector):
    """Looks, each time it is asked, at everything of ours that whoever asked it holds."""

    def __init__(self):
        super().__init__()
        self.told = []
        self.seen = set()

    def detect(self, text, **means):
        frame = sys._getframe(1)  # noqa: SLF001
        while frame is not None and "countersign" in frame.f_code.co_filename:
            for value in frame.f_locals.values():
                self.look(value)
            frame = frame.f_back
        return super().detect(text, **means)

    def look(self, value, depth=3):
        if isinstance(value, list | tuple) and type(value) in (list, tuple) and depth:
            for each in value[:20]:
                self.look(each, depth - 1)
        elif type(value).__module__.startswith("countersign") and value is not self:
            self.seen.add(type(value).__name__)
            self.told.append(f"{value!r} {value}")


@pytest.mark.parametrize(("media", "shape", "body"), BODIES)
def test_nothing_that_the_engine_holds_tells_a_value(media, shape, body, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    watching = Watching()
    by = Engine(STARTER, watching, limits=PATIENT)
    session = Session()
    known = [KnownValue(CANARY, "NAME")]
    outcome = apply(body, by=by, media=media, shape=shape, session=session, known=known)
    assert outcome.refusal is None
    assert {"Pass", "Scanner", "Node"} <= watching.seen
    told = " ".join([*watching.told, repr(outcome), repr(by), repr(session), repr(known)])
    told += caplog.text + "".join(capsys.readouterr())
    assert not any(word in told.lower() for word in WORDS)
    assert not any(word in outcome.body.decode().lower() for word in WORDS)


@pytest.mark.parametrize(("media", "shape", "body"), BODIES)
@pytest.mark.parametrize("error", [ValueError, KeyError, RecursionError, OSError, UnicodeError])
def test_no_error_is_passed_on(media, shape, body, error, caplog, capsys):
    caplog.set_level(logging.DEBUG)

    class Failing(Detector):
        def detect(self, text, **_):
            raise error(text)

    outcome = apply(body, by=Engine(STARTER, Failing(), limits=PATIENT), media=media, shape=shape)
    assert outcome.refusal.reason == "engine-error"
    assert outcome.body is None
    told = repr(outcome) + caplog.text + "".join(capsys.readouterr())
    assert not any(word in told.lower() for word in WORDS)


def test_the_body_that_goes_out_is_in_no_repr():
    outcome = apply({"a": "nothing to see"})
    assert isinstance(outcome, Outcome)
    assert "nothing to see" not in repr(outcome)


@pytest.mark.parametrize("body", [f'{{"{CANARY}": }}', f"<{CANARY}>", f"MSH{CANARY}", f"[{CANARY}"])
@pytest.mark.parametrize("media", ["application/json", "application/xml", "application/hl7-v2"])
def test_what_cannot_be_read_is_not_quoted(body, media):
    with pytest.raises(Unreadable) as caught:
        read(body.encode(), media, None, Sizes())
    told = "".join(traceback.format_exception(caught.value))
    assert not any(word in told.lower() for word in WORDS)
    assert apply(body, media=media).body is None


def test_paths_of_spans_tell_no_value():
    body = {
        CANARY: {"ssn": "123-45-6789"},
        "quarkstone": {"ssn": "123-45-6789"},
        "last_name": "Quarkstone",
    }
    outcome = apply(body, known=[KnownValue(CANARY, "NAME")])
    assert outcome.counts["SSN"] == 2
    assert not any(word in repr(outcome).lower() for word in WORDS)


def test_an_opaque_part_tells_its_place_alone():
    body = {
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "file",
                        "file": {
                            "filename": f"{CANARY}.pdf",
                            "file_data": "data:application/pdf;base64,JVBERi0xLjcK",
                        },
                    }
                ],
            }
        ]
    }
    outcome = apply(
        body, shape="openai.chat", by=Engine(policy("drop"), Detector(), limits=PATIENT)
    )
    assert outcome.opaque
    assert not any(word in repr(outcome).lower() for word in WORDS)
