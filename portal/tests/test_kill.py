"""Killed under load, a short form of `benchmarks/kill.py`: nothing acknowledged is lost."""

import json
import os
import subprocess
import sys

import pytest
from psycopg.conninfo import make_conninfo

from conftest import TEMPLATE
from install import CHECKOUT


@pytest.mark.xdist_group("bin")
def test_what_was_acknowledged_outlives_kills_of_server_and_database():
    words = [sys.executable, CHECKOUT / "benchmarks" / "kill.py", "--quick", "--json"]
    if TEMPLATE != "template0":
        words += ["--tables", make_conninfo(os.environ["DATABASE_URL"], dbname=TEMPLATE)]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["kills"] == 3
    assert figures["acknowledged"] > 100
    assert figures["wrong"] == 0
