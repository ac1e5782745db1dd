"""uvicorn as the portal runs it: strict about requests, and no slow caller holds up another."""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from audits.api import ingest
from audits.tests import make
from install import CHECKOUT
from policies.services.keys import revoke_key
from policies.tests import make as policies
from portal import ingest_protocol
from portal.management.commands.serve_ingest import listening
from processes import start_moment

# For what comes in a moment, unless the machine has much else to do.
PATIENCE_S = 60
CALLS = b"POST /api/v1/calls HTTP/1.1\r\nHost: a\r\n"


def ask(port: int, raw: bytes) -> bytes:
    """What comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
        line.sendall(raw)
        found = b""
        while part := line.recv(65536):
            found += part
        return found


def until(so: Callable[[], object]) -> None:
    """Wait for something that the server's thread does."""
    end = time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.005)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/9\r\n\r\n",
        CALLS + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CALLS + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        CALLS + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        CALLS + b"Content-Length: +2\r\n\r\n{}",
        CALLS + b"Content-Length : 2\r\n\r\n{}",
        CALLS + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        CALLS + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        CALLS + b" folded: 1\r\n\r\n",
        b"POST /api/v1/calls HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}",
        b"POST /api/v1/calls HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_servers_read_differently_is_refused_by_a_problem(port, raw):
    head, _, body = ask(port, raw).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in head
    assert b"application/problem+json" in head
    assert json.loads(body)["type"] == "urn:countersign:problem:invalid-header"


