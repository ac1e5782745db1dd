"""What the tests of packs need: commits that others see, and a folder of their own for files."""

from __future__ import annotations

import pytest
from django.db import connection

from evidence.models.packs import pack_storage
from evidence.services import packs_report
from vendors.models import Epoch


@pytest.fixture
def _tables_can_be_emptied(request):
    """Around `transactional_db`: lets its flush empty append-only tables, and mends what it took.

    Set up first, so torn down last.
    """
    request.getfixturevalue("django_db_setup")
    yield
    with request.getfixturevalue("django_db_blocker").unblock(), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = origin")
        Epoch.objects.get_or_create(pk=1)


@pytest.fixture
def committed(_tables_can_be_emptied, transactional_db):
    """A database whose rows are committed, as a builder with its own connection needs them."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")


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
