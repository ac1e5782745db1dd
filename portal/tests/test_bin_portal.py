"""`bin/portal` from nothing to a page, again after a kill, and its sentences when it cannot."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from install import CHECKOUT
from processes import start_moment
from site_processes import answers
from throwaway import throwaway_folder

pytestmark = pytest.mark.xdist_group("bin")
SETTINGS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DATA_DIR", "STATIC_ROOT", "DEBUG", "HTTPS")
SETTINGS += ("LEDGER_SIGNING_KEY", "BUNDLE_SIGNING_KEY", "MFA_ENCRYPTION_KEY", "MFA_REQUIRED")


class Run:
    """`bin/portal` on the data folder `data`, as a person in a terminal would start it."""

    def __init__(self, data: Path, *words: str) -> None:
        self.data = data
        env = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.process = subprocess.Popen(
            [CHECKOUT / "bin" / "portal", "--no-install", "--data", data, *words],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def until_up(self) -> None:
        """Read until it says that it runs."""
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C stops everything" in line:
                return
        raise AssertionError(self.said)

    def port(self) -> int:
        """The port that it says its pages are at."""
        return int(self.said.partition("running at http://localhost:")[2].partition("/")[0])

    def ingest_port(self) -> int:
        """The port that it says programs post to."""
        return int(
            self.said.partition("post their calls to http://localhost:")[2].partition("/")[0]
        )

    def until_end(self) -> int:
        self.said += self.process.communicate(timeout=120)[0]
        return self.process.returncode

    def children(self) -> list[int]:
        """The processes that it started, as the kernel knows them."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in listed.read_text().split()]


@contextlib.contextmanager
def started(data: Path, *words: str):
    run = Run(data, *words)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
        run.process.communicate(timeout=60)


# A start takes half a minute of two cores: what one shows is told by several tests, in this order.
@pytest.fixture(scope="module")
def first():
    """The first start on a new data folder, for no demonstration data; up until Ctrl-C."""
    with throwaway_folder() as folder, started(folder / "data", "--empty") as run:
        run.until_up()
        yield run


@pytest.fixture(scope="module")
def stopped(first):
    """The first start after Ctrl-C, and the processes that it had."""
    others = first.children()
    first.process.send_signal(signal.SIGINT)
    assert first.until_end() == 0
    return first, others


@pytest.fixture
def data(stopped):
    """A data folder after its first start, which was for no demonstration data."""
    return stopped[0].data


def test_from_nothing_to_a_page(first):
    assert "Preparing the database" in first.said
    assert answers(first.port(), "/accounts/login/")


def test_records_have_a_server_of_their_own(first):
    assert first.ingest_port() > first.port()
    assert answers(first.ingest_port(), "/readyz")
    assert not answers(first.ingest_port(), "/accounts/login/")


def test_a_second_start_is_refused(first):
    second = Run(first.data)
    assert second.until_end() == 1
    already = f"The portal already runs on {first.data} (http://localhost:{first.port()}"
    assert already in second.said
    assert second.said.count("\n") == 1


def test_ctrl_c_stops_everything(stopped):
    run, others = stopped
    assert len(others) == 6
    assert "Stopped." in run.said
    assert [pid for pid in others if start_moment(pid)] == []


def test_secrets_are_for_their_owner_alone(data):
    keys = ("LEDGER_SIGNING_KEY", "BUNDLE_SIGNING_KEY", "MFA_ENCRYPTION_KEY")
    for name in ("SECRET_KEY", *keys, "ADMIN_PASSWORD"):
        assert (data / "secrets" / name).stat().st_mode & 0o777 == 0o600


def kill_one(run: Run, name: str, word: bytes, line: str) -> None:
    """Kill one process of a running portal: all others end, and its log is told."""
    others = run.children()
    one = next(pid for pid in others if word in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(one, signal.SIGKILL)
    assert run.until_end() == 1
    assert f"The {name} ended by itself (status -9)" in run.said
    assert line in run.said
    assert [pid for pid in others if start_moment(pid)] == []


def test_after_a_kill_it_starts_again_and_stays_empty_until_the_web_server_ends(data):
    with started(data) as run:
        run.until_up()
        others = run.children()
        run.process.kill()
    with started(data) as run:
        run.until_up()
        assert answers(run.port(), "/accounts/login/")
        assert "admin@example.com" in run.said
        assert "officer@example.com" not in run.said
        assert "Preparing" not in run.said
        assert not set(others) & set(run.children())
        kill_one(run, "web", b"gunicorn", "Starting gunicorn")


def test_the_ingest_server_ending_ends_all_with_its_log(data):
    with started(data) as run:
        run.until_up()
        kill_one(run, "ingest", b"serve_ingest", "Started server")


def test_a_port_that_was_asked_for_and_is_taken_is_one_sentence(data):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        run = Run(data, "--port", str(other.getsockname()[1]))
        assert run.until_end() == 1
        assert "is taken by another program" in run.said
        assert run.said.count("\n") == 1


def test_demonstration_data_are_not_taken_for_nothing():
    with throwaway_folder() as folder:
        (folder / "first-data").write_text("demo")
        run = Run(folder, "--empty")
        assert run.until_end() == 1
        assert "holds demonstration data" in run.said


def test_a_folder_that_cannot_be_made_is_one_sentence():
    run = Run(Path("/proc/countersign"))
    assert run.until_end() == 1
    assert "Cannot write to /proc/countersign" in run.said
    assert run.said.count("\n") == 1


def test_help_names_every_option():
    said = subprocess.run(
        [CHECKOUT / "bin" / "portal", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(word in said for word in ("--port", "--ingest-port", "--data", "--no-install"))
