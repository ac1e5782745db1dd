"""Disposal beside people who read the same tables, with transactions that commit."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from audits.models import Batch
from audits.services import archiving, archiving_rows, retention, verifying
from audits.services.retention import Busy
from audits.tests import make_archive as make
from audits.tests.make_archive import ENTRIES

DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    return make.archive_in(tmp_path / "archive", monkeypatch)


def dsn():
    found = connection.get_connection_params()
    return {
        name: found[name]
        for name in ("dbname", "user", "password", "host", "port")
        if found.get(name)
    }


def test_who_reads_a_partition_is_waited_for_a_while_and_keeps_it(committed, monkeypatch, settings):
    """The head is not held while somebody's long query ends; nothing is half done."""
    settings.LEDGER_ARCHIVE_FORMAT = "ndjson"
    monkeypatch.setattr(retention, "LOCK_TIMEOUT", "200ms")
    make.shrink(1)
    make.fill(ENTRIES, ledger_id=1)
    archiving.archive_partition(1, 0, at=timezone.now())
    later = retention.years_later(timezone.now(), 6) + DAY
    with psycopg.connect(make_conninfo(**dsn())) as reader:
        reader.execute("SELECT count(*) FROM audits_batch")
        with pytest.raises(Busy, match="is being read"):
            retention.dispose_partition(1, 0, at=later)
    assert archiving_rows.stretch(1, 0).state == "archived"
    assert Batch.objects.filter(ledger_id=1, first_index=0).exists()
    retention.dispose_partition(1, 0, at=later)
    assert not Batch.objects.filter(ledger_id=1, first_index=0).exists()
    assert verifying.verify(1).disposed == ENTRIES
