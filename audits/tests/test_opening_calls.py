import datetime as dt
import uuid

from django.utils import timezone

from audits.models import Call
from audits.services.facts import Facts
from audits.tests import make
from policies.gate import CallTerms
from vendors.models import Agreement


def test_a_good_call_is_allowed_and_recorded_with_what_it_rests_on(api, integration):
    body = make.call_body()
    answer = api.post("calls", body)
    assert answer.status_code == 201, answer.content
    said = answer.json()
    call = Call.objects.get(call_id=body["call_id"])
    assert (said["decision"], said["reasons"]) == ("allow", [])
    assert call.decision == "allow"
    assert call.integration == integration
    assert call.verdict.baa_reference == integration.service.vendor.agreements.get().reference
    assert call.verdict.report_id is not None
    assert call.verdict.fact_ids
    assert said["receipt"]["record"] == call.index
    assert said["lease_until"] > said["receipt"]["received_at"]


def test_an_expired_baa_denies_the_next_phi_call_and_the_record_names_every_reason(
    api, integration
):
    assert api.open().json()["decision"] == "allow"
    agreement = integration.service.vendor.agreements.get()
    agreement.terminated_on = dt.date(2026, 1, 1)
    agreement.save()
    said = api.open(region="eu-west-1").json()
    assert said["decision"] == "deny"
    assert [r["code"] for r in said["reasons"]] == ["baa-expired", "region-not-allowed"]
    assert all(r["sentence"] and r["remedy"] for r in said["reasons"])
    assert said["lease_until"] is None
    assert Call.objects.get(call_id=said["call_id"]).reasons == [
        "baa-expired",
        "region-not-allowed",
    ]


def test_a_repeat_gets_the_first_answer_and_stores_nothing(api):
    body = make.call_body()
    first = api.post("calls", body)
    again = api.post("calls", dict(reversed(body.items())))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert again.json() == first.json()
    assert Call.objects.count() == 1


def test_an_id_is_not_used_for_two_calls(api):
    body = make.call_body()
    api.post("calls", body)
    answer = api.post("calls", {**body, "model": "gpt-5"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:countersign:problem:call-id-reused"
    assert Call.objects.count() == 1


def test_another_integration_cannot_repeat_the_call(api):
    body = make.call_body()
    api.post("calls", body)
    other = make.Api(api.client, make.key(make.active_integration())[1])
    assert other.post("calls", body).status_code == 422


def test_a_key_speaks_for_its_own_integration_alone(api, integration):
    assert api.open(integration=integration.slug).status_code == 201
    answer = api.open(integration="another")
    assert answer.status_code == 403
    assert answer.json()["type"].endswith(":integration-mismatch")


def test_a_test_key_writes_to_a_log_of_its_own(api, integration):
    secret = make.key(integration, secret="csk_test_" + "t" * 30, livemode=False)[1]
    said = make.Api(api.client, secret).open().json()
    assert said["livemode"] is False
    assert not Call.objects.live().filter(call_id=said["call_id"]).exists()


def test_the_day_is_that_of_the_organization(integration, settings):
    """At 23:30 in New York it is the next day in UTC, and the agreement still holds."""
    settings.TIME_ZONE = "America/New_York"
    timezone.get_default_timezone.cache_clear()
    agreement = integration.service.vendor.agreements.get()
    Agreement.objects.filter(pk=agreement.pk).update(terminated_on=dt.date(2026, 11, 21))
    late = dt.datetime(2026, 11, 21, 4, 30, tzinfo=dt.UTC)
    terms = Facts()
    try:
        decided = [
            terms.state().decide(integration.pk, _terms(), at)
            for at in (late, late + dt.timedelta(hours=1))
        ]
    finally:
        timezone.get_default_timezone.cache_clear()
    assert [d.decision for d in decided] == ["allow", "deny"]


def _terms():
    return CallTerms(model="gpt-4.1", region="us-east-1", phi_present=True, data_classes=("phi",))


def test_clock_skew_is_refused_with_a_sentence(api):
    for offset in (dt.timedelta(minutes=6), -dt.timedelta(days=8)):
        answer = api.open(started_at=(timezone.now() + offset).isoformat())
        assert answer.status_code == 400
        assert answer.json()["type"].endswith(":clock-skew")
    fine = api.open(started_at=(timezone.now() - dt.timedelta(hours=1)).isoformat())
    assert fine.status_code == 201


def test_ids_come_in_any_version_of_uuid(api):
    assert api.open(call_id=str(uuid.uuid1())).status_code == 201
