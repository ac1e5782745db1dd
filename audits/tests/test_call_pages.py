import csv
import datetime as dt
import io
import json
import zipfile

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.models import ReadEvent
from audits.services.sweeping import sweep
from audits.tests import make
from policies.tests.make import person

LIST = "/calls/"


@pytest.fixture
def calls(api) -> list[str]:
    """An allowed and completed call, a denied one, one left open."""
    ids = [api.open(region=r).json()["call_id"] for r in ("us-east-1", "eu-west-1", "us-east-1")]
    api.complete(ids[0])
    return ids


def text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_the_list_shows_call_and_end_side_by_side(officer, calls, integration):
    page = text(officer.get(LIST))
    assert all(call_id in page for call_id in calls)
    assert integration.name in page
    for words in (
        "Allowed",
        "Denied",
        "region-not-allowed",
        "Succeeded",
        "Open",
        "512 → 128",
    ):
        assert words in page
    assert "calls-by-day" in page


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("decision=deny", [1]),
        ("reason=region-not-allowed", [1]),
        ("outcome=succeeded", [0]),
        ("phi_present=false", []),
        ("model=gpt-4.1", [0, 1, 2]),
        ("log=test", []),
        ("start=2026-01-01", [0, 1, 2]),
        ("end=2026-01-01", []),
    ],
)
def test_filters(officer, calls, query, numbers):
    page = text(officer.get(f"{LIST}?{query}"))
    assert [n for n in range(3) if calls[n] in page] == numbers


def test_filters_by_integration_and_vendor(officer, calls, integration):
    other = make.active_integration()
    for query, seen in [
        (f"integration={integration.slug}", True),
        (f"integration={other.slug}", False),
        (f"vendor={integration.service.vendor.slug}", True),
        (f"vendor={other.service.vendor.slug}", False),
    ]:
        assert (calls[0] in text(officer.get(f"{LIST}?{query}"))) is seen


def test_orphans_are_found(officer, calls):
    assert calls[2] not in text(officer.get(f"{LIST}?orphan=true"))
    later = timezone.now() + dt.timedelta(minutes=11)
    sweep(at=later)
    page = text(officer.get(LIST))
    assert "Never completed" in page


@pytest.mark.parametrize("query", ["end=9999-12-31", "end=0001-01-01", "start=0001-01-01"])
def test_a_day_beyond_all_records_is_refused(officer, calls, query):
    for page in (LIST, "/access/events/"):
        answer = officer.get(f"{page}?{query}")
        assert "No record is of that time." in answer.content.decode()
    assert officer.get(f"{LIST}?{query}").status_code == 400


def test_a_period_that_ends_before_it_begins_is_refused(officer, calls):
    answer = officer.get(f"{LIST}?start=2026-11-02&end=2026-11-01")
    assert answer.status_code == 400
    assert "The period ends before it begins." in answer.content.decode()


def test_a_cursor_that_is_none_is_refused(officer, calls):
    assert officer.get(f"{LIST}?cursor=nonsense").status_code == 400


def test_older_pages_are_reached_without_counting(officer, api, django_assert_max_num_queries):
    ids = [api.open().json()["call_id"] for _ in range(30)]
    # The first request of a session notes that somebody is there.
    officer.get("/style/")
    with django_assert_max_num_queries(12):
        first = officer.get(LIST)
    assert ids[29] in text(first)
    assert ids[4] not in text(first)
    more = first.context["page"].older
    with django_assert_max_num_queries(12):
        second = officer.get(LIST, {"cursor": more})
    page = text(second)
    assert [n for n in range(30) if ids[n] in page] == [0, 1, 2, 3, 4]
    assert not second.context["page"].older
    newer = officer.get(LIST, {"cursor": second.context["page"].newer})
    assert [row.record_id for row in newer.context["rows"]] == [
        row.record_id for row in first.context["rows"]
    ]
    assert not newer.context["page"].newer


def test_a_call_shows_verdict_reasons_papers_and_end(officer, calls, integration):
    page = text(officer.get(reverse("audits:call-detail", args=[calls[0]])))
    assert integration.service.vendor.agreements.get().reference in page
    assert "Succeeded" in page
    denied = text(officer.get(reverse("audits:call-detail", args=[calls[1]])))
    assert "Region not allowed" in denied
    assert "Use the approved region" in denied
    nothing = reverse("audits:call-detail", args=["0198d5c2-6a70-7c3e-9a41-5d2f8b6c1e07"])
    assert officer.get(nothing).status_code == 404


def test_the_calls_of_an_integration(officer, calls, integration, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        page = text(officer.get(reverse("audits:integration-calls", args=[integration.slug])))
    assert all(call_id in page for call_id in calls)
    assert "2 allowed, 1 denied in 30 days" in page


def test_every_read_is_recorded(officer, calls):
    officer.get(f"{LIST}?decision=deny")
    officer.get(reverse("audits:call-detail", args=[calls[0]]))
    officer.get("/calls/export/?kind=csv")
    events = list(ReadEvent.objects.order_by("pk"))
    assert [e.action for e in events] == ["list", "detail", "export"]
    assert events[0].filters == {"decision": "deny", "log": "live"}
    assert events[1].subject_id == calls[0]
    assert (events[2].row_count, events[2].filters["kind"]) == (3, "csv")


def test_what_is_exported_is_what_is_seen(officer, calls):
    answer = officer.get("/calls/export/?kind=csv&decision=allow")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["Call id"] for row in rows] == [calls[0], calls[2]]
    assert (rows[0]["Outcome"], rows[1]["Outcome"]) == ("succeeded", "")
    lines = officer.get("/calls/export/?kind=jsonl").getvalue().splitlines()
    assert [json.loads(line)["call_id"] for line in lines] == calls
    book = officer.get("/calls/export/?kind=xlsx").getvalue()
    assert zipfile.ZipFile(io.BytesIO(book)).testzip() is None
    assert officer.get("/calls/export/?kind=exe").status_code == 400


@pytest.mark.parametrize(
    ("role", "seen", "exported"),
    [
        ("officer", 200, 200),
        ("auditor", 200, 200),
        ("engineer", 403, 403),
        ("viewer", 403, 403),
        ("administrator", 403, 403),
    ],
)
def test_who_may_see_and_export(calls, integration, role, seen, exported):
    client = Client()
    client.force_login(person(role))
    assert client.get(LIST).status_code == seen
    assert client.get(reverse("audits:call-detail", args=[calls[0]])).status_code == seen
    partial = reverse("audits:integration-calls", args=[integration.slug])
    assert client.get(partial).status_code == seen
    assert client.get("/calls/export/").status_code == exported


def test_an_owner_sees_the_own_log_alone_and_no_export(calls, integration):
    other = make.active_integration()
    client = Client()
    client.force_login(other.owner)
    page = text(client.get(LIST))
    assert calls[0] not in page
    assert integration.name not in page
    assert "JSON lines" not in page
    assert client.get(reverse("audits:call-detail", args=[calls[0]])).status_code == 404
    partial = reverse("audits:integration-calls", args=[integration.slug])
    assert client.get(partial).status_code == 403
    assert client.get("/calls/export/").status_code == 403
    client.force_login(integration.owner)
    assert calls[0] in text(client.get(LIST))


def test_strangers_sign_in_first(calls):
    for path in (LIST, f"/calls/{calls[0]}/", "/calls/export/"):
        assert Client().get(path).status_code == 302
