"""Django's PostgreSQL backend, whose commit seals what the transaction did in the ledger.

The triggers of `audits.ledger.seals` note what happens in `audits_pending`, in the transaction
that does it. Just before COMMIT that is drained and appended to the ledger, so that the change and
its entry are stored together or not at all. See docs/decisions/0016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.backends.postgresql import base
from django.utils import timezone
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from collections.abc import Callable

# By its name, since models ask for the backend while they are being made.
SEALING = "audits.services.sealing.seal"
# What the triggers call the connection (migration sealed_rows); PostgreSQL tells every client of
# it with the answer to the statement, and takes it back with the savepoint or the transaction.
TO_SEAL = b"countersign: to seal"


class DatabaseWrapper(base.DatabaseWrapper):
    """One that commits nothing which the ledger has not taken in."""

    def _commit(self) -> None:
        """Raises: what kept the ledger from taking it in; then everything is rolled back."""
        if self.to_seal():
            sealed = False
            try:
                seal: Callable[..., int] = import_string(SEALING)
                with self.wrap_database_errors:
                    seal(self.connection, at=timezone.now())
                sealed = True
            finally:
                if not sealed:
                    self.run_on_commit = []
                    self._rollback()  # type: ignore[attr-defined]  # unknown to the stubs
        super()._commit()  # type: ignore[misc]  # likewise

    def to_seal(self) -> bool:
        """Whether the open transaction noted something for the ledger; asks no query."""
        raw = self.connection
        return raw is not None and raw.pgconn.parameter_status(b"application_name") == TO_SEAL
