import datetime as dt
import json

from audits.bodies import CallBody, parse
from audits.services import statistics
from audits.services.facts import Facts
from audits.services.recording import record_call
from audits.services.statistics import DayCount
from audits.tests import make
from policies.services.keyring import Caller
from vendors.tests.make import TODAY

DAY = dt.timedelta(days=1)


def opened(integration, at: dt.datetime, facts: Facts, **fields) -> None:
    key = integration.keys.filter(livemode=True).first() or make.key(integration)[0]
    body = parse(CallBody, json.dumps(make.call_body(**fields)).encode())
    record_call(body, caller=Caller.of(key), received_at=at, facts=facts)


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


def test_counts_by_day_reason_vendor_and_model(integration, django_assert_num_queries):
    make.key(integration)
    facts = Facts()
    for day, region in [
        (TODAY - DAY, "us-east-1"),
        (TODAY - DAY, "us-east-1"),
        (TODAY - DAY, "eu-west-1"),
        (TODAY, "eu-west-1"),
    ]:
        opened(integration, noon(day), facts, region=region)
    first, last = TODAY - 2 * DAY, TODAY
    with django_assert_num_queries(1):
        days = statistics.calls_by_day(first, last)
    assert days == [
        DayCount(first, 0, 0),
        DayCount(TODAY - DAY, 2, 1),
        DayCount(TODAY, 0, 1),
    ]
    calls = statistics.of_days(first, last)
    assert statistics.denials_by_reason(calls) == [("region-not-allowed", 2)]
    assert statistics.calls_by_vendor(calls) == [(integration.service.vendor.name, 4)]
    assert statistics.calls_by_model(calls) == [("gpt-4.1", 4)]
    assert statistics.calls_by_phi(calls) == [(True, 4)]
    assert calls.unanswered(noon(TODAY + DAY)).count() == 2
    assert statistics.of_days(TODAY, TODAY).count() == 1
    assert statistics.of_days(first, last, integrations=[]).count() == 0


def test_backdated_calls_are_judged_by_their_own_day(integration):
    make.key(integration)
    facts = Facts()
    agreement = integration.service.vendor.agreements.get()
    agreement.terminated_on = TODAY + DAY
    agreement.save()
    for day in (TODAY, TODAY + DAY, TODAY + 2 * DAY):
        opened(integration, noon(day), facts)
    days = statistics.calls_by_day(TODAY, TODAY + 2 * DAY)
    assert [(d.allowed, d.denied) for d in days] == [(1, 0), (0, 1), (0, 1)]


def test_a_test_key_counts_nowhere(integration):
    key = make.key(integration, secret="csk_test_" + "t" * 30, livemode=False)[0]
    body = parse(CallBody, json.dumps(make.call_body()).encode())
    record_call(body, caller=Caller.of(key), received_at=noon(TODAY), facts=Facts())
    assert statistics.calls_by_day(TODAY, TODAY) == [DayCount(TODAY, 0, 0)]
