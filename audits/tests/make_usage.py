"""Plain functions that make sources of counts, imports of them, and recorded calls to compare."""

from __future__ import annotations

import datetime as dt
import uuid
from itertools import count

from audits.completeness.comparing import Count
from audits.models import UsageImport, UsageMapping, UsageSource
from audits.services.usage_imports import Taken, store
from audits.tests import make_records
from policies.tests import make as policies

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
TODAY = NOW.date()
_number = count(1)


def day(ago: int) -> dt.date:
    return TODAY - dt.timedelta(days=ago)


def source(**fields) -> UsageSource:
    number = next(_number)
    fields = {
        "name": f"Source {number}",
        "provider": "openai",
        "created_at": NOW - dt.timedelta(days=200),
        **fields,
    }
    return UsageSource.objects.create(**fields)


def api_source(url: str, **fields) -> UsageSource:
    return source(kind="openai", base_url=url, key_name="main", **fields)


def mapping(of: UsageSource, integration=None, **fields) -> UsageMapping:
    return UsageMapping.objects.create(source=of, integration=integration, **fields)


def imported(
    of: UsageSource, *counts: Count, days: tuple[dt.date, dt.date], at: dt.datetime = NOW, costs=()
) -> UsageImport:
    taken = Taken(
        UsageImport.Origin.FILE,
        tuple(counts),
        tuple(costs),
        days,
        uuid.uuid4().hex * 2,
        10,
        len(counts),
    )
    stored = store(of, taken, by=None, at=at)
    assert stored is not None
    return stored


def called(of, on: dt.date, *, times: int = 1, outcome: str = "succeeded", **fields) -> None:
    """Calls of an integration at noon of a day (UTC), each with its completion; "" for none."""
    at = fields.get("at", dt.datetime.combine(on, dt.time(12), dt.UTC))
    key = of.keys.first() or policies.key(of)[0]
    for _ in range(times):
        call = make_records.call(of, key, at=at, decision=fields.get("decision", "allow"))
        if not outcome:
            continue
        done = outcome == "succeeded"
        make_records.completion(
            call,
            at=at + dt.timedelta(seconds=fields.get("late_by", 1)),
            outcome=outcome,
            input_tokens=fields.get("tokens", 100) if done else None,
            output_tokens=0 if done else None,
            usage_source="provider" if done else "none",
        )
