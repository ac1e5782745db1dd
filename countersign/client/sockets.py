"""Websockets go past transports, so the methods of openai's client that open one are watched.

The parts of that client are loaded when they are first used, which takes a second or two for some;
so what stands in a part's place until then loads it no sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from countersign.client.desk import Desk
from countersign.client.refusals import raised

Tree: TypeAlias = "Mapping[str, Tree]"

# The parts whose `connect` opens a websocket, and those inside them. A release may lack some.
OPENAI: Tree = {
    "realtime": {"translations": {}},
    "responses": {},
    "live": {"sideband": {}, "forks": {}},
    "beta": {"realtime": {}, "responses": {}},
}


class Later:
    """Stands for a part until something of it is asked for; then the part takes its own place."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self.__dict__["_load"] = load

    def __getattr__(self, name: str) -> Any:
        return getattr(self._load(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._load(), name, value)


def watch(desk: Desk, owner: Any, tree: Tree) -> None:
    """Have each `connect` in these parts of `owner` ask whether it may."""
    for name, inner in tree.items():
        if name in vars(owner):
            watch_part(desk, getattr(owner, name), inner)
        elif isinstance(getattr(type(owner), name, None), cached_property):
            vars(owner)[name] = Later(_loading(desk, owner, name, inner))


def _loading(desk: Desk, owner: Any, name: str, inner: Tree) -> Callable[[], Any]:
    def load() -> Any:
        if isinstance(vars(owner).get(name), Later):
            del vars(owner)[name]
            watch_part(desk, getattr(owner, name), inner)
        return getattr(owner, name)

    return load


def watch_part(desk: Desk, part: Any, inner: Tree | None = None) -> None:
    """Have the `connect` of this part, and of those inside it, ask whether it may."""
    if isinstance(part, Later):
        return
    connect = getattr(part, "connect", None)
    if callable(connect) and "connect" not in vars(part):
        part.connect = _asking(desk, connect)
    watch(desk, part, inner or {})


def _asking(desk: Desk, connect: Callable[..., Any]) -> Callable[..., Any]:
    def asked(*arguments: Any, **options: Any) -> Any:
        refused = desk.bypassing()
        if refused is not None:
            raise raised(refused)
        return connect(*arguments, **options)

    return asked
