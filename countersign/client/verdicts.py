"""What the portal's answer to POST /calls comes to."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from countersign.client.answers import LEASE_S, Go, Reason
from countersign.client.draining import problem_code
from countersign.client.http import Answer


@dataclass(frozen=True, slots=True)
class Denied:
    """The call is recorded, as denied."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Away:
    """No whole answer, or one that says that nothing can be recorded now."""

    code: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The portal is there and does not take the key or the record: it won't later either."""

    code: str
    status: int


Verdict: TypeAlias = Go | Denied | Away | Refused

_MAX_REASONS = 30


def judged(answer: Answer, call_id: str) -> Verdict:
    """The portal's answer to this call; what is no such answer counts as none."""
    if answer.status in {200, 201}:
        try:
            return _stored(json.loads(answer.body), call_id)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Away("no-whole-answer")
    code = problem_code(answer)
    is_problem = code != "no-whole-answer"
    if 400 <= answer.status < 500 and answer.status != 429 and is_problem:
        return Refused(code, answer.status)
    return Away(code if is_problem else f"status-{answer.status}")


def _stored(found: Mapping[str, object], call_id: str) -> Verdict:
    """Raises: ValueError, KeyError, TypeError or AttributeError if it is no such answer."""
    receipt, decision = found["receipt"], found["decision"]
    if str(found["call_id"]).lower() != call_id.lower() or not isinstance(receipt, dict):
        raise ValueError
    if decision == "deny":
        return Denied(_reasons(found["reasons"]))
    if decision != "allow":
        raise ValueError
    until = dt.datetime.fromisoformat(str(found["lease_until"]))
    received = dt.datetime.fromisoformat(str(receipt["received_at"]))
    lease_s = (until - received).total_seconds()  # both by the portal's clock
    return Go(call_id, receipt, lease_s if lease_s > 0 else LEASE_S)


def _reasons(told: object) -> tuple[Reason, ...]:
    if not isinstance(told, list):
        raise TypeError
    return tuple(
        Reason(str(each["code"])[:60], str(each["sentence"])[:400]) for each in told[:_MAX_REASONS]
    )
