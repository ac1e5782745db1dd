"""The client and the portal's own ingest server: what one sends the other takes, end to end."""

import datetime as dt

import pytest
from django.utils import timezone

from audits.models import Call, Completion
from audits.tests import make
from countersign import bundles
from countersign.client import ids
from countersign.client.bundles import FILE
from countersign.client.http import PortalHttp, Unreachable
from countersign.client.recording import Go, Recorder, Stop
from countersign.client.settings import Settings
from countersign.tests.portal_double import PortalDouble

DIGEST = "hmac-sha256:k1:" + "ab" * 32


class Line(PortalHttp):
    """The way to the portal, which may be cut."""

    cut = False

    def post(self, *arguments, **named):
        if self.cut:
            raise Unreachable("connection-refused")
        return super().post(*arguments, **named)


@pytest.fixture
def recorder_of(port, tmp_path):
    """A client of a PHI integration that is allowed, with a bundle of its mode on its disk."""
    integration = make.active_integration()
    secret = make.key(integration)[1]
    made = []

    def make_recorder(mode: str) -> Recorder:
        double = PortalDouble(mode=mode)
        double.server.server_close()
        double.content |= {"integration": integration.slug, "livemode": True}
        folder = tmp_path / "spool"
        folder.mkdir(mode=0o700, exist_ok=True)
        double.issued_at = bundles.slot(timezone.now())
        (folder / FILE).write_bytes(double.bundle()[0])
        settings = Settings.read(
            f"http://127.0.0.1:{port}",
            secret,
            environment={},
            integration=integration.slug,
            bundle_key=double.bundle_key,
            spool_dir=folder,
        )
        made.append(Recorder(settings, http=Line(settings)))
        return made[-1]

    yield make_recorder
    for each in made:
        each.close(1)


def body(**members) -> dict:
    """A call with each field that a client may send."""
    return {
        **make.call_body(call_id=ids.uuid7()),
        "operation_id": ids.uuid7(),
        "attempt": 2,
        "endpoint_host": "api.openai.com:443",
        "stream": True,
        "features": ["tools"],
        "session_id": "s-1",
        "purpose": "treatment",
        "input_digest": DIGEST,
        "sent_digest": DIGEST,
        "input_bytes": 12,
        "masked": {"identifiers": 3},
        **members,
    }


END = {
    "outcome": "succeeded",
    "http_status": 200,
    "finish_reason": "stop",
    "usage": {"input": 5, "output": 2, "cache": 1, "reasoning": 0},
    "usage_source": "provider",
    "ttfb_ms": 40,
    "latency_ms": 90,
    "provider_request_id": "req_1",
    "response_model": "gpt-4.1",
    "output_digest": DIGEST,
    "ended_at": ids.now(),
}


def test_a_call_its_sign_of_life_and_its_end_are_stored(recorder_of):
    recorder = recorder_of("strict")
    found = recorder.call(call := body())
    assert isinstance(found, Go), found
    assert found.receipt["checkpoint"]
    assert found.lease_s > 10
    recorder.lease(found.call_id)
    recorder.complete(found.call_id, END)
    assert recorder.flush(5)
    stored = Call.objects.get(call_id=call["call_id"])
    assert (stored.mode, stored.enforcement, stored.source) == ("strict", "enforce", "calls")
    assert stored.bundle == recorder.terms().bundle.id
    assert (stored.attempt, stored.masked) == (2, {"identifiers": 3})
    end = Completion.objects.get(call_id=call["call_id"])
    assert (end.outcome, end.input_tokens, end.without_call) == ("succeeded", 5, False)


def test_a_denial_comes_with_the_registers_reasons(recorder_of):
    found = recorder_of("strict").call(body(region="eu-west-1"))
    assert isinstance(found, Stop)
    assert found.code == "denied"
    assert [reason.code for reason in found.reasons] == ["region-not-allowed"]
    assert Call.objects.get().decision == "deny"


def test_a_journal_is_drained_once_the_portal_is_back(recorder_of, monkeypatch):
    recorder = recorder_of("spool")
    recorder.terms()
    recorder.http.cut = True
    earlier = "2026-01-02T03:04:05.678Z"
    calls = [body(), body(started_at=earlier), body(), body()]
    assert [recorder.call(call).recorded for call in calls] == ["journal"] * 4
    recorder.complete(calls[0]["call_id"], END)
    recorder.complete(calls[1]["call_id"], {"outcome": "failed", "error": "APIConnectionError"})
    recorder.http.cut = False
    assert recorder.flush(10)
    stored = {str(each.call_id): each for each in Call.objects.all()}
    assert set(stored) == {call["call_id"] for call in calls}
    assert {(each.source, each.mode) for each in stored.values()} == {("events", "spool")}
    late = stored[calls[1]["call_id"]]
    assert late.started_at == dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
    assert late.received_at.year == 2026 and late.received_at > late.started_at
    assert sorted(Completion.objects.values_list("outcome", flat=True)) == ["failed", "succeeded"]
    assert not Completion.objects.filter(without_call=True).exists()
