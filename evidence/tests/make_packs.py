"""Packs that are asked for and built, for tests that break one thing of them."""

from __future__ import annotations

import datetime as dt

from evidence.services import packs, packs_building
from policies.tests.make import NOON, person
from vendors.tests.make import TODAY


class TimeIsUp(Exception):
    """What a worker raises when its time is over."""


def asked(**fields):
    """A pack of the 90 days up to TODAY, of everything, asked for by an auditor."""
    fields = {
        "title": "Third quarter",
        "period": (TODAY - dt.timedelta(days=89), TODAY),
        "at": NOON,
        "today": TODAY,
        **fields,
    }
    fields["by"] = fields.get("by") or person("auditor")
    return packs.ask_pack(**fields)


def built(pack=None, *, at: dt.datetime = NOON + dt.timedelta(hours=1), **fields):
    """The pack after a worker had its go at it."""
    pack = pack or asked(**fields)
    packs_building.build_pack(pack.pk, at=at, time_up=TimeIsUp)
    pack.refresh_from_db()
    return pack
