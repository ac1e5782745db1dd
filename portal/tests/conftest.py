"""A Chromium for each module of browser tests, and an ingest server in this process."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from audits.api import asgi
from audits.services import writing
from portal import ingest_protocol, ingest_server
from portal.tests.browsing import chromium


@pytest.fixture(scope="module")
def browser(chromium_path):
    with chromium(chromium_path) as launched:
        yield launched


@pytest.fixture
def port(committed, monkeypatch):
    """The port of a server whose callers have a second for their headers and two for a body."""
    monkeypatch.setattr(ingest_protocol, "HEADER_SECONDS", 1)
    monkeypatch.setattr(ingest_protocol, "BODY_SECONDS", 2)
    pool = ThreadPoolExecutor(1)
    monkeypatch.setattr(asgi, "_threads", pool)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        server = ingest_server.IngestServer(ingest_server.config())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        pool.submit(connections.close_all).result()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
    writing.stop()
