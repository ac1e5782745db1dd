"""What is installed is what `pyproject.toml` names, pinned and with hashes."""

import re
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from install import CHECKOUT

EXTRAS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
FILES = {"requirements.txt": ["site"], "requirements-dev.txt": ["site", "dev"]}


def pins(file: str) -> dict[str, set[str]]:
    """Package -> its pinned versions, which may differ by marker."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", read(file), re.M):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def read(file: str) -> str:
    return (CHECKOUT / file).read_text()


@pytest.mark.parametrize("file", FILES)
def test_every_named_package_is_pinned_within_its_bounds(file):
    held = pins(file)
    for extra in FILES[file]:
        for text in EXTRAS[extra]:
            named = Requirement(text)
            versions = held.get(canonicalize_name(named.name), set())
            assert versions, named.name
            assert all(named.specifier.contains(version) for version in versions), text


@pytest.mark.parametrize("file", [*FILES, "bin/uv.txt"])
def test_every_pin_has_a_hash(file):
    for block in re.split(r"\n(?=[\w.-]+(?:\[[^\]]*\])?==)", read(file))[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_tests_run_on_what_the_site_runs_on():
    tested = pins("requirements-dev.txt")
    assert {name: tested.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL"])
def test_a_missing_setting_is_a_sentence_that_says_what_to_set(name, monkeypatch):
    monkeypatch.delenv(name)
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"{name} is not set. Set {name} or {name}_FILE, for example" in done.stderr
