from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from countersign import checkpoints, cosignatures, merkle, notes
from countersign.__main__ import main
from countersign.tests import make
from countersign.witnessing.answers import Answer, Shown, Witness, body
from countersign.witnessing.memory import Memory, MemoryLost
from countersign.witnessing.server import Server

SIGNER = make.signer()


@pytest.fixture
def witness(tmp_path):
    memory = Memory(tmp_path / "state")
    yield Witness(make.witness(), (SIGNER.verifier,), memory, now=lambda: 1_800_000_000)
    memory.close()


def shown(ledger: make.Ledger, old: int, size: int) -> Shown:
    def read(level: int, number: int) -> bytes:
        return merkle.root_of(ledger.leaves[number << level : (number + 1) << level])

    proof = merkle.consistency_proof(old, size, read) if 0 < old <= size else []
    (note,) = (note for at, note in ledger.notes if at == size)
    return Shown(old, tuple(proof), note)


def ask(witness: Witness, ledger: make.Ledger, old: int, size: int) -> Answer:
    return witness.add_checkpoint(body(shown(ledger, old, size)))


def test_a_ledger_that_grows_is_cosigned_step_by_step(witness):
    ledger = make.Ledger().begin().grow(5, 100, 1, 700)
    old = 0
    for size in (1, 6, 106, 107, 807):
        answer = ask(witness, ledger, old, size)
        assert answer.status == 200
        note = dict(ledger.notes)[size] + answer.text
        checkpoint = checkpoints.opened(note, [SIGNER.verifier, witness.cosigner.witness])
        assert checkpoint.size == size
        seen = cosignatures.opened(note, [witness.cosigner.witness])
        assert seen == [("witness.example/w100", 1_800_000_000)]
        old = size
    assert ask(witness, ledger, 807, 807).status == 200  # the same again, with a new time


def test_another_old_size_than_the_one_it_knows_is_told_the_one_it_knows(witness):
    ledger = make.Ledger().begin().grow(5, 5)
    assert ask(witness, ledger, 1, 6) == (409, "0\n", "text/x.tlog.size")
    ask(witness, ledger, 0, 6)
    assert ask(witness, ledger, 0, 11) == (409, "6\n", "text/x.tlog.size")
    assert ask(witness, ledger, 1, 11) == (409, "6\n", "text/x.tlog.size")
    assert ask(witness, ledger, 6, 11).status == 200
    assert ask(witness, ledger, 6, 11) == (409, "11\n", "text/x.tlog.size")
    assert ask(witness, ledger, 6, 6) == (409, "11\n", "text/x.tlog.size")  # it went back


def test_a_split_view_is_refused_and_kept_as_proof(witness, tmp_path):
    ledger, other = make.Ledger().begin().grow(5, 5), make.Ledger().grow(6, 5)
    assert ask(witness, ledger, 0, 6).status == 200
    assert ask(witness, other, 6, 6) == (409, "6\n", "text/x.tlog.size")
    assert ask(witness, other, 6, 11).status == 422
    own_proof = shown(ledger, 6, 11)
    assert witness.add_checkpoint(body(own_proof._replace(note=other.notes[-1][1]))).status == 422
    kept = {path.read_text() for path in (tmp_path / "state/refused").glob("*.checkpoint")}
    assert kept == {note for _, note in other.notes}
    assert ask(witness, ledger, 6, 11).status == 200  # the first view goes on


def test_what_it_saw_outlives_a_restart(tmp_path):
    ledger, other = make.Ledger().begin().grow(5, 5), make.Ledger().grow(6, 5)
    for step, expected in ((ledger, 200), (other, 422), (ledger, 200)):
        memory = Memory(tmp_path / "state")
        witness = Witness(make.witness(), (SIGNER.verifier,), memory)
        last = witness.last(make.ORIGIN)
        old = 0 if last is None else last.size
        assert ask(witness, step, old, 6 if old == 0 else 11).status == expected
        memory.close()


def test_a_memory_that_cannot_be_read_is_not_taken_for_a_fresh_one(witness, tmp_path):
    ledger = make.Ledger().begin().grow(5)
    assert ask(witness, ledger, 0, 1).status == 200
    (path,) = (tmp_path / "state").glob("*.checkpoint")
    good = path.read_text()
    other = make.Ledger(make.signer(1, "portal.example/test")).begin()
    for broken in ("", good[:-40], other.notes[0][1]):
        path.write_text(broken)
        with pytest.raises(MemoryLost):
            ask(witness, ledger, 0, 6)
    path.write_text(good)
    assert ask(witness, ledger, 1, 6).status == 200


