"""The engine as tests call it: a policy in few words, a body in, the outcome out."""

import json

from countersign.masking.engine import Engine, Limits, detector_for
from countersign.masking.tokens import Session
from countersign.rules.facts import Facts
from countersign.rules.policy import Policy
from countersign.tests.make_rules import starter

# A test may run on a machine that is busy: no time is part of what it asks, unless it says so.
PATIENT = Limits(timeout_ms=60_000)


def policy(opaque="block", **changes):
    """The starter, with other defaults or members."""
    document = starter()
    document["defaults"]["opaque"] = opaque
    if "rules" in changes:
        document["tests"] = []  # they speak of the starter's rules
    return Policy.parse(document | changes)


STARTER = policy()


def engine(of=STARTER, limits=PATIENT, **means):
    return Engine(of, detector_for(of), limits=limits, **means)


SHARED = engine()


def apply(
    body, *, by=SHARED, media="application/json", shape=None, session=None, known=(), **facts
):
    """The outcome for a body: bytes, a text, or a value that becomes JSON."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    return by.apply(
        body,
        media_type=media,
        shape=shape,
        facts=Facts(**facts),
        session=session or Session(),
        known=known,
    )


def sent(body, **means):
    """What goes out, as a value. The body must not be refused."""
    outcome = apply(body, **means)
    assert outcome.refusal is None, outcome.refusal
    return json.loads(outcome.body)
