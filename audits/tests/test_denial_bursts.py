"""Bursts of denied calls are found by the database, however many calls were denied."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.conf import settings
from django.db import connection

from audits.bursts import Burst, Happened, bursts
from audits.services.denial_bursts import DENIED_OFTEN, denied_often
from audits.tests import make_records
from policies.tests import make

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
DENIED = {"decision": "deny", "reasons": ["fact-stale"]}


def found(since: dt.datetime = NOW - dt.timedelta(days=1), until: dt.datetime = NOW) -> list[Burst]:
    told = denied_often(since=since, until=until)
    assert {each.reasons for each in told} <= {("fact-stale",)}
    return [each.burst for each in told]


def test_a_flood_hides_no_burst_before_it():
    use = make.active_integration()
    keys = [make.key(use)[0] for _ in range(2)]
    hour = dt.timedelta(hours=1)
    make_records.calls(use, keys[0], at=NOW - 9 * hour, count=30, **DENIED)
    make_records.calls(use, keys[1], at=NOW - hour, count=50_001, actor_id="a-loop", **DENIED)
    assert [(burst.whose[1:], burst.count) for burst in found()] == [
        ((None, "user", "a-loop"), 50_001),
        ((keys[1].pk, None, None), 50_001),
        ((None, "user", "u-1"), 30),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_they_are_those_that_the_pure_function_finds(seed, settings):
    settings.BURST_ACTOR_DENIALS, settings.BURST_KEY_DENIALS = 3, 4
    gap, chance = settings.BURST_GAP, random.Random(seed)  # noqa: S311 - moments to draw, no secret
    since, until = NOW - 12 * gap, NOW - 2 * gap
    uses = [make.active_integration() for _ in range(2)]
    keys = [make.key(use)[0] for use in (*uses, *uses)]
    by_actor, by_key = [], []
    # From before the time to after it, some exactly a gap apart, some at one moment.
    for at in sorted(NOW - chance.randrange(30) * gap / 2 for _ in range(60)):
        key, actor = chance.choice(keys), chance.choice(["u-1", "u-2"])
        use = key.integration
        index = make_records.call(use, key, at=at, actor_id=actor, **DENIED).index
        if since - gap <= at < until:
            by_actor.append(Happened(index, at, (use.pk, None, "user", actor)))
            by_key.append(Happened(index, at, (use.pk, key.pk, None, None)))
    expected = [
        burst
        for happened, least in ((by_actor, 3), (by_key, 4))
        for burst in bursts(happened, least=least, gap=gap, since=since - gap)
        if burst.ended_at >= since
    ]
    assert len(expected) > 1
    assert sorted(found(since, until), key=repr) == sorted(expected, key=repr)


def test_they_are_read_from_their_own_index():
    use = make.active_integration()
    make_records.calls(use, make.key(use)[0], at=NOW - settings.BURST_GAP, count=30, **DENIED)
    steps: list[str] = []

    def explain(execute, sql, params, many, context):
        if sql == DENIED_OFTEN:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
                cursor.execute("SET LOCAL enable_bitmapscan = off")
                cursor.execute(f"EXPLAIN {sql}", params)
                steps.extend(row[0] for row in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        assert len(found()) == 1
    plan = "\n".join(steps)
    assert "audits_call_1_0_ledger_id_index_idx" in plan
    assert "index >= $0" in plan
    # The index has no others.
    assert "decision" not in plan
