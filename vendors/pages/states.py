"""What the pages about a vendor's state show."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from vendors import charts
from vendors.models import Vendor, VendorCondition
from vendors.pages.reviews import changed_since, last_finished, review_lines
from vendors.services.register import BY_OFFBOARDING, TRANSITIONS
from vendors.tables import STATE_KINDS

State = Vendor.State
TRAIL_SHOWN = 50
COLUMNS = {
    State.PROSPECT: (90, 120),
    State.REJECTED: (90, 210),
    State.IN_REVIEW: (290, 120),
    State.APPROVED: (490, 50),
    State.CONDITIONS: (490, 190),
    State.SUSPENDED: (690, 120),
    State.OFFBOARDING: (890, 120),
    State.OFFBOARDED: (1090, 120),
}
# Steps whose straight line would run through other boxes.
BENDS = {
    (State.OFFBOARDING.value, State.IN_REVIEW.value): 165,
    (State.OFFBOARDED.value, State.IN_REVIEW.value): -165,
}


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """A condition with how it stands, and the days left while it is open."""

    condition: VendorCondition
    kind: str
    word: str
    days: int | None


@dataclass(frozen=True, slots=True)
class TrailLine:
    """A step of the vendor in its trail."""

    transition: Any
    kind: str


def state_drawing(vendor: Vendor) -> charts.StateMachine:
    """Every state and step, with those that may follow now marked."""
    places = tuple(
        charts.Place(state.value, str(state.label), *COLUMNS[state]) for state in COLUMNS
    )
    steps = {str(state): tuple(map(str, ends)) for state, ends in TRANSITIONS.items()}
    return charts.state_machine(
        places,
        steps,
        vendor.state,
        caption=charts.Caption(
            "states",
            "States of a vendor",
            "Which state may follow which; the present one is marked. The same as a table below.",
        ),
        bends=BENDS,
    )


def condition_lines(vendor: Vendor, on: dt.date) -> list[ConditionLine]:
    """The vendor's conditions, open ones first."""
    rows = vendor.conditions.select_related("owner", "met_by", "waived_by", "evidence", "review")
    lines = [_condition_line(condition, on) for condition in rows]
    return sorted(lines, key=lambda line: line.days is None)


def _condition_line(condition: VendorCondition, on: dt.date) -> ConditionLine:
    if condition.met_on:
        return ConditionLine(condition, "ok", "Met", None)
    if condition.waived_on:
        return ConditionLine(condition, "neutral", "Waived", None)
    days = (condition.due_on - on).days
    kind, word = ("bad", "Overdue") if days < 0 else ("soon", "Open")
    return ConditionLine(condition, kind, word, days)


def trail(vendor: Vendor) -> list[TrailLine]:
    """The steps of the vendor, newest first."""
    rows = vendor.transitions.select_related("by")[:TRAIL_SHOWN]
    kinds = {"ok": "ok", "bad": "bad", "soon": "soon"}
    return [TrailLine(row, kinds.get(STATE_KINDS[State(row.to_state)], "")) for row in rows]


def standing_of(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    """How the vendor stands: drawing, conditions, trail, offboarding."""
    open_one = vendor.offboardings.open().first()
    until = vendor.conditional_until
    return {
        "drawing": state_drawing(vendor),
        "conditions": condition_lines(vendor, on),
        "trail": trail(vendor),
        "offboarding": open_one,
        "left": vendor.offboardings.exclude(finished_on=None).first(),
        "can_offboard": State.OFFBOARDING in TRANSITIONS[vendor.state],
        "can_decide": bool(set(TRANSITIONS[vendor.state]) - set(BY_OFFBOARDING)) and not open_one,
        "conditional_days": (until - on).days if until else None,
    }


def reviews_tab(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    """What the tab of reviews needs."""
    last = last_finished(vendor)
    return {
        "lines": review_lines(vendor),
        "last": last,
        "changed": changed_since(last, on),
        **standing_of(vendor, on),
    }
