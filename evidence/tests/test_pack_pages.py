"""The pages of packs: asking, watching, cancelling, trying again, downloading, by role."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.urls import reverse
from django.utils import timezone

from audits.models import ReadEvent
from evidence.models import EvidencePack, PackEvent
from evidence.services import packs
from evidence.tasks import build_pack
from evidence.tests import make, make_packs
from policies.tests.make import person
from vendors.tests import make as register

LIST = reverse("evidence:pack-list")
CREATE = reverse("evidence:pack-create")


@pytest.fixture
def queued(monkeypatch):
    """The packs that were handed to a worker."""
    numbers = []
    monkeypatch.setattr(build_pack, "delay_on_commit", numbers.append)
    return numbers


@pytest.fixture
def auditor(client, db):
    user = person("auditor")
    client.force_login(user)
    return user


def filled(**fields):
    today = timezone.localdate()
    return {
        "title": "Third quarter",
        "period_start": today - dt.timedelta(days=30),
        "period_end": today,
        "datasets": ["vendors", "calls"],
        **fields,
    }


def asked(**fields):
    """A pack of the days before now, as the pages see it."""
    today = timezone.localdate()
    fields = {"period": (today, today), "today": today, "at": timezone.now(), **fields}
    return make_packs.asked(**fields)


def page(name, pack):
    return reverse(f"evidence:pack-{name}", args=[pack.pk])


def test_an_auditor_asks_for_a_pack_and_a_worker_gets_it(client, auditor, queued):
    answer = client.post(CREATE, filled())
    pack = EvidencePack.objects.get()
    assert answer.url == page("detail", pack)
    assert pack.datasets == ["vendors", "calls"]
    assert pack.requested_by == auditor
    assert queued == [pack.pk]
    assert pack.events.get().kind == PackEvent.Kind.ASKED
    assert "Waiting for a worker" in client.get(answer.url).text


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"period_start": "2026-03-02", "period_end": "2026-03-01"}, "ends before it begins"),
        ({"period_end": dt.date(2999, 1, 1)}, "lies in the future"),
        ({"period_end": "soon"}, "Enter a valid date"),
        ({"datasets": []}, "This field is required"),
        ({"datasets": ["secrets"]}, "Select a valid choice"),
        ({"vendors": [0]}, "Select a valid choice"),
        ({"title": ""}, "This field is required"),
    ],
)
def test_bad_input_is_said_clearly_and_nothing_is_stored(client, auditor, queued, fields, error):
    answer = client.post(CREATE, filled(**fields))
    assert answer.status_code == 400
    assert error in answer.text
    assert not EvidencePack.objects.exists()
    assert not queued


def test_an_integration_of_another_vendor_is_refused(client, auditor, queued):
    inside, outside = make.quiet(), make.quiet()
    scope = {"vendors": [inside.service.vendor_id], "integrations": [outside.pk]}
    answer = client.post(CREATE, filled(**scope))
    assert "not among those chosen" in answer.text
    assert not EvidencePack.objects.exists()


def test_the_address_fills_in_the_period(client, auditor):
    answer = client.get(CREATE, {"period_start": "2026-07-01", "period_end": "nonsense"})
    assert 'value="2026-07-01"' in answer.text
    assert 'value="nonsense"' not in answer.text


def test_cancel_and_try_again(client, auditor, queued):
    pack = asked()
    client.post(page("cancel", pack))
    pack.refresh_from_db()
    assert pack.state == EvidencePack.State.CANCELLED
    client.post(page("retry", pack))
    pack.refresh_from_db()
    assert (pack.state, pack.attempt) == (EvidencePack.State.QUEUED, 2)
    assert queued == [pack.pk]
    kinds = list(pack.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["asked", "cancelled", "retried"]


def test_what_moves_cannot_be_tried_again_and_what_ended_cannot_be_cancelled(
    client, auditor, queued
):
    pack = asked()
    assert "moved on" in client.post(page("retry", pack), follow=True).text
    packs.cancel_pack(pack, by=auditor, at=timezone.now())
    assert "moved on" in client.post(page("cancel", pack), follow=True).text
    assert not queued


def test_a_failure_shows_why_and_offers_another_try(client, auditor):
    pack = asked()
    EvidencePack.objects.update(state="failed", failure="The disk may be full.")
    text = client.get(page("detail", pack)).text
    assert "The disk may be full." in text
    assert page("retry", pack) in text
    assert "every 2s" not in text


def test_a_worker_that_died_is_seen(client, auditor):
    pack = asked()
    long_ago = timezone.now() - packs.BUILDER_SILENT - dt.timedelta(seconds=1)
    EvidencePack.objects.update(state="building", heartbeat_at=long_ago)
    text = client.get(page("detail", pack)).text
    assert "Nothing is heard of the worker" in text
    assert page("retry", pack) in text
    EvidencePack.objects.update(heartbeat_at=timezone.now())
    text = client.get(page("detail", pack)).text
    assert "every 2s" in text
    assert page("retry", pack) not in text


@pytest.mark.usefixtures("committed", "pack_root", "no_report")
def test_a_download_is_whole_and_recorded(client):
    auditor = person("auditor")
    client.force_login(auditor)
    pack = make_packs.built()
    assert "Vendors" in client.get(page("detail", pack)).text
    answer = client.get(page("download", pack))
    assert len(b"".join(answer.streaming_content)) == pack.size_bytes
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "unsigned.zip" in answer["Content-Disposition"]
    assert answer["Cache-Control"] == "no-store"
    event = pack.events.get(kind=PackEvent.Kind.DOWNLOADED)
    assert (event.actor, event.sha256) == (auditor, pack.sha256)
    read = ReadEvent.objects.get(subject="evidence.evidencepack")
    assert (read.user, read.action, read.subject_id) == (auditor, "download", str(pack.pk))


@pytest.mark.usefixtures("committed", "pack_root", "no_report")
def test_a_file_that_is_gone_is_said_and_not_recorded(client):
    client.force_login(person("auditor"))
    pack = make_packs.built()
    pack.file.storage.delete(pack.file.name)
    answer = client.get(page("download", pack), follow=True)
    assert "not where it was put" in answer.text
    assert not pack.events.filter(kind=PackEvent.Kind.DOWNLOADED).exists()


@pytest.mark.parametrize(
    ("role", "status"),
    [("officer", 200), ("auditor", 200), ("engineer", 403), ("viewer", 403)],
)
def test_who_sees_and_makes_packs(client, db, role, status):
    client.force_login(person(role))
    pack = asked()
    for address in (LIST, CREATE, page("detail", pack)):
        assert client.get(address).status_code == status
    changes = [client.post(page(name, pack)).status_code for name in ("cancel", "retry")]
    assert changes == ([302, 302] if status == 200 else [403, 403])
    assert client.get(page("download", pack)).status_code == (404 if status == 200 else 403)


def test_get_changes_nothing(client, auditor):
    pack = asked()
    assert client.get(page("cancel", pack)).status_code == 405
    assert client.get(page("retry", pack)).status_code == 405


def test_the_list_needs_as_many_queries_for_many(client, auditor, django_assert_max_num_queries):
    for number in range(30):
        asked(title=f"Pack {number}")
    with django_assert_max_num_queries(12):
        answer = client.get(LIST)
    assert "Pack 29" in answer.text
    assert "Pack 1<" not in answer.text
    assert "Pack 7" in client.get(LIST, {"title": "pack 7"}).text


def test_an_empty_list_says_what_to_do(client, auditor):
    assert "No pack yet" in client.get(LIST).text


def test_the_file_holds_the_packs_that_the_list_shows(client, auditor):
    vendor = register.vendor(name="Larkspur")
    asked(title="=cmd()", vendors=[vendor])
    asked(title="Third quarter")
    answer = client.get(reverse("evidence:pack-export", args=["csv"]))
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(row["Pack"], row["Vendors"], row["State"]) for row in rows] == [
        ("Third quarter", "All", "Queued"),
        ("'=cmd()", "Larkspur", "Queued"),
    ]
    narrow = client.get(reverse("evidence:pack-export", args=["csv"]), {"title": "third"})
    assert "cmd" not in narrow.getvalue().decode()
    xlsx = client.get(reverse("evidence:pack-export", args=["xlsx"]))
    assert xlsx.getvalue().startswith(b"PK")
    assert client.get(reverse("evidence:pack-export", args=["pdf"])).status_code == 404
