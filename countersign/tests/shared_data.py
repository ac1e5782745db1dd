"""Where data lies that may be read by tests and is no part of the project."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
FOLDERS = (FOLDER, Path(__file__).resolve().parents[4] / "shared" / "data")


def shared(*parts: str) -> Path:
    """The file or folder; the test is skipped where it is absent."""
    for folder in FOLDERS:
        path = folder.joinpath(*parts)
        if path.exists():
            return path
    pytest.skip(f"../shared/data/{'/'.join(parts)} is not here")
    raise AssertionError
