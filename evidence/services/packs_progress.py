"""A build's hold on its pack: one builder at a time, signs of life, an end that is written down.

The build itself runs in a snapshot that can write nothing; what it reports goes over a connection
of its own, so that people see it while the snapshot is still open.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

# Written at most this often, in seconds.
PULSE = 0.5
# Workers that died on a pack before it is given up.
MOST_ATTEMPTS = 5
WORKERS_DIED = "The worker stopped several times while it built this pack."

# One lock for each attempt, which goes when its connection does: free means its builder is gone.
LOCK = "SELECT pg_try_advisory_lock(hashtextextended('evidence pack ' || %(held)s, 0))"
CLAIM = """
UPDATE evidence_evidencepack
SET attempt = %(attempt)s, state = 'building', as_of = %(at)s, step = 'Counting rows', done = 0,
    total = 0, failure = '', finished_at = NULL, heartbeat_at = clock_timestamp()
WHERE id = %(pack)s AND state = %(state)s AND attempt = %(seen)s
"""
STARTED = """
INSERT INTO evidence_packevent (pack_id, kind, sha256, actor_id, at)
VALUES (%(pack)s, 'started', '', NULL, clock_timestamp())
"""
ALIVE = """
UPDATE evidence_evidencepack
SET step = %(step)s, done = %(done)s, total = %(total)s, heartbeat_at = clock_timestamp()
WHERE id = %(pack)s AND attempt = %(attempt)s AND state = 'building'
"""
# An end and its event in one statement: both are there or neither.
READY = """
WITH ended AS (
    UPDATE evidence_evidencepack
    SET state = 'ready', step = '', done = total, file = %(file)s, sha256 = %(sha256)s,
        size_bytes = %(size)s, checkpoint = %(checkpoint)s,
        heartbeat_at = clock_timestamp(), finished_at = clock_timestamp()
    WHERE id = %(pack)s AND attempt = %(attempt)s AND state = 'building'
    RETURNING id)
INSERT INTO evidence_packevent (pack_id, kind, sha256, actor_id, at)
SELECT id, 'built', %(sha256)s, NULL, clock_timestamp() FROM ended
"""
FAILED = """
WITH ended AS (
    UPDATE evidence_evidencepack
    SET state = 'failed', failure = %(failure)s, heartbeat_at = clock_timestamp(),
        finished_at = clock_timestamp()
    WHERE id = %(pack)s AND attempt = %(attempt)s AND state = 'building'
    RETURNING id)
INSERT INTO evidence_packevent (pack_id, kind, sha256, actor_id, at)
SELECT id, 'failed', '', NULL, clock_timestamp() FROM ended
"""


class Stopped(Exception):
    """Somebody cancelled the pack, or another attempt has taken over."""


@dataclass(frozen=True, slots=True)
class Built:
    """A pack that is whole: its file, the file's SHA-256 in hex, bytes, the signed checkpoint."""

    file: str
    sha256: str
    size: int
    checkpoint: str


class Progress:
    """One attempt at one pack. Every method raises Stopped once the pack was taken away."""

    def __init__(self, own: BaseDatabaseWrapper, pack: int, attempt: int) -> None:
        self.pack = pack
        self._own = own
        self.attempt = attempt
        self._step, self._done, self._total = "", 0, 0
        self._written = 0.0

    def start(self, step: str, *, total: int | None = None) -> None:
        """Begin a step; `total` counts rows and everything else that takes its time."""
        self._step = step
        self._total = self._total if total is None else total
        self._write()

    def tick(self, done: int = 0) -> None:
        """`done` more are done; says so unless it did a moment ago."""
        self._done += done
        if time.monotonic() - self._written >= PULSE:
            self._write()

    def ready(self, built: Built) -> None:
        """Hand the pack over."""
        self._run(READY, **asdict(built))

    def failed(self, why: str) -> None:
        """Write down why, in a sentence that a person can act on."""
        self._run(FAILED, failure=why)

    def _write(self) -> None:
        self._run(ALIVE, step=self._step, done=self._done, total=self._total)
        self._written = time.monotonic()

    def _run(self, statement: str, **values: str | int) -> None:
        with self._own.cursor() as cursor:
            cursor.execute(statement, {"pack": self.pack, "attempt": self.attempt, **values})
            if cursor.rowcount == 0:
                raise Stopped


@contextmanager
def hold(pack: int, *, at: dt.datetime) -> Iterator[Progress | None]:
    """Take the pack for one attempt whose moment is `at`; None if that is not possible now.

    A pack whose builder is alive is left alone; one whose builder has died is taken over.
    """
    own = connection.copy()
    try:
        yield _claim(own, pack, at)
    finally:
        own.close()


def _claim(own: BaseDatabaseWrapper, pack: int, at: dt.datetime) -> Progress | None:
    with own.cursor() as cursor:
        cursor.execute("SELECT state, attempt FROM evidence_evidencepack WHERE id = %s", [pack])
        state, seen = cursor.fetchone() or ("", 0)
        if state not in {"queued", "building"}:
            return None
        attempt = seen if state == "queued" else seen + 1
        for number in sorted({seen, attempt}):
            cursor.execute(LOCK, {"held": f"{pack} {number}"})
            if not cursor.fetchone()[0]:
                logger.info("pack %s is being built by another worker", pack)
                return None
        values = {"pack": pack, "at": at, "state": state, "seen": seen, "attempt": attempt}
        cursor.execute(CLAIM, values)
        if cursor.rowcount == 0:
            return None
        cursor.execute(STARTED, values)
    progress = Progress(own, pack, attempt)
    if attempt > MOST_ATTEMPTS and state == "building":
        progress.failed(WORKERS_DIED)
        return None
    return progress
