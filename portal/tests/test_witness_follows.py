"""A witness on another machine follows a portal, over HTTP and with nothing but a token."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.utils import timezone

from audits.models import Cosignature
from audits.services import appending, checkpoints, ledger_exports
from audits.services.appending import NewEvent
from countersign import cosignatures, notes
from countersign.__main__ import main
from countersign.commands.verifying import verified
from countersign.verifying.chain import Options
from policies.tests.make import person
from portal.services.tokens import issue_token

WITNESS = cosignatures.Cosigner("witness.example/w1", bytes(range(32)))


class Silent(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


@pytest.fixture
def address(committed):
    with make_server("127.0.0.1", 0, get_wsgi_application(), Threaded, Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def follow(address, tmp_path, settings) -> Callable[[], int]:
    settings.LEDGER_WITNESSES = [WITNESS.witness.vkey]
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    append(1)
    _, secret = issue_token(
        person("auditor"), "witness", scopes=["log:read"], days=9, at=timezone.now()
    )
    files = {"token": secret, "key": notes.skey(WITNESS.witness.name, bytes(range(32)), 4)}
    for name, content in files.items():
        (tmp_path / name).write_text(content + "\n")
    command = ["witness", "--once", "--state", str(tmp_path / "state")]
    command += ["--key", str(tmp_path / "key"), "--token", str(tmp_path / "token")]
    command += ["--log", checkpoints.vkeys(1)[0], "--follow", f"{address}/log"]
    return lambda: main([*command, "--return", f"{address}/log/cosignatures"])


def append(count: int) -> None:
    events = [NewEvent("grant", f"user:{number}", {"user": number}) for number in range(count)]
    appending.append_events(events, at=timezone.now())


def test_a_witness_cosigns_what_the_portal_shows_and_the_export_carries_its_word(
    follow, tmp_path, capsys
):
    for count in (0, 300, 1, 700):
        if count:
            append(count)
        assert follow() == 0, capsys.readouterr().err
        newest = Cosignature.objects.latest("size")
        assert newest.witness == "witness.example/w1"
        assert newest.size <= checkpoints.latest(1).size
    folder: Path = tmp_path / "export"
    ledger_exports.export(newest.ledger, folder)
    options = Options(keys=tuple(checkpoints.verifiers(1)), witnesses=(WITNESS.witness,))
    (found,) = verified(folder, options)
    assert found.ok, found.problems
    assert len(found.cosignatures) == 4


def test_a_witness_tells_a_portal_that_shows_another_history(follow, tmp_path, capsys):
    assert follow() == 0
    (memory,) = (tmp_path / "state").glob("*.checkpoint")
    other = checkpoints.latest(1).checkpoint._replace(root=bytes(32))
    memory.write_text(notes.joined(other.text(), [notes.signature_line("x", bytes(4), b"x")]))
    append(5)
    assert follow() == 1
    assert "REFUSED (422)" in capsys.readouterr().err
    assert len(list((tmp_path / "state/refused").glob("*.checkpoint"))) == 1
