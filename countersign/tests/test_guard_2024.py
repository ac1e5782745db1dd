"""guard() with one release of openai and one of anthropic from 2024, which stand on httpx.

They live in an environment of their own. One process asks everything; each test judges a part.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import install
from countersign.tests import environments
from countersign.tests.guarded import ASKED, NAME, PATIENT, SAID, TOOL, counted, patient
from countersign.tests.portal_double import INTEGRATION, PortalDouble
from countersign.tests.provider import FakeProvider, Fault

ANSWERED = [
    "retried",
    "chat",
    "chat_stream",
    "chat_tool",
    "azure",
    "chat_awaited",
    "message",
    "message_stream",
    "message_tool",
    "message_awaited",
]


class Run:
    """What the process saw, what its provider got, and what its portals were told."""

    def __init__(self, told, provider, double, denying):
        self.versions, self.seen = told["versions"], told["seen"]
        self.requests, self.double, self.denying = provider.requests, double, denying


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    python = environments.python_with("2024")
    folder = tmp_path_factory.mktemp("spools")
    with (
        FakeProvider(echo=True) as provider,
        PortalDouble(document=patient()) as double,
        PortalDouble(document=patient()) as denying,
    ):
        denying.deny = ["baa-not-in-force"]
        provider.fail(Fault.status(429))
        given = {"provider": provider.url, "patient": PATIENT, "prompt": ASKED, "tool": TOOL}
        for name, portal in (("portal", double), ("denying", denying)):
            given[name] = {
                "url": portal.url,
                "key": portal.key,
                "integration": INTEGRATION,
                "bundle_key": portal.bundle_key,
                "spool_dir": str(folder / name),
            }
        done = subprocess.run(
            [python, Path(environments.__file__).with_name("releases_2024.py")],
            env={**os.environ, "PYTHONPATH": str(install.CHECKOUT)},
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        yield Run(json.loads(done.stdout), provider, double, denying)


def test_these_are_releases_of_2024(run):
    assert run.versions == {"openai": "1.30.5", "anthropic": "0.42.0"}


@pytest.mark.parametrize("case", ANSWERED)
def test_the_answer_comes_back_as_it_was_said(run, case):
    assert run.seen[case] == {"said": SAID}


def test_what_arrives_is_masked(run):
    assert len(run.requests) == len(ANSWERED) + 3  # tried again once, left, broken
    for received in run.requests:
        assert NAME.search(received.text)
        assert "Zofia" not in received.text


def test_a_denial_is_the_sdks_own_error_and_is_not_tried_again(run):
    for case in ("denied_chat", "denied_message"):
        assert run.seen[case] == {"raised": "PermissionDeniedError", "status": 403}
    assert len(run.denying.calls) == 2
    assert run.denying.completions == {}


def test_each_attempt_has_exactly_one_completion(run):
    calls = list(run.double.calls.values())
    assert set(run.double.completions) == set(run.double.calls)
    ends = [run.double.completions[call["call_id"]] for call in calls]
    assert [len(each) for each in ends] == [1] * len(calls)
    outcomes = [each[0]["outcome"] for each in ends]
    assert outcomes == ["failed", *["succeeded"] * len(ANSWERED), "cancelled", "failed"]
    assert run.seen["left"] == {"said": "left"}
    assert "raised" in run.seen["broken"]
    first, again = calls[:2]
    assert first["operation_id"] == again["operation_id"]
    assert (first["attempt"], again["attempt"]) == (1, 2)
    for (completion,) in ends[1:7]:
        counted(completion)
