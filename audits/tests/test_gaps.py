"""`POST /gaps`: what an observe client could not record is told, stored once and sealed."""

import datetime as dt

import pytest

from audits.models import Event, Gap
from audits.tests import make

CANARY = "Mr Smith, HIV positive"


def code(answer) -> str:
    return answer.json()["type"].removeprefix("urn:countersign:problem:")


def test_a_gap_is_stored_with_whose_it_is(api, integration):
    answer = api.post("gaps", body := make.gap_body())
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["event_id"], said["calls"]) == (body["event_id"], 17)
    gap = Gap.objects.get()
    assert (gap.integration, gap.key.integration) == (integration, integration)
    assert gap.livemode
    assert gap.received_at > gap.last_at > gap.first_at


def test_a_repeat_is_stored_once_and_another_under_its_id_is_refused(api):
    body = make.gap_body()
    first = api.post("gaps", body)
    again = api.post("gaps", body)
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    other = api.post("gaps", {**body, "calls": 18})
    assert (other.status_code, code(other)) == (422, "call-id-reused")
    assert Gap.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"calls": 0},
        {"calls": "1"},
        {"calls": 2**31},
        {"first_at": CANARY},
        {"last_at": "2026-11-21T09:29:59Z"},
        {"event_id": CANARY},
        {"prompt": CANARY},
    ],
)
def test_what_does_not_fit_is_refused_and_not_repeated(api, caplog, wrong):
    answer = api.post("gaps", make.gap_body(**wrong))
    assert (answer.status_code, code(answer)) == (400, "invalid-body")
    assert "Smith" not in answer.content.decode() + caplog.text
    assert not Gap.objects.exists()


def test_it_takes_a_key_that_may_write(api):
    reader = make.Api(api.client, make.key(make.active_integration(), scopes=["calls:read"])[1])
    refused = reader.post("gaps", make.gap_body())
    assert (refused.status_code, code(refused)) == (403, "key-scope")
    stranger = make.Api(api.client, "csk_live_" + "a" * 50).post("gaps", make.gap_body())
    assert stranger.status_code == 401


def test_it_is_an_entry_of_the_ledger(committed, client):
    integration = make.active_integration()
    api = make.Api(client, make.key(integration)[1])
    assert api.post("gaps", make.gap_body()).status_code == 201
    payload = Event.objects.get(type="gap").payload
    assert (payload["calls"], payload["integration"]) == (17, integration.pk)
    assert payload["sha256"]


def test_a_moment_is_kept_whatever_its_offset_and_refused_where_none_can_be(api):
    far = {"first_at": "2026-11-21T09:30:00+18:51", "last_at": "2026-11-21T09:30:00+18:51"}
    assert api.post("gaps", make.gap_body(**far)).status_code == 201
    assert Gap.objects.get().first_at == dt.datetime(2026, 11, 20, 14, 39, tzinfo=dt.UTC)
    for moment in ("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"):
        answer = api.post("gaps", make.gap_body(first_at=moment, last_at=moment))
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "first_at"
