"""Officers and auditors see what is where, search it, and set holds."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from audits.models import LegalHold, ReadEvent
from audits.tests import make_archive as make
from audits.tests.make_archive import ENTRIES
from policies.tests.make import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    return make.archive_in(tmp_path / "archive", monkeypatch)


@pytest.fixture
def officer(client):
    who = person("officer")
    client.force_login(who)
    return who


def test_partitions_with_their_archive_and_what_comes_next(
    client, officer, django_assert_max_num_queries
):
    make.small_ledger()
    make.fill(2 * ENTRIES + 40)
    event = make.archived(0, at=make.LONG_AGO + dt.timedelta(days=100))
    with django_assert_max_num_queries(14):
        page = client.get(reverse("audits:partition-list")).content.decode()
    assert bytes(event.manifest_sha256).hex()[:16] in page
    assert "leaves the database from 1 Mar 2025" in page
    assert "goes into the archive from 30 May 2019" in page
    assert "once it is full" in page


def test_an_empty_ledger_says_what_begins_it(client, officer):
    page = client.get(reverse("audits:partition-list")).content.decode()
    assert "Nothing is due yet" in page


def hold(client, **fields):
    data = {"scope": "all", "reason": "litigation", "reference": "2026-CV-0412", **fields}
    return client.post(reverse("audits:legalhold-create"), data)


def test_a_hold_is_set_and_released_by_another(client, officer):
    answer = hold(client)
    made = LegalHold.objects.get()
    assert answer.url == reverse("audits:legalhold-detail", args=[made.pk])
    page = client.get(answer.url).content.decode()
    assert "another person has to release it" in page
    release = reverse("audits:legalhold-release", args=[made.pk])
    assert client.post(release, {"reason": "closed"}).status_code == 403
    client.force_login(person("officer"))
    assert client.post(release, {"reason": "nothing"}).status_code == 400
    assert client.post(release, {"reason": "closed"}, follow=True).status_code == 200
    page = client.get(reverse("audits:legalhold-list")).content.decode()
    assert "No hold is in force" in page
    assert "2026-CV-0412" in page
    assert "Somebody released it before" in (
        client.post(release, {"reason": "closed"}, follow=True).content.decode()
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scope": "vendor"}, "This scope needs it."),
        ({"starts_on": "2026-01-01"}, "leave it empty"),
        (
            {"scope": "period", "starts_on": "2026-02-01", "ends_on": "2026-01-01"},
            "The last day is before the first.",
        ),
        ({"reference": "Mr Smith sued us"}, "a number, not a story"),
    ],
)
def test_a_hold_that_does_not_fit_is_refused(client, officer, fields, said):
    answer = hold(client, **fields)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert LegalHold.objects.count() == 0


def test_the_search_says_that_nothing_is_archived_yet(client, officer):
    page = client.get(reverse("audits:archive-search"), {"provider": "openai"})
    assert "Nothing is in the archive" in page.content.decode()
    read = ReadEvent.objects.get(subject="audits.archive")
    assert (read.action, read.filters) == ("search", {"provider": "openai"})


def test_a_search_that_is_not_understood_is_refused(client, officer):
    query = {"start": "2026-02-01", "end": "2026-01-01"}
    answer = client.get(reverse("audits:archive-search"), query)
    assert answer.status_code == 400
    assert "The period ends before it begins." in answer.content.decode()