def test_a_folder_is_held_by_one_witness_at_a_time(witness, tmp_path):
    with pytest.raises(MemoryLost, match="another witness"):
        Memory(tmp_path / "state")


def test_of_two_at_once_that_do_not_fit_together_one_is_cosigned(witness):
    for turn in range(20):
        origin = f"portal.example/{turn}"
        signer = make.signer(1, origin)
        witness.logs = (signer.verifier,)
        one, two = make.Ledger(signer).grow(4), make.Ledger(signer).begin().grow(5)
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(ask, witness, one, 0, 4), pool.submit(ask, witness, two, 0, 6)]
        assert sorted(answer.result().status for answer in asked) == [200, 409]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"old 0\n", 400),
        (b"old 00\n\n", 400),
        (b"old -1\n\n", 400),
        (b"new 0\n\n", 400),
        (b"old 0\nshort\n\n", 400),
        (b"old 0\n\nno note", 400),
        (b"\xff\n\n", 400),
        (b"old 0\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63 + b"\n", 400),
    ],
)
def test_a_body_of_another_form_is_told_so(witness, content, status):
    assert witness.add_checkpoint(content).status == status


def test_strangers_and_forged_signatures_are_refused(witness):
    ledger = make.Ledger().begin().grow(5)
    stranger = make.Ledger(make.signer(1, "portal.example/other")).begin()
    assert ask(witness, stranger, 0, 1).status == 404
    another_key = make.Ledger(make.signer(2)).begin()
    assert ask(witness, another_key, 0, 1).status == 403
    text = notes.parsed(ledger.notes[0][1]).text
    forged = notes.joined(text, [notes.signature_line(SIGNER.name, SIGNER.key_id, bytes(64))])
    assert witness.add_checkpoint(body(Shown(0, (), forged))).status == 403
    assert witness.add_checkpoint(body(Shown(7, (), ledger.notes[1][1]))).status == 400
    assert witness.add_checkpoint(body(Shown(0, (bytes(32),), ledger.notes[1][1]))).status == 422
    empty = checkpoints.signed(checkpoints.Checkpoint(make.ORIGIN, 0, bytes(32)), SIGNER)
    assert witness.add_checkpoint(body(Shown(0, (), empty))).status == 422
    assert witness.last(make.ORIGIN) is None


def test_the_example_of_the_specification_is_read(witness):
    """https://c2sp.org/tlog-witness: its log is not known here."""
    content = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO\
oRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
    assert witness.add_checkpoint(content.encode()).status == 404


@pytest.fixture
def served(witness):
    with Server(("127.0.0.1", 0), witness) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address
        server.shutdown()
        thread.join()


def test_over_http_one_connection_serves_many_requests(served, witness, capsys):
    ledger = make.Ledger().begin().grow(5)
    connection = http.client.HTTPConnection(*served, timeout=10)
    got = []
    for method, path, content in (
        ("GET", "/", None),
        ("POST", "/add-checkpoint", body(shown(ledger, 0, 1))),
        ("POST", "/add-checkpoint", body(shown(ledger, 0, 1))),
        ("POST", "/add-checkpoint", body(shown(ledger, 1, 6))),
        ("POST", "/elsewhere", b""),
        ("GET", "/add-checkpoint", None),
    ):
        connection.request(method, path, content)
        answer = connection.getresponse()
        got.append((answer.status, answer.headers["Content-Type"]))
        text = answer.read().decode()
        if path == "/":
            assert cosignatures.Witness.from_vkey(text) == witness.cosigner.witness
    plain = "text/plain; charset=utf-8"
    assert got == [
        (200, plain),
        (200, plain),
        (409, "text/x.tlog.size"),
        (200, plain),
        (404, plain),
        (404, plain),
    ]
    connection.close()
    capsys.readouterr()


def test_over_http_a_body_without_length_or_too_long_is_not_read(served, capsys):
    for headers, status in (
        ({"Content-Length": "70000"}, 413),
        ({"Content-Length": "9" * 30}, 413),
        ({"Content-Length": "-1"}, 411),
        ({"Transfer-Encoding": "chunked"}, 411),
        ({}, 411),
    ):
        connection = http.client.HTTPConnection(*served, timeout=10)
        connection.putrequest("POST", "/add-checkpoint")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Connection"]) == (status, "close")
        connection.close()
    capsys.readouterr()


