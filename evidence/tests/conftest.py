"""What the tests of packs need: a folder of their own for files, and a short report."""

from __future__ import annotations

import pytest

from evidence.models.packs import pack_storage
from evidence.services import packs_report


@pytest.fixture
def no_report(monkeypatch):
    """Packs of this test have a page of nothing as report: what it is about is elsewhere."""

    def render(html, identifier, target, alive):
        target.write(b"%PDF-")
        alive()

    monkeypatch.setattr(packs_report, "render_pdf", render)


@pytest.fixture
def pack_root(tmp_path, monkeypatch):
    """The folder that packs of this test go to."""
    storage = pack_storage()
    monkeypatch.setitem(storage.__dict__, "location", str(tmp_path))
    return tmp_path
