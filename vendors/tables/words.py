"""How a page names and colours where a paper or a vendor stands on a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from vendors.coverage import Assurance
from vendors.models import Agreement, Vendor

SOON_DAYS = 60
ASSURANCE_WORDS = {
    Assurance.CURRENT: ("ok", "Current"),
    Assurance.BRIDGED: ("ok", "Bridged"),
    Assurance.TYPE1_ONLY: ("soon", "Type I only"),
    Assurance.TYPE1_OVERDUE: ("bad", "Type II overdue"),
    Assurance.QUALIFIED: ("bad", "Qualified"),
    Assurance.STALE: ("bad", "Stale"),
    Assurance.GAP: ("bad", "Gap"),
    Assurance.NONE: ("neutral", "None accepted"),
}
STATE_KINDS = {
    Vendor.State.PROSPECT: "neutral",
    Vendor.State.IN_REVIEW: "info",
    Vendor.State.APPROVED: "ok",
    Vendor.State.CONDITIONS: "soon",
    Vendor.State.REJECTED: "bad",
    Vendor.State.SUSPENDED: "bad",
    Vendor.State.OFFBOARDING: "soon",
    Vendor.State.OFFBOARDED: "neutral",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an agreement stands on a day: its colour, its word, and the day the word names."""

    kind: str
    word: str
    day: dt.date | None = None
    days: int | None = None


def standing(agreement: Agreement | None, on: dt.date) -> Standing:
    """Whether an agreement holds on a day, and until or since when."""
    if agreement is None:
        return Standing("neutral", "None")
    last = agreement.last_day()
    if last is not None and last < on:
        after = last + dt.timedelta(days=1)
        words = {agreement.superseded_on: "Replaced", agreement.terminated_on: "Terminated"}
        word = words.get(after, "Ended")
        return Standing("neutral" if word == "Replaced" else "bad", word, last, (last - on).days)
    if agreement.starts_on > on:
        return Standing("info", "Starts", agreement.starts_on)
    if last is None:
        return Standing("ok", "No end")
    days = (last - on).days
    return Standing("soon" if days <= SOON_DAYS else "ok", "To", last, days)