class Portal(ThreadingHTTPServer):
    """What a portal serves below /log/ and where it takes cosigned checkpoints."""

    def __init__(self, ledger: make.Ledger) -> None:
        super().__init__(("127.0.0.1", 0), PortalHandler)
        self.ledger = ledger
        self.asked: list[tuple[str, str | None]] = []
        self.returned: list[str] = []
        self.files = dict[str, bytes]()
        self.show(ledger)

    @property
    def address(self) -> str:
        return "http://{}:{}".format(*self.server_address)

    def show(self, ledger: make.Ledger) -> None:
        tiles = {f"/log/{path}": content for path, content in ledger.tiles().items()}
        self.files = tiles | {"/log/checkpoint": ledger.notes[-1][1].encode()}


class PortalHandler(BaseHTTPRequestHandler):
    server: Portal

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Authorization"]))
        found = self.server.files.get(self.path)
        if self.path == "/moved/checkpoint":
            self.send_response(302)
            self.send_header("Location", "/log/checkpoint")
        else:
            self.send_response(200 if found is not None else 404)
        self.end_headers()
        self.wfile.write(found or b"")

    def do_POST(self):
        self.server.returned.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def portal():
    with Portal(make.Ledger().begin().grow(300)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def key(tmp_path, capsys) -> Path:
    path = tmp_path / "witness.key"
    assert main(["keygen", "--name", "witness.example/w1", "--out", str(path)]) == 0
    (tmp_path / "witness.vkey").write_text(capsys.readouterr().out)
    return path


@pytest.fixture
def follow(tmp_path, portal, key):
    def follow(*more: str, log: str = "/log/") -> int:
        arguments = ["witness", "--state", str(tmp_path / "state"), "--key", str(key), "--once"]
        arguments += ["--log", SIGNER.vkey, "--follow", portal.address + log]
        return main([*arguments, *more])

    return follow


def test_following_a_portal_reads_tiles_and_returns_what_it_cosigned(
    follow, portal, tmp_path, capsys
):
    token = tmp_path / "token"
    token.write_text("secret\n")
    known = cosignatures.Witness.from_vkey((tmp_path / "witness.vkey").read_text())
    for batches in ((), (500,), (5,), (70_000,)):
        portal.ledger.grow(*batches)
        portal.show(portal.ledger)
        assert follow("--return", portal.address + "/back", "--token", str(token)) == 0
        note = capsys.readouterr().out
        assert portal.returned[-1] == note
        assert checkpoints.opened(note, [SIGNER.verifier]).size == len(portal.ledger.entries)
        assert len(cosignatures.opened(note, [known])) == 1
    assert {token for _, token in portal.asked} == {"Bearer secret"}
    assert "secret" not in capsys.readouterr().err


def test_following_a_portal_that_shows_another_tree_cosigns_nothing(follow, portal, capsys):
    assert follow() == 0
    portal.show(make.Ledger().grow(900))
    assert follow() == 1
    assert "REFUSED (422)" in capsys.readouterr().err
    portal.show(make.Ledger().grow(200))  # an older copy was restored, and something else written
    assert follow() == 1
    assert "REFUSED (409)" in capsys.readouterr().err
    portal.show(portal.ledger.grow(700))
    assert follow() == 0


def test_following_tells_what_stands_in_the_way(follow, portal, capsys):
    assert follow(log="/absent/") == 1
    assert "answered 404" in capsys.readouterr().err
    assert follow(log="/moved/") == 1
    assert "sends elsewhere" in capsys.readouterr().err
    assert follow() == 0
    portal.ledger.grow(300)
    portal.show(portal.ledger)
    tile = "/log/tile/0/001"
    portal.files[tile] = portal.files[tile][:-1]
    assert follow() == 1
    assert "length it must have" in capsys.readouterr().err
    portal.files["/log/checkpoint"] = b"no note"
    assert follow() == 1
    portal.files["/log/checkpoint"] = b"\xff"
    assert follow() == 1
    capsys.readouterr()


def test_a_checkpoint_is_kept_only_if_it_grew_out_of_the_one_kept_before(portal, tmp_path, capsys):
    kept = tmp_path / "kept"
    command = ["checkpoint", portal.address + "/log", "--key", SIGNER.vkey, "--keep", str(kept)]
    assert main(command) == 0
    assert "size 301" in capsys.readouterr().out
    portal.show(portal.ledger.grow(600))
    assert main(command) == 0
    assert "size 901, " in (told := capsys.readouterr().out) and "grew out of size 301" in told
    assert checkpoints.opened(kept.read_bytes(), [SIGNER.verifier]).size == 901
    for other in (make.Ledger().grow(2000), make.Ledger().grow(300), make.Ledger().grow(901)):
        portal.show(other)
        assert main(command) == 1
        assert "NOT the ledger that was kept" in capsys.readouterr().err
    assert checkpoints.opened(kept.read_bytes(), [SIGNER.verifier]).size == 901
    assert main([*command[:2], "--key", make.signer(2).vkey, "--keep", str(kept)]) == 2
    assert main([*command[:-1], str(tmp_path / "absent" / "kept")]) == 2
    assert main(["checkpoint", "ftp://x", *command[2:]]) == 2
    portal.files.clear()
    assert main(command) == 2
    capsys.readouterr()


def test_what_is_no_address_of_the_web_is_not_opened(follow, tmp_path, capsys):
    assert follow("--follow", "file:///etc/hostname") == 2
    assert "begins with https://" in capsys.readouterr().err


def test_a_wrong_call_of_the_witness_is_told(tmp_path, key, capsys):
    ledger_key = tmp_path / "ledger.key"
    call = ["keygen", "--name", make.ORIGIN, "--for", "ledger", "--out", str(ledger_key)]
    assert main(call) == 0
    seed = bytes.fromhex(ledger_key.read_text())
    assert capsys.readouterr().out.strip() == notes.Signer(make.ORIGIN, seed).vkey
    assert main(call) == 2  # it is there
    assert main(["keygen", "--name", "two words", "--out", str(tmp_path / "new")]) == 2
    assert ledger_key.stat().st_mode & 0o777 == key.stat().st_mode & 0o777 == 0o600
    signing = tmp_path / "signing.key"
    signing.write_text(notes.skey("witness.example/w1", bytes(32)))
    state = ["witness", "--state", str(tmp_path / "state"), "--log", SIGNER.vkey]
    for arguments in (
        ["--key", str(key)],
        ["--key", str(tmp_path / "absent"), "--listen", "127.0.0.1:0"],
        ["--key", str(ledger_key), "--listen", "127.0.0.1:0"],
        ["--key", str(signing), "--listen", "127.0.0.1:0"],
        ["--key", str(key), "--listen", "127.0.0.1:0", "--log", "nonsense"],
    ):
        assert main([*state, *arguments]) == 2
    for wrong in (["--listen", "nowhere"], ["--listen", "h:99999"], ["--every", "0"]):
        with pytest.raises(SystemExit, match="2"):
            main([*state, "--key", str(key), *wrong])
    capsys.readouterr()


def started(tmp_path, key) -> tuple[subprocess.Popen, str]:
    command = [sys.executable, "-m", "countersign", "witness", "--state", str(tmp_path / "state")]
    command += ["--key", str(key), "--log", SIGNER.vkey, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stderr is not None
    return process, "http://" + process.stderr.readline().strip().rpartition(" ")[2]


def posted(address: str, content: bytes) -> int:
    request = urllib.request.Request(address + "/add-checkpoint", data=content)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_witness_that_was_killed_goes_on_where_its_last_answer_was(tmp_path, key):
    ledger, other = make.Ledger().begin().grow(*[3] * 40), make.Ledger().grow(*[4] * 40)
    old = 0
    for turn in range(3):
        process, address = started(tmp_path, key)
        deadline = time.monotonic() + 0.15
        while time.monotonic() < deadline and old < 100:
            assert posted(address, body(shown(ledger, old, max(1, old + 3 * bool(old))))) == 200
            old = max(1, old + 3 * bool(old))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert old > turn
    process, address = started(tmp_path, key)
    assert posted(address, body(Shown(old, (), other.notes[-1][1]))) == 422
    assert posted(address, body(shown(ledger, old, old + 3))) == 200
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 0
    assert len(list((tmp_path / "state/refused").glob("*.checkpoint"))) == 1
