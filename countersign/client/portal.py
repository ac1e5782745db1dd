"""`Portal`: what code that calls AI services needs of Countersign, in one object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from countersign.client.actors import (
    Actor,
    Known,
    Scope,
    Scopes,
    checked_identity,
    checked_word,
    known_values,
)
from countersign.client.asking import Described
from countersign.client.calls import ManualCall
from countersign.client.desk import Desk
from countersign.client.recording import Recorder
from countersign.client.settings import Settings
from countersign.client.waiting import Threads
from countersign.masking.revealing import StreamRevealer
from countersign.masking.tokens import Session


class Portal:
    """One integration's way to its portal. Make one a process and share it between threads.

    Further settings are `integration`, `bundle_key`, `mode`, `enforcement`, `spool_dir` and those
    of `Settings`; what is left out is taken from COUNTERSIGN_URL, COUNTERSIGN_KEY and so on. `mode`
    and `enforcement` can be tighter than what the portal says, never looser. `known` are values
    to be masked wherever they stand, by kind: `{"NAME": ["..."]}`; they never leave this process.
    `actor` is who calls where no `actor()` block says so. Raises: SettingsError, which says what
    to set.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        known: Known = (),
        actor: str | None = None,
        recorder: Recorder | None = None,
        **settings: Any,
    ) -> None:
        recorder = recorder or Recorder(Settings.read(url, key, **settings))
        told = recorder.settings
        self.integration = told.integration
        self._recorder = recorder
        self._scopes = Scopes(Scope(Actor.parse(actor or f"service:{told.integration}")))
        self.threads = Threads()
        self.desk = Desk(recorder, self._scopes, known)

    def __repr__(self) -> str:
        return f"Portal(integration={self.integration!r})"

    def __enter__(self) -> Portal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def actor(
        self, actor: str, *, purpose: str = "", role: str = "", known: Known = ()
    ) -> Iterator[Session]:
        """Calls of this block are made by `actor`, written `type:id`, and share their tokens.

        Raises: ValueError for what does not fit; it quotes nothing.
        """
        scope = Scope(
            Actor.parse(actor),
            purpose=checked_word("purpose", purpose),
            role=checked_word("role", role),
            session_id=self._scopes.current().session_id,
            session=Session(),
            known=known_values(known),
        )
        with self._within(scope) as session:
            yield session

    @contextmanager
    def session(
        self, session_id: str = "", *, known: Known = (), session: Session | None = None
    ) -> Iterator[Session]:
        """Calls of this block are one conversation: the same value has the same token in all.

        `session_id` goes into the records. A `Session` that was kept from an earlier block goes
        on with its tokens. The actor stays who it is.
        """
        around = self._scopes.current()
        scope = Scope(
            around.actor,
            purpose=around.purpose,
            role=around.role,
            session_id=checked_identity(session_id),
            session=session or Session(),
            known=(*around.known, *known_values(known)),
        )
        with self._within(scope) as session:
            yield session

    def call(
        self,
        *,
        model: str,
        operation: str = "chat",
        provider: str | None = None,
        text: str | None = None,
        host: str | None = None,
        stream: bool = False,
    ) -> ManualCall:
        """A block around a call that `guard()` cannot see. See `ManualCall`.

        `text` is what is to be sent, so that the rules can look at it; `call.text` is what may be.
        """
        about = Described(operation, model, stream, (), host, provider)
        return ManualCall(self.desk, self.threads, about, text=text)

    def reveal(self, text: str) -> str:
        """`text` with the values put back for the tokens of this conversation.

        Those of the block this runs in, else of the call made last in this context. A token that
        is not of it is left as it is; `session.reveal(text)` counts them.
        """
        session = self._scopes.last()
        return text if session is None else session.reveal(text).text

    def revealing(self) -> StreamRevealer:
        """The same for a text that comes in pieces: `feed(piece)`, and `close()` at the end."""
        session = self._scopes.last() or Session()
        return session.streaming()

    def flush(self, seconds: float = 3.0) -> bool:
        """Deliver completions that wait. Returns: whether nothing waits any more."""
        return self._recorder.flush(seconds)

    def close(self) -> None:
        """Deliver what waits, and end the threads. Happens by itself when Python ends."""
        self.threads.close()
        self._recorder.close()

    @contextmanager
    def _within(self, scope: Scope) -> Iterator[Session]:
        token = self._scopes.enter(scope)
        try:
            yield scope.session or Session()
        finally:
            self._scopes.leave(token)
