"""Who is behind a call, why, and in which conversation: carried by contextvars.

A task inherits them from the one that made it, a new thread starts without: so nobody's call is
ever recorded under the actor of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeAlias

from countersign.detection.hits import KnownValue
from countersign.masking.tokens import Session

Known: TypeAlias = Mapping[str, Iterable[str]] | Iterable[KnownValue]

# As the portal reads them (audits/bodies.py): ids and words, never names or sentences.
_ACTOR = re.compile(r"(user|service|agent|system):([A-Za-z0-9][A-Za-z0-9@._:+-]{0,119})")
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._:+-]{0,119}")


@dataclass(frozen=True, slots=True)
class Actor:
    """An id of a kind: `user`, `service`, `agent` or `system`. Never a name."""

    type: str
    id: str

    @classmethod
    def parse(cls, text: str) -> Actor:
        """The actor written as `type:id`. Raises: ValueError, which does not quote it."""
        match = _ACTOR.fullmatch(text)
        if match is None:
            raise ValueError(
                "An actor is written type:id, with user, service, agent or system as its type and "
                "an id of letters, digits and @._:+- of at most 120 characters."
            )
        return cls(match[1], match[2])


@dataclass(frozen=True, slots=True)
class Scope:
    """What holds for the calls of a block. Empty words are not sent; `known` is never sent."""

    actor: Actor
    purpose: str = ""
    role: str = ""
    session_id: str = ""
    session: Session | None = field(default=None, repr=False)
    known: tuple[KnownValue, ...] = field(default=(), repr=False)


class Scopes:
    """The scope of the present context, and the tokens of the call last made in it."""

    def __init__(self, usual: Scope) -> None:
        self._usual = usual
        self._scope: ContextVar[Scope | None] = ContextVar("countersign_scope", default=None)
        self._last: ContextVar[Session | None] = ContextVar("countersign_last", default=None)

    def current(self) -> Scope:
        """The scope of the innermost block, or what the portal was made with."""
        return self._scope.get() or self._usual

    def enter(self, scope: Scope) -> object:
        """Let `scope` hold from here on. Returns: what `leave` takes."""
        return self._scope.set(scope)

    def leave(self, token: object) -> None:
        """Let hold again what held before `enter`."""
        self._scope.reset(token)  # type: ignore[arg-type]

    def session(self, scope: Scope) -> Session:
        """The tokens for a call: those of the block, or outside of any a map of its own.

        Threads of a web server serve many people one after the other: a map that outlived its
        call there would be another person's.
        """
        if scope.session is not None:
            return scope.session
        session = Session()
        self._last.set(session)
        return session

    def last(self) -> Session | None:
        """The tokens that an answer in this context may hold: never those of a block around or
        before it, which may be another person's.
        """
        return self.current().session or self._last.get()


def checked_word(name: str, value: str) -> str:
    """A purpose or role, as the portal takes it. Raises: ValueError, which does not quote it."""
    if value and not _WORD.fullmatch(value):
        raise ValueError(
            f"A {name} is a word of a-z, 0-9 and _.- of at most 40 characters, never a sentence."
        )
    return value


def checked_identity(value: str) -> str:
    """A session's id, as the portal takes it. Raises: ValueError, which does not quote it."""
    if value and not _IDENTITY.fullmatch(value):
        raise ValueError(
            "A session's id has letters, digits and @._:+- alone, 120 characters at most."
        )
    return value


def known_values(known: Known) -> tuple[KnownValue, ...]:
    """`{"NAME": ["..."]}` or KnownValue objects as one tuple; empty values are left out."""
    if isinstance(known, Mapping):
        pairs = [(kind, value) for kind, values in known.items() for value in _listed(values)]
        return tuple(KnownValue(value, kind) for kind, value in pairs if value)
    return tuple(known)


def _listed(values: Iterable[str]) -> Iterable[str]:
    """One value may be given without a list around it."""
    return [values] if isinstance(values, str) else values
