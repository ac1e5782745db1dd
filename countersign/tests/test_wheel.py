"""`pip install .` gives the library and nothing else, and the library needs nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

import install
from countersign.tests.environments import python_with

LARGEST = 8_000_000
BUILD = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
NEVER = "countersign/training/"
IMPORT_ALL = """
import importlib, pkgutil, sys
before = {*sys.modules}  # what the system's own start brings along
import countersign
for module in pkgutil.walk_packages(countersign.__path__, "countersign."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
foreign = {name.partition(".")[0] for name in {*sys.modules} - before}
foreign -= {*sys.stdlib_module_names, "countersign"}
assert not foreign, foreign
print(len([name for name in sys.modules if name.startswith("countersign.")]))
"""


def told(command: list[str | Path], **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that nothing is left in the checkout; one app stands for the site."""
    python = python_with("building")
    copy = tmp_path_factory.mktemp("wheel")
    caches = ignore_patterns("__pycache__")
    for name in ("countersign", "policies"):
        copytree(install.CHECKOUT / name, copy / name, ignore=caches)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((install.CHECKOUT / name).read_bytes())
    told([python, "-c", BUILD], cwd=copy)
    (built,) = (copy / "dist").glob("*.whl")
    return built


def is_part(path: str) -> bool:
    return not path.startswith(NEVER) and not {"__pycache__", "tests"} & {*path.split("/")}


def test_the_wheel_holds_the_library_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        needs = [
            line
            for line in archive.read(metadata).decode().splitlines()
            if line.startswith("Requires-Dist:")
        ]
    files = (path for path in (install.CHECKOUT / "countersign").rglob("*") if path.is_file())
    names = {path.relative_to(install.CHECKOUT).as_posix() for path in files}
    assert held == {name for name in names if is_part(name)}
    assert needs
    assert all("extra ==" in line for line in needs)
    assert wheel.stat().st_size < LARGEST


def test_it_runs_in_an_environment_without_any_other_package(wheel, tmp_path):
    told([sys.executable, "-m", "venv", "--without-pip", tmp_path / "fresh"])
    python = tmp_path / "fresh" / "bin" / "python"
    told(
        [
            *install.find_uv(),
            "pip",
            "install",
            "-q",
            "--offline",
            "--no-deps",
            "--python",
            python,
            wheel,
        ]
    )
    assert int(told([python, "-I", "-W", "error", "-c", IMPORT_ALL])) > 20
    assert "verify" in told([python, "-I", "-m", "countersign", "--help"])
