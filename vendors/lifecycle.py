"""Where an agreement stands on a day, and the ladder to its renewal; pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

ONE_DAY = dt.timedelta(days=1)
# Within so many days of its last one an agreement counts as expiring.
SOON_DAYS = 60


class Lasting(Protocol):
    """The days of an agreement. First and last day count; the other two are days after the last."""

    @property
    def starts_on(self) -> dt.date: ...
    @property
    def ends_on(self) -> dt.date | None: ...
    @property
    def terminated_on(self) -> dt.date | None: ...
    @property
    def superseded_on(self) -> dt.date | None: ...


class AgreementState(StrEnum):
    """The life of an agreement: the first three before it is signed, as a request for one."""

    NEEDED = "needed"
    REQUESTED = "requested"
    NEGOTIATING = "negotiating"
    SIGNED = "signed"
    IN_FORCE = "in_force"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    REPLACED = "replaced"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def kind(self) -> str:
        """The colour of the state."""
        return _KINDS[self]


_KINDS = {
    AgreementState.NEEDED: "soon",
    AgreementState.REQUESTED: "info",
    AgreementState.NEGOTIATING: "info",
    AgreementState.SIGNED: "info",
    AgreementState.IN_FORCE: "ok",
    AgreementState.EXPIRING: "soon",
    AgreementState.EXPIRED: "bad",
    AgreementState.TERMINATED: "bad",
    AgreementState.REPLACED: "neutral",
}
# The states that a recorded, signed agreement can be in.
RECORDED = tuple(AgreementState)[3:]


def last_day(lasting: Lasting) -> dt.date | None:
    """The last day in force, whatever ends it; None if nothing does yet.

    A day before `starts_on` means that it never was in force.
    """
    ends = [lasting.ends_on] if lasting.ends_on else []
    ends += [day - ONE_DAY for day in (lasting.terminated_on, lasting.superseded_on) if day]
    return min(ends) if ends else None


def agreement_state(lasting: Lasting, on: dt.date, *, soon_days: int = SOON_DAYS) -> AgreementState:
    """The state of a recorded agreement on the day `on`.

    Signed: it is not effective yet. Expiring: its last day is at most `soon_days` away, and no
    newer version takes over by then. One that a newer version replaced is not expired, whenever
    that version began; one that was terminated before stays terminated.
    """
    over = _over(lasting, on)
    if over is not None:
        return over
    if lasting.starts_on > on:
        return AgreementState.SIGNED
    last, replaced = last_day(lasting), lasting.superseded_on
    handed_over = replaced is not None and last == replaced - ONE_DAY
    soon = last is not None and not handed_over and (last - on).days <= soon_days
    return AgreementState.EXPIRING if soon else AgreementState.IN_FORCE


def _over(lasting: Lasting, on: dt.date) -> AgreementState | None:
    """What ended it by the day `on`; None if it has not ended."""
    replaced, ended = lasting.superseded_on, lasting.terminated_on
    reached = max(on, lasting.starts_on)
    if replaced and replaced <= reached and not (ended and ended < replaced):
        return AgreementState.REPLACED
    if ended and ended <= reached:
        return AgreementState.TERMINATED
    if lasting.ends_on and lasting.ends_on < on:
        return AgreementState.EXPIRED
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an agreement stands on a day: its colour, its word, and the day the word names."""

    kind: str
    word: str
    day: dt.date | None = None
    days: int | None = None
    state: AgreementState | None = None


def standing(lasting: Lasting | None, on: dt.date) -> Standing:
    """Whether an agreement holds on a day, and until or since when."""
    if lasting is None:
        return Standing("neutral", "None")
    state, last = agreement_state(lasting, on), last_day(lasting)
    if state is AgreementState.SIGNED:
        return Standing(state.kind, "Starts", lasting.starts_on, None, state)
    if last is None:
        return Standing(state.kind, "No end", None, None, state)
    word = {
        AgreementState.REPLACED: "Replaced",
        AgreementState.TERMINATED: "Terminated",
        AgreementState.EXPIRED: "Ended",
    }.get(state, "To")
    return Standing(state.kind, word, last, (last - on).days, state)


@dataclass(frozen=True, slots=True)
class Rung:
    """One day of the renewal ladder. `days` are from today to it, negative when it has passed.

    `days_before` is how many days before the last one it is; `notice` marks the last day on which
    notice can be given; `current` the step that today stands on.
    """

    on: dt.date
    days_before: int
    days: int
    notice: bool
    current: bool

    @property
    def passed(self) -> bool:
        return self.days < 0


def notice_deadline(ends_on: dt.date | None, notice_days: int) -> dt.date | None:
    """The last day on which it can be ended for `ends_on`; None if it has no end or no notice."""
    return ends_on - dt.timedelta(days=notice_days) if ends_on and notice_days else None


def ladder(
    lasting: Lasting, on: dt.date, *, notice_days: int, windows: Iterable[int]
) -> tuple[Rung, ...]:
    """The days before an agreement's end on which something is due, earliest first.

    `windows` are days before the last one on which notices go out. Empty where nothing ends it,
    where a newer version takes over, and after its end.
    """
    last, state = last_day(lasting), agreement_state(lasting, on)
    handed_over = lasting.superseded_on is not None
    if last is None or handed_over or state in (AgreementState.EXPIRED, AgreementState.TERMINATED):
        return ()
    by_notice = notice_deadline(lasting.ends_on, notice_days)
    days = {last - dt.timedelta(days=window) for window in windows} | {last}
    if by_notice and by_notice <= last:
        days.add(by_notice)
    reached = max((day for day in days if day <= on), default=None)
    return tuple(
        Rung(day, (last - day).days, (day - on).days, day == by_notice, day == reached)
        for day in sorted(days)
    )


# Which state of a request may follow which; recording the signed agreement makes it signed.
REQUEST_STEPS: dict[str, tuple[str, ...]] = {
    "needed": ("requested", "negotiating", "dropped"),
    "requested": ("negotiating", "needed", "dropped"),
    "negotiating": ("requested", "dropped"),
    "signed": (),
    "dropped": ("needed",),
}
