"""The page of security events: what it shows, narrows and exports, and that a look is recorded."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.urls import reverse
from django.utils import timezone

from audits.models import ReadEvent, SecurityEvent
from audits.services import ocsf_security
from audits.services.security import note_security
from policies.tests import make

pytestmark = pytest.mark.django_db

LIST = "audits:securityevent-list"


@pytest.fixture
def officer(client):
    person = make.person("officer", "olive@example.com")
    client.force_login(person)
    return person


def noted(kind: str = "sign-in-failed", **details):
    return note_security(kind, at=timezone.now(), **details)


def shown(client, **query) -> str:
    answer = client.get(reverse(LIST), query)
    assert answer.status_code == 200
    return answer.text.partition('id="results"')[2]


def test_the_page_says_what_happened_to_whom_by_whom_and_from_where(client, officer):
    person = make.person("viewer", "vera@example.com")
    noted("factor-reset", user=person, by=officer, address="203.0.113.7", reason="lost-device")
    text = shown(client)
    for words in ("Factors reset", "vera@example.com", "olive@example.com", "203.0.113.0/24"):
        assert words in text
    assert "lost device" in text
    assert "203.0.113.7" not in text


def test_what_was_noted_late_stands_at_its_moment_on_the_page_and_in_the_file(client, officer):
    now = timezone.now()
    for minutes in (30, 10, 20):
        note_security("sign-in", at=now - dt.timedelta(minutes=minutes), user=officer)
    page = client.get(reverse(LIST)).context["page_obj"]
    moments = [event.at for event in page]
    assert moments == [now - dt.timedelta(minutes=minutes) for minutes in (10, 20, 30)]
    lines = client.get(reverse("audits:securityevent-export", args=["ocsf"])).getvalue()
    told = [json.loads(line)["time"] for line in lines.splitlines()]
    assert told == sorted(told, reverse=True)


def test_somebody_unknown_is_shown_as_such_and_a_key_with_its_integration(client, officer):
    key, _ = make.key(make.active_integration())
    noted()
    noted("key-new-network", key_id=key.pk, address="203.0.113.7")
    text = shown(client)
    assert "Nobody known here" in text
    assert key.integration.name in text


def test_what_was_done_to_no_person_is_not_said_to_be_unknown(client, officer):
    note_security("grant-changed", at=timezone.now(), by=officer, subject="policies.grant:7")
    note_security("token-ended", at=timezone.now(), user=officer, reason="by-no-person")
    text = shown(client)
    assert "Nobody known here" not in text
    assert "No person" in text
    assert "by no person" in text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 3),
        ({"kind": "signed-out"}, 1),
        ({"outcome": "failure"}, 2),
        ({"q": "vera"}, 2),
        ({"start": "2026-11-20", "end": "2026-11-20"}, 1),
    ],
    ids=str,
)
def test_the_list_is_narrowed(client, officer, query, count):
    person = make.person("viewer", "vera@example.com")
    noted(user=person)
    noted("signed-out", user=person)
    note_security("sign-in-failed", at=dt.datetime(2026, 11, 20, 23, 59, tzinfo=dt.UTC))
    text = shown(client, **query)
    assert text.count('<th scope="row"') == count


def test_a_filter_that_does_not_fit_shows_nothing(client, officer):
    noted()
    answer = client.get(reverse(LIST), {"kind": "hunter2"})
    assert answer.status_code == 400
    assert '<th scope="row"' not in answer.text


def test_a_look_and_an_export_are_recorded_without_what_was_typed(client, officer):
    noted()
    client.get(reverse(LIST), {"outcome": "failure", "q": "vera smith"})
    client.get(reverse("audits:securityevent-export", args=["csv"]), {"outcome": "failure"})
    listed, exported = ReadEvent.objects.filter(subject="audits.securityevent").order_by("pk")
    assert (listed.action, listed.row_count) == ("list", 0)
    assert listed.filters == {"outcome": "failure"}
    assert (exported.action, exported.row_count) == ("export", 1)


def test_the_file_has_the_rows_of_the_list(client, officer):
    noted("signed-out", user=officer)
    noted()
    answer = client.get(
        reverse("audits:securityevent-export", args=["csv"]), {"kind": "signed-out"}
    )
    rows = b"".join(answer.streaming_content).decode().splitlines()
    assert [row.split(",")[1] for row in rows] == ["What happened", "Signed out"]


def test_the_same_as_ocsf_one_event_a_line(client, officer):
    person = make.person("viewer", "vera@example.com")
    noted(user=person, address="203.0.113.7", method="password")
    noted("grant-changed", user=person, by=officer, reason="given", subject="policies.grant:7")
    answer = client.get(reverse("audits:securityevent-export", args=["ocsf"]))
    given, failed = map(json.loads, b"".join(answer.streaming_content).splitlines())
    assert (failed["class_uid"], failed["type_uid"], failed["status_id"]) == (3002, 300201, 2)
    assert failed["user"]["uid"] == failed["actor"]["user"]["uid"] == str(person.pk)
    assert failed["unmapped"] == {"network": "203.0.113.0/24", "method": "password"}
    assert (given["class_uid"], given["activity_name"]) == (3005, "Assign Privileges")
    assert given["actor"]["user"]["uid"] == str(officer.pk)
    assert given["unmapped"]["subject"] == "policies.grant:7"


def test_every_kind_has_its_class():
    assert set(ocsf_security.ACTIVITIES) == set(SecurityEvent.Kind)
    for kind in SecurityEvent.Kind:
        told = ocsf_security.event(noted(kind))
        assert told["class_uid"] in ocsf_security.CLASSES
        assert "user" not in told


def test_the_page_asks_few_queries_however_many_events(
    client, officer, django_assert_max_num_queries
):
    for _ in range(30):
        noted(user=officer, by=make.person())
    client.get(reverse(LIST))
    with django_assert_max_num_queries(12):
        client.get(reverse(LIST))
