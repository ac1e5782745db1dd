"""A guarded world for tests: a portal's double, a fake provider, and clients between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign import Portal
from countersign.client.recording import Recorder
from countersign.tests.portal_double import PortalDouble
from countersign.tests.provider import FakeProvider

# For what comes in a moment, unless the machine has much else to do.
PATIENCE_S = 30.0


@dataclass
class World:
    """The double, the provider, and the portal object that code under test uses."""

    double: PortalDouble
    provider: FakeProvider
    portal: Portal
    stack: ExitStack

    def own(self, client: Any) -> Any:
        """The client, closed with the world: it may hold sockets that nobody else closes."""
        self.stack.callback(client.close)
        return client

    def until(self, so: Callable[[], object]) -> None:
        """Wait for something that another thread does."""
        deadline = time.monotonic() + PATIENCE_S
        while not so():
            assert time.monotonic() < deadline, "it did not come to be"
            time.sleep(0.01)

    def flushed(self) -> None:
        assert self.portal.flush(PATIENCE_S), "completions are still waiting"

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The records, in the order they were made."""
        return list(self.double.calls.values())

    def ends(self) -> list[dict[str, Any]]:
        """The one completion of each record; there are never two and never none."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.flushed()
            found = [self.double.completions.get(each["call_id"], []) for each in self.calls]
            if all(found) or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        assert [len(each) for each in found] == [1] * len(found)
        assert set(self.double.completions) <= set(self.double.calls)
        return [each[0] for each in found]

    def end(self) -> dict[str, Any]:
        """The completion of the only call."""
        (only,) = self.ends()
        return only

    def outcomes(self) -> list[str]:
        return [each["outcome"] for each in self.ends()]


@contextmanager
def world(
    folder: Path, *, policy: dict[str, Any] | bool | None = None, echo: bool = False, **content: Any
) -> Iterator[World]:
    """A world whose bundle has these members; without `policy` there are no rules."""
    with ExitStack() as stack:
        double = stack.enter_context(PortalDouble())
        settings = content.pop("settings", {})
        if policy is None:
            double.content["policy"] = None
        elif policy is not True:
            double.content["policy"] = policy
        double.content.update(content)
        provider = stack.enter_context(FakeProvider(echo=echo))
        recorder = Recorder(double.settings(folder, **settings))
        portal = stack.enter_context(Portal(recorder=recorder))
        yield World(double, provider, portal, stack)
