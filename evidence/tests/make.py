"""Plain functions that make a good case; a test breaks one thing of it."""

from __future__ import annotations

import datetime as dt
import hashlib
from itertools import count

from audits.models import Call, Completion
from audits.tests import make_records
from evidence.models import CheckRun, Finding
from evidence.services.findings import flag_findings, start_run
from policies.models import Integration
from policies.tests.make import NOON, active_integration, key, person
from vendors.models import Document, Service
from vendors.tests import make
from vendors.tests.make import TODAY

_number = count(1)


def at(days: int = 0) -> dt.datetime:
    """Noon of the day `days` after TODAY."""
    return NOON + dt.timedelta(days=days)


def day(days: int = 0) -> dt.date:
    return TODAY + dt.timedelta(days=days)


def run(days: int = 0) -> CheckRun:
    """Run the checks `days` after TODAY."""
    return flag_findings(start_run(on=day(days), at=at(days)), at=at(days))


def codes(**filters) -> set[str]:
    """The codes of open findings."""
    return set(Finding.objects.open().filter(**filters).values_list("check_code", flat=True))


def paper() -> Document:
    name = f"paper-{next(_number)}.pdf"
    return Document.objects.create(
        file=name,
        name=name,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        size_bytes=1,
        content_type="application/pdf",
    )


def service(*, baa: dict | None = None, report: dict | None = None, **fields) -> Service:
    """A service for which no check has anything to say; `baa` and `report` break theirs."""
    made = make.service(make.vendor(**fields))
    make.baa(made.vendor, **{"document": paper(), **(baa or {})})
    make.report(made.vendor, by=person(), **(report or {}))
    return made


def quiet(**fields) -> Integration:
    """A live PHI integration of which no check says anything on TODAY."""
    fields.setdefault("service", None)
    fields["service"] = fields["service"] or service()
    return active_integration(**fields)


def call(of: Integration, *, days_ago: float = 1, answered: bool = True, **fields) -> Call:
    """A record of an allowed call, closed by its caller unless `answered` is false."""
    at = fields.pop("received_at", NOON - dt.timedelta(days=days_ago))
    by = fields.pop("key", None) or of.keys.first() or key(of)[0]
    known = {"model": "gpt-5", "actor_type": "service", "actor_id": "intake", **fields}
    made = make_records.call(of, by, at=at, **known)
    if answered:
        complete(made)
    return made


def complete(of: Call, *, swept: bool = False) -> Completion:
    return make_records.completion(
        of,
        at=of.received_at + dt.timedelta(minutes=1),
        swept=swept,
        outcome="unknown" if swept else "succeeded",
    )
