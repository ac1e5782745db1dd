"""Environments beside `.venv`: other releases of SDKs, and what builds the wheel.

Each is a list of pinned packages with hashes, made by uv on first use and kept in `.cache`, which
git ignores. A list is renewed with `uv pip compile NAME.in -o NAME.txt --universal
--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate`.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import sys
from pathlib import Path

import pytest

import install

HERE = Path(__file__).parent
CACHE = install.CHECKOUT / ".cache" / "environments"
# What uv says when nobody answers, rather than that something is wrong with the list.
UNREACHABLE = re.compile(
    r"dns error|error sending request|tcp connect|timed out|unreachable|Failed to fetch"
    r"|network|Connection refused",
    re.IGNORECASE,
)


def python_with(name: str) -> Path:
    """The interpreter of the environment that holds what `NAME.txt` names, and nothing else.

    Skips the test where no package index can be reached; fails it where one says anything else.
    """
    requirements = HERE / f"{name}.txt"
    version = f"{sys.version}{sys.prefix}".encode()
    digest = hashlib.sha256(requirements.read_bytes() + version).hexdigest()[:16]
    folder = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers at once: the second finds it made
        if not (folder / "ready").exists():
            make(folder, requirements)
    return folder / "bin" / "python"


def make(folder: Path, requirements: Path) -> None:
    """Make the environment at `folder`, in place of older ones of the same name."""
    name = requirements.stem
    for older in CACHE.glob(f"{name}-*"):
        shutil.rmtree(older)
    uv = install.find_uv()
    if uv is None:
        pytest.skip("There is no uv here, and no package index to fetch it from.")
    try:
        install.run([*uv, "venv", "-q", "--python", sys.executable, folder])
        python = folder / "bin" / "python"
        fetch = ["pip", "install", "-q", "--require-hashes", "--python", python]
        install.run([*uv, *fetch, "--system-certs", "-r", requirements])
    except install.Trouble as trouble:
        if not UNREACHABLE.search(str(trouble)):
            raise
        pytest.skip(f"No package index can be reached, so there is no environment {name}.")
    (folder / "ready").touch()
