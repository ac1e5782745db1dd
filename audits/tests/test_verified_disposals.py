"""What was disposed of lawfully is verified by its hashes; what somebody dropped is not lawful."""

from __future__ import annotations

import pytest

from audits.models import Ledger, Verification
from audits.services import retention, verifications, verifying
from audits.tests import make_archive as make
from audits.tests import tampering as t
from audits.tests.make_archive import ENTRIES, LEDGER, SIX_YEARS_ON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path, settings):
    settings.DATA_DIR = tmp_path
    return make.archive_in(tmp_path / "archive", monkeypatch)


@pytest.fixture
def ledger() -> Ledger:
    """Two full partitions of 512 entries, and ten entries in a third."""
    small = make.small_ledger()
    make.fill(2 * ENTRIES + 10)
    return small


def run(ledger: Ledger, kind=Verification.Kind.FULL) -> Verification:
    return verifications.run(ledger, kind, at=SIX_YEARS_ON)


def test_disposed_entries_are_verified_by_their_hashes(ledger):
    kept = run(ledger)
    assert (kept.result, kept.disposed) == ("passed", 0)
    make.archived()
    retention.dispose_partition(LEDGER, 0, at=SIX_YEARS_ON)
    found = run(ledger)
    assert found.problems == []
    assert (found.result, found.disposed) == ("passed", ENTRIES)
    assert found.verified == found.expected == found.end - ENTRIES
    assert found.gaps == []
    again = run(ledger, Verification.Kind.INCREMENTAL)
    assert (again.result, again.disposed) == ("passed", 0)


def drop(number: int) -> None:
    for table in (*t.RECORDS, "audits_batch"):
        t.sql(f"DROP TABLE {table}_{LEDGER}_{number}")


def codes() -> set[str]:
    return {problem.code for problem in verifying.verify(LEDGER).problems}


def test_what_was_dropped_is_a_gap(ledger):
    drop(0)
    report = verifying.verify(LEDGER)
    assert report.gaps == [(0, ENTRIES)]
    assert "index-gap" in codes()


def test_what_was_dropped_and_called_disposed_is_not_lawful(ledger):
    drop(1)
    with t.superuser():
        t.sql(
            "UPDATE audits_partition SET state = 'disposed' WHERE ledger_id = %s AND number = 1",
            LEDGER,
        )
    report = verifying.verify(LEDGER)
    assert [problem.code for problem in report.problems] == ["disposal-unsaid"]
    assert report.disposed == ENTRIES
