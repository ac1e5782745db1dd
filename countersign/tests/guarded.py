"""What tests of `guard()` have in common: a portal's double, a fake provider, what both saw."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign import Portal
from countersign.tests.portal_double import INTEGRATION, PortalDouble, policy
from countersign.tests.provider import USAGE, FakeProvider

NAME = re.compile(r"\[\[NAME_[0-9]+\]\]")
PATIENT = "Zofia Adamczyk"
ASKED = f"Does {PATIENT} (zofia.adamczyk@example.org) need rest?"
SAID = f"You said: {ASKED}"
USER = [{"role": "user", "content": ASKED}]
SCHEMA = {"type": "object", "properties": {"patient": {"type": "string"}}, "required": ["patient"]}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": SCHEMA}}


@dataclass
class Stage:
    """A portal's double, a provider that repeats what it is asked, and the client between them."""

    double: PortalDouble
    provider: FakeProvider
    portal: Portal

    def pairs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Each call with its completion, in their order: exactly one, or the test fails."""
        assert self.portal.flush()
        assert set(self.double.completions) <= set(self.double.calls)
        return [
            (call, *self.double.completions.get(call_id, []))
            for call_id, call in self.double.calls.items()
        ]

    def told(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The call that was made, the one and only, and its completion."""
        ((call, completion),) = self.pairs()
        return call, completion

    def outcomes(self) -> list[str]:
        return [completion["outcome"] for _, completion in self.pairs()]

    def is_masked(self, *, requests: int = 1) -> None:
        """What arrived held tokens in the place of the patient; what is recorded holds neither."""
        assert len(self.provider.requests) == requests
        for received in self.provider.requests:
            assert NAME.search(received.text)
            assert "[[EMAIL_" in received.text
            assert "Zofia" not in received.text
            assert "example.org" not in received.text
        assert "Zofia" not in json.dumps([*self.double.calls.values(), self.double.completions])


def patient(document: dict[str, Any] | None = None) -> dict[str, Any]:
    """The policy, by default the starter, with time enough: on a machine that runs other tests
    beside these, a body waits longer than it works.
    """
    document = document or policy()
    return {**document, "defaults": {**document["defaults"], "timeout_ms": 10_000}}


@contextmanager
def stage(folder: Path, **told: Any) -> Iterator[Stage]:
    """`told`: `mode`, the policy's `document`, and what the bundle says of the provider."""
    with (
        PortalDouble(
            mode=told.pop("mode", "strict"), document=patient(told.pop("document", None))
        ) as double,
        FakeProvider(echo=True) as provider,
    ):
        double.content["facts"] |= told
        portal = Portal(
            double.url,
            double.key,
            integration=INTEGRATION,
            bundle_key=double.bundle_key,
            spool_dir=folder / "spool",
            known={"NAME": [PATIENT]},
        )
        with portal:
            yield Stage(double, provider, portal)


def counted(completion: dict[str, Any], **but: int) -> None:
    """The completion says what every answer of the provider costs, as it was counted there."""
    whole = {"input": USAGE.input, "output": USAGE.output}
    usage = completion["usage"]
    assert completion["usage_source"] == "provider"
    assert {name: usage[name] for name in {**whole, **but}} == {**whole, **but}
