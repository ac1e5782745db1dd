"""Calls are found in the archive, whichever its format and whether the database has them or not."""

from __future__ import annotations

import datetime as dt
import json
import subprocess

import duckdb
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from audits.ledger import archive_query
from audits.models import Call, Completion, LegalHold, ReadEvent
from audits.services import archive_search, archiving, archiving_rows, holds, retention
from audits.services.archiving import NotArchived
from audits.services.restoring import restore_partition
from audits.tests import make
from audits.tests import make_archive as archive
from audits.tests.make import Api
from audits.tests.make_archive import ENTRIES
from policies.tests.make import person

pytestmark = pytest.mark.django_db
LIVE = 1


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    return archive.archive_in(tmp_path / "archive", monkeypatch)


@pytest.fixture(params=["ndjson", "parquet"])
def calls(request, settings, client):
    """Five calls of one integration in a partition of the live ledger, now in the archive."""
    settings.LEDGER_ARCHIVE_FORMAT = request.param
    archive.shrink(LIVE)
    integration = make.active_integration()
    _, secret = make.key(integration)
    api = Api(client, secret)
    ids = [json.loads(api.open(attempt=n + 1).content)["call_id"] for n in range(5)]
    api.complete(ids[0])
    api.complete(ids[1], outcome="failed")
    archive.fill(ENTRIES, at=timezone.now(), ledger_id=LIVE)
    archiving.archive_partition(LIVE, 0, at=timezone.now())
    return ids


def find(**filters):
    asked = archive_search.Asked(
        LIVE, filters.pop("start", None), filters.pop("end", None), filters
    )
    return archive_search.find(asked)


def later():
    return retention.years_later(timezone.now(), 6) + dt.timedelta(days=1)


def rows(model):
    found = model.objects.filter(ledger_id=LIVE, index__lt=ENTRIES)
    return list(found.order_by("index").values())


def test_calls_are_found_with_how_they_ended(calls):
    found = find()
    assert [call.call_id for call in found.calls] == calls[::-1]
    assert [call.outcome for call in found.calls] == ["", "", "", "failed", "succeeded"]
    assert found.calls[0].integration and not found.more
    stored = Call.objects.get(call_id=calls[0])
    last = found.calls[-1]
    assert (last.index, last.received_at) == (stored.index, stored.received_at)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"provider": "openai", "phi_present": True}, 5),
        ({"provider": "anthropic"}, 0),
        ({"outcome": "failed"}, 1),
        ({"decision": "deny"}, 0),
        ({"reason": "baa-missing"}, 0),
        ({"integrations": []}, 0),
    ],
)
def test_filters(calls, filters, count):
    assert len(find(**filters).calls) == count


def test_days_choose_the_archives_that_are_read(calls):
    now = timezone.now()
    assert len(find(start=now - dt.timedelta(hours=1), end=now).calls) == 5
    outside = find(end=now - dt.timedelta(days=1))
    assert (outside.calls, outside.places) == ([], [])


def test_what_was_disposed_of_is_found_and_comes_back_as_it_was(calls):
    before = rows(Call), rows(Completion)
    assert len(before[0]) == 5 and len(before[1]) == 2
    retention.dispose_partition(LIVE, 0, at=later())
    assert (rows(Call), rows(Completion)) == ([], [])
    found = find(call_id=calls[2])
    assert [call.call_id for call in found.calls] == [calls[2]]
    assert found.places[0].disposed
    restore_partition(LIVE, 0, at=later())
    assert (rows(Call), rows(Completion)) == before


def test_a_hold_of_an_integration_or_its_vendor_keeps_its_calls(calls):
    stored = Call.objects.get(call_id=calls[0])
    service = stored.integration.service
    other = make.active_integration(slug="another")
    part = archiving_rows.stretch(LIVE, 0)
    moments = archiving_rows.moments(part)
    covered = [
        LegalHold(scope="integration", integration=stored.integration),
        LegalHold(scope="vendor", vendor=service.vendor),
        LegalHold(scope="integration", integration=other),
    ]
    found = holds.covering(part, moments, covered)
    assert found[:2] == covered[:2]
    assert covered[2] not in found
    second = archiving_rows.stretch(LIVE, 1)
    assert holds.covering(second, moments, covered) == []


def test_a_changed_file_is_not_searched(calls, folder):
    path = next((folder / "live/000000/calls").iterdir())
    path.chmod(0o640)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(NotArchived, match="is not the one that was archived"):
        find()


def test_the_page_shows_what_is_found_and_records_that(calls, client):
    client.force_login(person("auditor"))
    page = client.get(reverse("audits:archive-search"), {"provider": "openai"})
    assert page.status_code == 200
    assert all(call_id in page.content.decode() for call_id in calls)
    read = ReadEvent.objects.get(subject="audits.archive")
    assert (read.action, read.row_count) == ("search", 5)


def test_the_command_asks_who_is_asking(calls, capsys):
    auditor = person("auditor")
    call_command("search_archive", "--by", auditor.email, "--outcome", "failed")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["call_id"] == calls[1]
    assert ReadEvent.objects.get(subject="audits.archive").user_id == auditor.pk
    with pytest.raises(CommandError, match="may not search"):
        call_command("search_archive", "--by", person("viewer").email)


def test_the_searching_process_can_open_nothing_else(tmp_path, monkeypatch):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    question = {"calls": {}, "completions": {}, "filters": {}, "limit": 1, "seconds": 5}
    for query in (
        f"FROM read_text('{secret}')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "INSTALL httpfs",
        "FROM read_parquet('http://127.0.0.1:9/x.parquet')",
        "SET enable_external_access = true",
        "SET memory_limit = '8GB'",
    ):
        monkeypatch.setattr(archive_query, "statement", lambda question, query=query: (query, []))
        with pytest.raises(duckdb.Error, match=r"disabled|locked|cannot|Cannot"):
            archive_query.search(question)


def test_a_search_that_takes_too_long_is_given_up(calls, monkeypatch):
    monkeypatch.setattr(archive_search, "SECONDS", 0.001)
    monkeypatch.setattr(archive_search.subprocess, "run", timed_out)
    with pytest.raises(archive_search.SearchFailed):
        find()


def timed_out(*arguments, **options):
    raise subprocess.TimeoutExpired(cmd="search", timeout=options["timeout"])


def test_nothing_but_rows_of_the_partition_is_in_its_files(calls):
    with connection.cursor() as cursor:
        cursor.execute('SELECT count(*) FROM audits_event WHERE ledger_id = 1 AND "index" < 512')
        (events,) = cursor.fetchone()
    files = archive.manifest("live/000000")["files"]
    counts = {file["name"].partition("/")[0]: file["rows"] for file in files}
    assert (counts["calls"], counts["completions"], counts["events"]) == (5, 2, events)