def test_many_half_open_requests_hold_nobody_up_and_are_closed(port):
    starts = (b"", b"POST /api/v1/ca", CALLS + b"Content-Length: 9000\r\n\r\n{")
    lines = []
    for number in range(60):
        line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        line.sendall(starts[number % 3])
        lines.append(line)
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert b" 200 OK" in ask(port, b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
        took.append(time.monotonic() - began)
        if took[-1] < 1:
            break
    # The shortest of three: a machine with much to do only adds.
    assert min(took) < 1
    for line in lines:
        assert line.recv(1000) == b""  # closed by the server
        line.close()


def request(secret: str, body: dict, *headers: bytes) -> bytes:
    raw = json.dumps(body).encode()
    lines = [b"Authorization: Bearer " + secret.encode(), b"Content-Type: application/json"]
    lines += [b"Content-Length: %d" % len(raw), *headers]
    return CALLS + b"\r\n".join(lines) + b"\r\n\r\n" + raw


def answers_of(raw: bytes) -> list[tuple[int, dict]]:
    """(status, body) of each answer in what a connection gave."""
    found = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append((int(head[9:12]), json.loads(rest[:length])))
        raw = rest[length:]
    return found


def test_the_short_way_gives_the_answers_of_the_long_one(port):
    secret = make.key(make.active_integration())[1]
    close = b"Connection: close"
    # The first one loads facts and key; the second finds them in memory.
    long, short = make.call_body(), make.call_body()
    for body in (long, short):
        ((status, said),) = answers_of(ask(port, request(secret, body, close)))
        assert (status, said["call_id"], said["decision"]) == (201, body["call_id"], "allow")
        ((again, same),) = answers_of(ask(port, request(secret, body, close)))
        assert (again, same) == (200, said)
    ((status, said),) = answers_of(ask(port, request(secret, {**short, "model": "x"}, close)))
    assert (status, said["type"]) == (422, "urn:countersign:problem:call-id-reused")
    ((status, said),) = answers_of(ask(port, request(secret, {**long, "prompt": "x"}, close)))
    assert (status, said["type"]) == (400, "urn:countersign:problem:invalid-body")
    ((status, _),) = answers_of(ask(port, request("csk_live_" + "a" * 40, long, close)))
    assert status == 401


def said_on(line: socket.socket, raw: bytes) -> tuple[int, dict]:
    """(status, body) of the answer to what is sent."""
    line.sendall(raw)
    (found,) = answers_of(line.recv(65536))
    return found


@pytest.fixture
def came(monkeypatch) -> list[int]:
    """The length of each piece that the server has taken so far."""
    pieces, real = [], ingest_protocol.Protocol.data_received

    def data_received(protocol, data):
        real(protocol, data)
        pieces.append(len(data))

    monkeypatch.setattr(ingest_protocol.Protocol, "data_received", data_received)
    return pieces


def test_a_head_that_is_known_is_not_parsed_again_and_opens_nothing_more(port, came, monkeypatch):
    again, real = [], ingest.begin_again

    def begin_again(asked, body):
        again.append(len(body))
        return real(asked, body)

    monkeypatch.setattr(ingest, "begin_again", begin_again)
    key, secret = make.key(make.active_integration())
    body = make.call_body()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
        said = functools.partial(said_on, line)
        # The first loads facts and key, the second is parsed, the others' heads are known.
        bodies = [{**body, "call_id": make.call_body()["call_id"]} for _ in range(4)]
        answers = [said(request(secret, each)) for each in bodies]
        assert [status for status, _ in answers] == [201] * 4
        assert [each["call_id"] for _, each in answers] == [each["call_id"] for each in bodies]
        assert len(again) == 2
        assert said(request(secret, bodies[3])) == (200, answers[3][1])
        assert said(request(secret, {**bodies[3], "attempt": 7}))[0] == 422
        # A body of another length, a media type of another kind, a request in two pieces.
        count = len(again)
        longer = {**body, "call_id": make.call_body()["call_id"], "purpose": "treatment-and-more"}
        assert said(request(secret, longer))[0] == 201
        raw = request(secret, bodies[3]).replace(b"application/json", b"text/plain")
        assert said(raw)[0] == 415
        raw = request(secret, bodies[3])
        pieces = len(came)
        line.sendall(raw[:-5])
        until(lambda: len(came) > pieces)
        assert said(raw[-5:])[0] == 200
        assert len(again) == count
        # The key behind a known head is looked at each time.
        revoke_key(key, by=policies.person("officer"), at=timezone.now())
        fresh = {**body, "call_id": make.call_body()["call_id"]}
        assert said(request(secret, fresh))[0] == 401
        assert len(again) == count + 1


def test_requests_that_do_not_wait_for_answers_get_them_in_order(port):
    secret = make.key(make.active_integration())[1]
    bodies = [make.call_body() for _ in range(6)]
    raw = b"".join(request(secret, body) for body in bodies[:-1])
    raw += request(secret, bodies[-1], b"Connection: close")
    for status in (201, 200):
        found = answers_of(ask(port, raw))
        assert [each["call_id"] for _, each in found] == [body["call_id"] for body in bodies]
        assert {each for each, _ in found} == {status}


def test_a_record_that_comes_byte_by_byte_is_taken(port):
    secret = make.key(make.active_integration())[1]
    for _ in range(2):
        raw = request(secret, make.call_body(), b"Connection: close")
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
            for at in range(0, len(raw), 60):
                line.sendall(raw[at : at + 60])
                time.sleep(0.002)
            assert line.recv(1000).startswith(b"HTTP/1.1 201")


def test_a_caller_that_leaves_is_no_trouble(port):
    secret = make.key(make.active_integration())[1]
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(request(secret, make.call_body()))
    ((status, _),) = answers_of(ask(port, request(secret, make.call_body(), b"Connection: close")))
    assert status == 201


def test_a_kept_connection_is_not_taken_for_a_slow_one(port):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
        for _ in range(2):
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(2.5)


@pytest.mark.parametrize(
    ("path", "most", "code"),
    [("calls", 64 * 1024, "body-too-large"), ("events", 5 * 1024 * 1024, "events-too-large")],
)
def test_who_sends_a_byte_too_much_is_told_so(port, path, most, code):
    """Also a caller that reads nothing until it has sent all, as most do."""
    secret = make.key(make.active_integration())[1]
    head = f"POST /api/v1/{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".encode()
    head += b"Content-Type: application/x-ndjson\r\nAuthorization: Bearer %b\r\n" % secret.encode()
    body = b" " * (most + 1)
    whole = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    parts = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    for framed in (whole, parts):
        ((status, said),) = answers_of(ask(port, head + framed))
        assert (status, said["type"]) == (413, f"urn:countersign:problem:{code}")


def test_who_asks_before_sending_too_much_is_answered_at_once(port):
    head = b"POST /api/v1/events HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    said = ask(port, head + b"Content-Length: 5242881\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 401 ")


def test_an_endless_body_ends(port):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
        line.sendall(CALLS + b"Transfer-Encoding: chunked\r\n\r\n")
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 20:
                line.sendall(b"400\r\n" + b" " * 0x400 + b"\r\n")
                time.sleep(0.1)
        assert time.monotonic() - began < 10


def test_more_connections_than_it_holds_are_closed(port, monkeypatch):
    monkeypatch.setattr(ingest_protocol, "MAX_CONNECTIONS", 2)
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    with contextlib.suppress(ConnectionError):
        assert ask(port, b"GET /healthz HTTP/1.1\r\n\r\n") == b""
    for line in held:
        line.close()


@pytest.mark.parametrize("address", ["8001", "here:port", "fd://x", "unix:/nowhere/x", "9.9.9.9:1"])
def test_an_address_that_cannot_be_listened_at_is_one_sentence(address):
    with pytest.raises(CommandError):
        listening(address)


def test_no_process_is_no_server():
    with pytest.raises(CommandError, match="from 1 on"):
        call_command("serve_ingest", processes=0)


def test_a_socket_that_a_killed_run_left_is_taken_over_and_a_file_is_not(tmp_path):
    path = tmp_path / "ingest.sock"
    listening(f"unix:{path}").close()
    listening(f"unix:{path}").close()
    path.unlink()
    path.write_text("somebody's")
    with pytest.raises(CommandError):
        listening(f"unix:{path}")
    assert path.read_text() == "somebody's"


def test_one_of_several_processes_ending_ends_all(committed):
    name = connections["default"].settings_dict["NAME"]
    env = {**os.environ, "DATABASE_URL": make_conninfo(os.environ["DATABASE_URL"], dbname=name)}
    words = ["manage.py", "serve_ingest", "--bind", "127.0.0.1:0", "--processes", "2"]
    with subprocess.Popen([sys.executable, *words], cwd=CHECKOUT, env=env) as run:
        children = until_two(run.pid)
        os.kill(children[0], signal.SIGKILL)
        assert run.wait(PATIENCE_S) != 0
        assert [pid for pid in children if start_moment(pid)] == []
    with subprocess.Popen([sys.executable, *words], cwd=CHECKOUT, env=env) as run:
        until_two(run.pid)
        run.terminate()
        assert run.wait(PATIENCE_S) == 0


ENDS_AT_ONCE = """
import os, signal, sys, time

import django

django.setup()
from portal import ingest_server

fork = os.fork

def forked():
    pid = fork()
    if pid:
        print(pid, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
    return pid

os.fork = forked
ingest_server.run = lambda listener: time.sleep(120)
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
sys.exit(ingest_server.run_many(None, 2))
"""


def test_what_ends_the_server_while_it_starts_its_processes_leaves_none_behind():
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    # A process that is left behind holds the output open, and this waits for it.
    done = subprocess.run(
        [sys.executable, "-c", ENDS_AT_ONCE],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
        text=True,
    )
    children = [int(line) for line in done.stdout.split()]
    assert len(children) == 2
    assert [pid for pid in children if start_moment(pid)] == []


def until_two(pid: int) -> list[int]:
    """The two processes that `pid` started."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        found = [int(each) for each in listed.split()]
        if len(found) == 2:
            return found
        time.sleep(0.05)
    raise AssertionError("they did not start")
