"""The core of the library needs Python and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from countersign.tests import make

CHECKOUT = Path(__file__).parents[2]

# Isolated, without site-packages: whatever is not Python's own cannot even be found.
PROGRAM = """
import sys
sys.path.insert(0, {checkout!r})
from countersign.__main__ import main
code = main({arguments!r})
foreign = {{name.partition(".")[0] for name in sys.modules}}
foreign -= {{*sys.stdlib_module_names, "countersign", "__main__"}}
assert not foreign, foreign
sys.exit(code)
"""


def run(*arguments: str) -> subprocess.CompletedProcess:
    program = PROGRAM.format(checkout=str(CHECKOUT), arguments=list(arguments))
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_ledger_is_verified_with_nothing_but_python(tmp_path):
    ledger = make.Ledger().begin().grow(50, 200)
    ledger.change_key(make.signer(2))
    ledger.grow(9)
    path = make.zipped(make.compressed(ledger.files()), tmp_path / "ledger.zip")
    done = run("verify", str(path), "--key", make.signer().vkey, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (told,) = json.loads(done.stdout)["ledgers"]
    assert told["verified"] == 261 and told["signatures"] == 5
    assert told["remarks"] == [
        "Signatures were verified in Python alone: cryptography is not installed."
    ]
    done = run("verify", str(path), "--key", make.signer(3).vkey)
    assert done.returncode == 1
    assert "NOT VERIFIED" in done.stdout


@pytest.mark.parametrize("command", ["keygen", "witness"])
def test_what_signs_says_what_it_needs(tmp_path, command):
    out, key = tmp_path / "new", tmp_path / "key"
    key.write_text("PRIVATE+KEY+w+00000000+" + "A" * 44)
    arguments = {
        "keygen": ["--name", "w", "--out", str(out)],
        "witness": ["--state", str(out), "--key", str(key), "--listen", "127.0.0.1:0"],
    }
    more = ["--log", make.signer().vkey] if command == "witness" else []
    done = run(command, *arguments[command], *more)
    assert done.returncode == 2
    assert "pip install 'countersign[signatures]'" in done.stderr
    assert not out.is_file()


def test_help_and_version_are_there(capsys):
    for arguments in (["--help"], ["--version"], ["verify", "--help"], ["witness", "--help"]):
        done = run(*arguments)
        assert done.returncode == 0 and done.stdout
