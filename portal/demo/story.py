"""The demonstration: Alder Grove Health, made by the same services as real use.

Days are relative to the day it is made. Whoever makes it twice finds it there and changes nothing.
"""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from django.db import transaction

from audits.models import LedgerHead
from audits.services.sealing import seal_pending
from audits.services.sweeping import sweep
from evidence.models import EvidencePack
from evidence.services.findings import flag_findings, start_run
from evidence.services.packs import ask_pack
from evidence.services.packs_building import build_pack
from policies.models import DataClass, Integration
from policies.services.starter import load_data_classes
from portal.demo import access, events, grants, principals, uses
from portal.demo.acting import Company, company
from portal.demo.grants import keep_starting_pairs, settle_grants
from portal.demo.knowing import known_at, sealed_until, telling
from portal.demo.plans import plan_and_keep
from portal.demo.principals import note_callers
from portal.demo.questionnaires import ask_vendors
from portal.demo.register import record_register
from portal.demo.reviews import record_reviews
from portal.demo.rules import rule
from portal.demo.traffic import DAYS, Traffic, days
from portal.demo.usage import import_counts
from portal.demo.use_plans import USES
from vendors.services.catalogue import load_catalogue

# The catalogue came to the company before its first agreement; what was read since comes later.
CATALOGUE_DAY = -700
CHECKS_EVERY_DAYS = 7
PACK_TITLE = "Quarter to date"
# Those of one day and hour in this order: who may use something comes after it is registered.
STEPS = (*principals.STEPS, *uses.STEPS, *grants.STEPS, *events.STEPS, *access.STEPS)


def tell(*, on: dt.date, at: dt.datetime) -> bool:
    """Make the demonstration as of the day `on`, at the moment `at`. Returns: whether it did.

    The people must be there. All of it is one transaction but the evidence pack, whose builder
    reads a snapshot of its own. It is told of an empty ledger alone: the clock of one that has
    entries cannot be set back to where the story begins.
    """
    if was_told() or has_entries():
        return False
    with transaction.atomic(), telling():
        alder = company(on)
        with known_at(alder.moment(CATALOGUE_DAY, 9)):
            load_data_classes()
            load_catalogue(on=alder.day(CATALOGUE_DAY))
        keep_starting_pairs(alder)
        record_register(alder)
        record_reviews(alder)
        alder.classes = {each.slug: each for each in DataClass.objects.all()}
        ask_vendors(alder)
        _live_through(alder, at)
        rule(alder, at)
        plan_and_keep(alder)
        # The people too, who were made today.
        seal_pending(at=at)
    return True


def was_told() -> bool:
    """Whether the demonstration is there."""
    return Integration.objects.filter(slug=USES[0].slug).exists()


def has_entries() -> bool:
    """Whether a ledger has begun."""
    return LedgerHead.objects.filter(size__gt=0).exists()


def _live_through(alder: Company, now: dt.datetime) -> None:
    """What happened to integrations, the calls and the checks, one day after the other."""
    steps = sorted(STEPS, key=lambda step: (step.day, step.hour))
    by_day = {day: list(found) for day, found in groupby(steps, key=lambda step: step.day)}
    first = min(by_day)
    traffic, traffic_days = Traffic(alder), set(days())
    for offset in range(first, 1):
        for step in by_day.get(offset, ()):
            step.take(alder)
        if offset in traffic_days:
            sealed_until(min(alder.moment(offset, 12), now))
            traffic.of_day(offset, until=now)
            sweep(at=min(alder.moment(offset, 23, 50), now))
        if offset == 0:
            import_counts(alder, min(alder.moment(offset, 5), now))
        if offset % CHECKS_EVERY_DAYS == 0 and offset > -DAYS:
            at = min(alder.moment(offset, 6), now)
            # Jobs of each minute: once a week they find the same, and the telling stays short.
            note_callers(at)
            settle_grants(at)
            with known_at(at):
                flag_findings(start_run(on=alder.day(offset), at=at), at=at)
        sealed_until(min(alder.moment(offset, 23, 55), now))


def make_pack(*, on: dt.date, at: dt.datetime) -> EvidencePack | None:
    """Build one evidence pack as the auditor; None if there is one already."""
    if EvidencePack.objects.filter(title=PACK_TITLE).exists():
        return None
    auditor = company(on).people["auditor"]
    period = (on - dt.timedelta(days=DAYS), on)
    pack = ask_pack(title=PACK_TITLE, period=period, by=auditor, at=at, today=on)
    # Nothing but a worker ends a build when its time is over.
    build_pack(pack.pk, at=at, time_up=TimeoutError)
    return pack
