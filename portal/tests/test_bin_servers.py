"""The private servers come up from nothing, from half, and after a crash."""

import os
import signal
import subprocess

import psycopg
import pytest
import redis

from install import Trouble
from processes import Children
from servers import (
    LONGEST_FOLDER,
    THROWAWAY,
    PostgreSQL,
    Redis,
    server_account,
    shared_memory_works,
    socket_folder,
)
from site_processes import listen
from throwaway import throwaway_folder

pytestmark = pytest.mark.xdist_group("bin")


@pytest.fixture
def folder():
    """Not pytest's own, which root keeps for itself: the servers run as another user."""
    with throwaway_folder() as folder:
        yield folder


@pytest.fixture
def children(folder):
    (folder / "logs").mkdir()
    children = Children(folder / "logs")
    yield children
    children.stop()


@pytest.fixture
def postgresql(folder):
    account = server_account()
    sockets = socket_folder(folder / "run", account)
    return PostgreSQL(folder / "postgresql", sockets, account, THROWAWAY)


def test_the_site_owns_its_database_and_is_no_superuser(postgresql, children):
    postgresql.start(children)
    children.wait("PostgreSQL", postgresql.is_ready)
    with psycopg.connect(postgresql.url) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        row = connection.execute("SELECT current_setting('is_superuser'), current_user").fetchone()
        assert row == ("off", "countersign")
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW log_error_verbosity").fetchone() == ("terse",)


def test_half_a_cluster_is_made_anew(postgresql, children):
    postgresql.cluster.mkdir()
    (postgresql.cluster / "base").mkdir()
    postgresql.cluster.with_name("postgresql.draft").mkdir()
    postgresql.start(children)
    children.wait("PostgreSQL", postgresql.is_ready)
    assert not postgresql.cluster.with_name("postgresql.draft").exists()


def test_a_crash_that_left_a_number_now_a_strangers_is_survived(postgresql, children):
    postgresql.start(children)
    children.wait("PostgreSQL", postgresql.is_ready)
    server = children.running[-1].process
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    children.stop()
    left = postgresql.cluster / "postmaster.pid"
    user, group = postgresql.account.other or (None, None)
    with subprocess.Popen(["sleep", "60"], user=user, group=group) as stranger:
        left.write_text(left.read_text().replace(str(server.pid), str(stranger.pid), 1))
        postgresql.start(children)
        children.wait("PostgreSQL", postgresql.is_ready)
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_that_still_runs_is_stopped_first(postgresql, folder, children):
    (folder / "before").mkdir()
    before = Children(folder / "before")
    postgresql.start(before)
    before.wait("PostgreSQL", postgresql.is_ready)
    postgresql.start(children)
    children.wait("PostgreSQL", postgresql.is_ready)
    assert before.running[0].process.wait(5) == 0


def test_data_of_a_version_that_is_not_here_is_a_sentence(postgresql, children):
    postgresql.cluster.mkdir()
    (postgresql.cluster / "PG_VERSION").write_text("99\n")
    with pytest.raises(Trouble, match="install postgresql-99, or give another folder with --data"):
        postgresql.start(children)


def test_redis_answers_on_its_socket_alone(folder, children):
    account = server_account()
    broker = Redis(folder / "redis", socket_folder(folder / "run", account), account, True)
    broker.start(children)
    children.wait("Redis", broker.is_ready)
    with redis.Redis.from_url(broker.url) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}


@pytest.mark.parametrize("name", ["x" * LONGEST_FOLDER, "two words, and a comma"])
def test_a_path_that_is_no_good_for_sockets_gets_a_short_folder(folder, name):
    chosen = socket_folder(folder / name, server_account())
    assert len(str(chosen)) < 40
    assert chosen.stat().st_mode & 0o777 == 0o700
    chosen.rmdir()


def test_stale_sockets_are_removed(folder):
    (folder / "run").mkdir()
    (folder / "run" / ".s.PGSQL.5432").touch()
    assert list(socket_folder(folder / "run", server_account()).iterdir()) == []


def test_a_port_that_is_taken_is_a_sentence_and_the_next_one_is_found():
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Trouble, match=f"Port {port} is taken"):
            listen(port)
        with listen(None, first=port) as other:
            assert other.getsockname()[1] > port


def test_shared_memory_is_asked_for_in_earnest():
    assert shared_memory_works() == os.access("/dev/shm", os.W_OK)
