"""The ledger says when the server that records began, and when it ended in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from audits.models import Event, Ledger, LedgerKey

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def server(tmp_path):
    """Starts a server on a socket of its own; gives what starts and what ends it."""
    dsn = connection.get_connection_params()
    url = f"postgresql:///{dsn['dbname']}?host={dsn.get('host', '')}&user={dsn.get('user', '')}"
    running = []

    def start(number: int, *, starts: int) -> subprocess.Popen:
        """Server `number`, once the ledger tells of so many starts in all."""
        path = tmp_path / f"{number}.sock"
        command = [sys.executable, "manage.py", "serve_ingest", "--bind", f"unix:{path}"]
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env={**os.environ, "DATABASE_URL": url}
        )
        running.append(process)
        for _ in range(600):
            told = Event.objects.filter(type="ledger-start").count()
            if path.exists() and told >= starts:
                break
            time.sleep(0.1)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_its_beginning_and_its_end_are_entries_and_a_kill_is_none(server):
    # The ledger's own beginning is one, the server's another.
    first = server(1, starts=2)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=20) == 0
    second = server(2, starts=3)
    second.kill()
    second.wait()
    events = list(Event.objects.filter(ledger_id=Ledger.LIVE).order_by("index"))
    kinds = ["ledger-start", "ledger-start", "ledger-stop", "ledger-start"]
    assert [e.type for e in events] == kinds
    _, began, ended, again = events
    key = LedgerKey.objects.get(ledger_id=Ledger.LIVE)
    assert began.payload["public_key"] == bytes(key.public_key).hex()
    assert began.payload["settings"]["report_stale_days"] == settings.REPORT_STALE_DAYS
    assert ended.payload == {"service": "ingest", "start": began.index}
    assert again.payload["service"] == "ingest"
