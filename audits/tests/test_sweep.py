import datetime as dt
import json
import uuid

import pytest
from django.utils import timezone

from audits.bodies import CallBody, CompletionBody, parse
from audits.models import Call, Completion
from audits.services.recording import extend_lease, record_call, record_completion
from audits.services.sweeping import sweep
from audits.tasks import sweep_calls, sweep_calls_of_days
from audits.tests import make
from policies.services.keyring import Caller

NOW = timezone.now()
OPENED = NOW - dt.timedelta(hours=1)


def opened(integration, *, count: int = 1, at: dt.datetime = OPENED, **fields) -> list[uuid.UUID]:
    key = integration.keys.first() or make.key(integration)[0]
    made = []
    for _ in range(count):
        body = parse(CallBody, json.dumps(make.call_body(**fields)).encode())
        made.append(record_call(body, caller=Caller.of(key), received_at=at).call_id)
    return made


def test_a_call_whose_lease_is_over_is_closed_as_unknown(integration):
    (call_id,) = opened(integration)
    assert sweep(at=OPENED + dt.timedelta(minutes=9)) == 0
    assert sweep(at=NOW) == 1
    stored = Completion.objects.get(call_id=call_id)
    assert (stored.outcome, stored.swept, stored.late) == ("unknown", True, False)
    assert sweep(at=NOW) == 0


def test_what_is_not_closed(integration):
    opened(integration, region="eu-west-1")
    (done,) = opened(integration)
    caller = Caller.of(integration.keys.get())
    body = CompletionBody(event_id=uuid.uuid4(), outcome="failed")
    record_completion(done, body, caller=caller, received_at=OPENED)
    (running,) = opened(integration)
    extend_lease(running, caller=caller, received_at=NOW - dt.timedelta(minutes=5))
    opened(integration, at=NOW)
    assert sweep(at=NOW) == 0
    assert sweep(at=NOW + dt.timedelta(minutes=6)) == 1
    assert Completion.objects.get(swept=True).call_id == running


def test_a_late_completion_is_added_and_counts(integration):
    (call_id,) = opened(integration)
    sweep(at=NOW)
    assert Call.objects.unanswered(NOW).count() == 1
    body = CompletionBody(event_id=uuid.uuid4(), outcome="succeeded")
    done = record_completion(
        call_id, body, caller=Caller.of(integration.keys.get()), received_at=NOW
    )
    assert done.entry.late
    assert list(Completion.objects.order_by("index").values_list("outcome", "late")) == [
        ("unknown", False),
        ("succeeded", True),
    ]
    assert Call.objects.unanswered(NOW).count() == 0


def test_it_catches_up_in_batches(integration):
    opened(integration, count=7)
    assert sweep(at=NOW, batch=3) == 7
    assert Completion.objects.filter(swept=True).count() == 7


@pytest.mark.parametrize("batch", [2, 500])
def test_two_workers_at_once_close_each_call_once(live, batch):
    # The ledger's clock stands at the change of the register that was just committed.
    opened(live, count=40, at=timezone.now())
    over = timezone.now() + dt.timedelta(hours=1)
    closed = make.at_once(2, lambda _: sweep(at=over, batch=batch))
    sweep(at=over, batch=batch)
    assert sum(closed) <= 40
    assert Completion.objects.filter(swept=True).count() == 40
    assert len(set(Completion.objects.values_list("call_id", flat=True))) == 40


def test_the_task_sweeps_what_is_over_now(integration):
    opened(integration, at=NOW - dt.timedelta(minutes=20))
    sweep_calls()
    assert Completion.objects.get().swept


def test_the_night_finds_what_the_minutes_missed(integration):
    opened(integration, at=NOW - dt.timedelta(hours=3))
    sweep_calls()
    assert not Completion.objects.exists()
    sweep_calls_of_days()
    assert Completion.objects.get().swept
