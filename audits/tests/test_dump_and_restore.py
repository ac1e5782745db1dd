"""pg_dump and pg_restore keep every entry, proof and trigger; an older dump is told from now."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from audits.models import Ledger, Verification
from audits.services import checkpoints, proofs, startup, verifications
from audits.tests import make
from audits.tests import tampering as t
from conftest import drop_database
from countersign import merkle


def program(name: str) -> str:
    """The path of a program of PostgreSQL. Skips the test where it is not installed."""
    found = shutil.which(name)
    if not found:
        places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(places[-1]) if places else None
    if not found:
        pytest.skip(f"{name} is not on this machine")
    return found


def conninfo(name: str) -> str:
    return make_conninfo(os.environ["DATABASE_URL"], dbname=name)


@pytest.fixture
def other(committed):
    """The name of another database, dropped at the end."""
    name = f"restored_{os.getpid()}"
    with psycopg.connect(conninfo("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield name
        drop_database(server, name)


def looked_at(name: str, look):
    """What `look()` gives while Django's connection is to another database."""
    connection.close()
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    try:
        return look()
    finally:
        connections["default"].close()
        connection.settings_dict["NAME"] = before


def full(given=()) -> Verification:
    ledger = Ledger.objects.get(slug="live")
    return verifications.run(ledger, Verification.Kind.FULL, at=timezone.now(), given=given)


def test_a_restored_dump_is_whole_and_is_known_to_be_older(live, other, api_of, tmp_path, settings):
    settings.DATA_DIR = tmp_path
    api = api_of(live)
    calls = [api.open().json() for _ in range(4)]
    before = checkpoints.latest(1)
    dump = tmp_path / "dump"
    source = conninfo(connection.settings_dict["NAME"])
    run(program("pg_dump"), "--format=custom", f"--file={dump}", source)
    calls.append(api.open().json())
    after = checkpoints.latest(1)
    assert after.size > before.size
    run(program("pg_restore"), "--no-owner", "--exit-on-error", f"--dbname={conninfo(other)}", dump)

    def look():
        assert full([("before", before.note)]).result == "passed"
        for call in calls[:4]:
            index = call["receipt"]["record"]
            found = proofs.inclusion(1, index)
            assert found.leaf.hex() == call["receipt"]["leaf_hash"]
            merkle.verify_inclusion(found.leaf, index, found.size, found.proof, before.root)
        startup.check()
        # One checkpoint of later tells that this is not the newest state.
        found = full([("after", after.note)])
        assert [problem["code"] for problem in found.problems] == ["ledger-behind"]
        with pytest.raises(psycopg.Error, match="append-only"), connection.cursor() as cursor:
            psycopg.Cursor(cursor.connection).execute("DELETE FROM audits_call")

    looked_at(other, look)
    assert full([("after", after.note)]).result == "passed"
    assert t.size() == after.size


@pytest.fixture
def api_of(client):
    return lambda integration: make.Api(client, make.key(integration)[1])


def run(*command: object) -> None:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
