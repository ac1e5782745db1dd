"""Records from before there was a ledger are entered into it, and it says which they are."""

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from audits.models import Call, Completion, Event, Lease, LedgerHead, Verdict
from audits.services import verifying
from audits.services.adopting import adopt
from policies.tests import make

NOON = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
CALL = """
INSERT INTO audits_unsealed_call (
    epoch, call_id, body_sha256, received_at, lease_until, livemode, source, attempt, provider,
    operation, endpoint_host, region, model, stream, features, data_classes, phi_present,
    actor_type, actor_id, session_id, purpose, input_digest, sent_digest, masked, bundle, mode,
    enforcement, client, claimed_baa_reference, integration_id, key_id, decision, reasons, warnings,
    agreement_id, baa_reference, fact_ids, valid_until, terms_digest, policy_digest, started_at)
VALUES (7, %(call_id)s, sha256('body'), %(at)s, %(at)s, %(livemode)s, 'calls', 1, 'openai', 'chat',
        '', 'us-east-1', 'gpt-4.1', false, '{}', '{phi}', true, 'user', 'u-1042', '', '', '', '',
        '{"b": 2, "a": 1}', '', '', '', '', '', %(integration)s, %(key)s, 'allow', '{}', '{}', 5,
        'BAA-1', '{3,4}', '2027-01-31', 'ab', 'cd', %(at)s)
"""
COMPLETION = """
INSERT INTO audits_unsealed_completion (
    event_id, call_id, body_sha256, received_at, swept, late, without_call, livemode, outcome,
    error, finish_reason, usage_source, provider_request_id, response_model, output_digest,
    latency_ms)
VALUES (gen_random_uuid(), %(call_id)s, sha256('end'), %(at)s, false, false, false, %(livemode)s,
        'succeeded', '', '', 'none', '', '', '', 0)
"""
LEASE = """
INSERT INTO audits_unsealed_lease (call_id, received_at, lease_until)
VALUES (%(call_id)s, %(at)s, %(at)s)
"""


@pytest.fixture
def aside(db) -> list[uuid.UUID]:
    """Two live calls, of which the first went on and ended, and a test call."""
    key = make.key(make.active_integration())[0]
    ids = [uuid.uuid4() for _ in range(3)]
    with connection.cursor() as cursor:
        for number, (sql, n, livemode) in enumerate(
            [
                (CALL, 0, True),
                (CALL, 1, True),
                (LEASE, 0, True),
                (COMPLETION, 0, True),
                (CALL, 2, False),
            ]
        ):
            said = {
                "call_id": ids[n],
                "at": NOON + dt.timedelta(seconds=number),
                "livemode": livemode,
                "integration": key.integration_id,
                "key": key.pk,
            }
            cursor.execute(sql, said)
    return ids


def test_they_come_first_with_their_moments_and_an_entry_says_so(aside):
    now = timezone.now()
    assert adopt(at=now) == 5
    calls = Call.objects.live().order_by("index")
    assert list(calls.values_list("index", "call_id")) == [(1, aside[0]), (2, aside[1])]
    assert calls[0].received_at == NOON
    assert calls[0].masked == {"a": 1, "b": 2}
    assert Lease.objects.get().index == 3
    assert (Completion.objects.get().index, Completion.objects.get().call_index) == (4, 1)
    assert Verdict.objects.get().fact_ids == [3, 4]
    said = Event.objects.get(ledger_id=1, type="adopted")
    assert (said.index, said.subject) == (5, "live")
    assert said.payload == {
        "first_index": 1,
        "end_index": 5,
        "calls": 2,
        "completions": 1,
        "leases": 1,
    }
    assert said.received_at >= now.replace(microsecond=0)
    assert LedgerHead.objects.get(pk=2).size == 3


def test_what_was_entered_verifies_column_by_column(aside):
    adopt(at=timezone.now())
    for ledger_id, size in ((1, 6), (2, 3)):
        report = verifying.verify(ledger_id)
        assert not report.problems
        assert report.verified == size


def test_nothing_is_entered_twice_nor_behind_other_entries(aside):
    assert adopt(at=timezone.now()) == 5
    assert adopt(at=timezone.now()) == 0
    assert Call.objects.count() == 3


def test_an_empty_past_leaves_the_ledgers_empty(db):
    assert adopt(at=timezone.now()) == 0
    assert not LedgerHead.objects.filter(size__gt=0).exists()
