"""The client lets out what the server lets in, field by field: their contracts are one."""

import json
import typing
import uuid

import pytest

from audits import bodies
from audits.tests import make
from countersign.client import contract
from vendors.bodies.reading import BadBody

ALIASES = {
    "word": bodies.Word,
    "feature": bodies.Feature,
    "provider": bodies.Provider,
    "region": bodies.Region,
    "model": bodies.ModelName,
    "slug": bodies.Slug,
    "identity": bodies.Identity,
    "digest": bodies.Digest,
    "version": bodies.Version,
    "error": bodies.ErrorClass,
    "rule": bodies.RuleId,
}
VALUES = [
    "a",
    "A-1",
    "gpt-4.1",
    "Mr Smith",
    "a\n",
    "é",
    "",
    "x" * 40,
    "x" * 41,
    "x" * 80,
    "x" * 120,
    "x" * 121,
    "x" * 253,
    "x" * 254,
    "api.openai.com:443",
    "sha256:" + "ab" * 32,
    "hmac-sha256:k1:" + "ab" * 32,
    str(uuid.UUID(int=7)),
    "2026-01-02T03:04:05.678Z",
    "2026-01-02T03:04:05+01:00",
    "2026-01-02",
    "user",
    "strict",
    "enforce",
    "succeeded",
    "provider",
    True,
    False,
    0,
    1,
    200,
    1000,
    1001,
    2**31,
    2**53,
    -1,
    1.5,
    None,
    [],
    ["a"],
    ["Mr Smith"],
    ["a"] * 21,
    {},
    {"a": 1},
    {"a": -1},
    {"Mr Smith": 1},
    {"type": "user", "id": "u-1"},
    {"type": "person", "id": "u-1"},
    {"type": "user", "id": "u-1", "name": "x"},
    {"input": 1, "output": None},
    {"input": 1.5},
]
REQUIRED_CALL = make.call_body()
REQUIRED_END = {"event_id": str(uuid.UUID(int=9)), "outcome": "failed"}


def taken(kind, body: dict) -> bool:
    try:
        bodies.parse(kind, json.dumps(body).encode())
    except BadBody:
        return False
    return True


@pytest.mark.parametrize("name", ALIASES)
def test_patterns_are_the_same(name):
    (meta,) = typing.get_args(ALIASES[name])[1:]
    assert contract.PATTERNS[name] == meta.pattern


@pytest.mark.parametrize(
    ("checks", "kind"),
    [(contract.CALL, bodies.CallBody), (contract.COMPLETION, bodies.CompletionBody)],
)
def test_fields_are_the_same(checks, kind):
    assert set(checks) == set(kind.__struct_fields__)


@pytest.mark.parametrize("name", contract.CALL)
def test_a_calls_field_is_let_out_if_and_only_if_it_is_let_in(name):
    for value in VALUES:
        lets_in = taken(bodies.CallBody, {**REQUIRED_CALL, name: value})
        # What is nothing may be left out: then there is no need to send it.
        assert contract.CALL[name](value) == (lets_in and value is not None), value


@pytest.mark.parametrize("name", contract.COMPLETION)
def test_an_ends_field_likewise(name):
    for value in VALUES:
        lets_in = taken(bodies.CompletionBody, {**REQUIRED_END, name: value})
        assert contract.COMPLETION[name](value) == (lets_in and value is not None), value
