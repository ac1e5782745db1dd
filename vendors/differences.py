"""What differs between a report and the one before; pure: two summaries in, lines out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ONE_DAY = dt.timedelta(days=1)


class Weight(StrEnum):
    """Whether a difference is for the better, for the worse, or to be looked at."""

    OK = "ok"
    LOOK = "soon"
    BAD = "bad"
    SAME = "neutral"


@dataclass(frozen=True, slots=True)
class Summary:
    """A report as far as two of them are compared.

    `first_day` and `last_day` count themselves; for a type I both are its one day. `scopes` is
    what it says of each of our services, `exceptions` is what failed by control, `subservices` the
    method by name, `cuecs` the texts by their number or, without one, by themselves.
    """

    first_day: dt.date | None
    last_day: dt.date | None
    auditor: str = ""
    opinion: str = ""
    categories: frozenset[str] = frozenset()
    scopes: Mapping[str, str] = field(default_factory=dict)
    exceptions: Mapping[str, str] = field(default_factory=dict)
    subservices: Mapping[str, str] = field(default_factory=dict)
    cuecs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One line: of what, what it says, and what was said before where that helps."""

    subject: str
    text: str
    weight: Weight
    before: str = ""


def differences(before: Summary, after: Summary) -> list[Difference]:
    """Everything that differs, in the order of a report; repeated exceptions are told too."""
    return [
        *_period(before, after),
        *_plain("Auditor", before.auditor, after.auditor, Weight.LOOK),
        *_opinion(before.opinion, after.opinion),
        *_categories(before.categories, after.categories),
        *_scopes(before.scopes, after.scopes),
        *_exceptions(before.exceptions, after.exceptions),
        *_subservices(before.subservices, after.subservices),
        *_cuecs(before.cuecs, after.cuecs),
    ]


def same_text(one: str, other: str) -> bool:
    """Whether two passages say the same but for case, spaces, hyphens and full stops."""
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _period(before: Summary, after: Summary) -> Iterator[Difference]:
    if not (before.last_day and after.first_day and after.last_day):
        return
    between = (after.first_day - before.last_day).days - 1
    was = f"ended {before.last_day:%-d %b %Y}"
    if between > 0:
        first, last = before.last_day + ONE_DAY, after.first_day - ONE_DAY
        text = f"{_days(between)} without a report, {first:%-d %b %Y} to {last:%-d %b %Y}"
        yield Difference("Period", text, Weight.BAD, was)
    elif between < 0 and after.last_day > before.last_day:
        yield Difference("Period", f"Overlaps by {_days(-between)}", Weight.SAME, was)
    elif between == 0:
        yield Difference("Period", "Follows without a gap", Weight.OK, was)
    if after.last_day <= before.last_day:
        yield Difference("Period", "Does not reach further", Weight.LOOK, was)


def _plain(subject: str, before: str, after: str, weight: Weight) -> Iterator[Difference]:
    if before and after and _bare(before) != _bare(after):
        yield Difference(subject, after, weight, before)


def _opinion(before: str, after: str) -> Iterator[Difference]:
    if before != after and before and after:
        weight = Weight.OK if after == "unqualified" else Weight.BAD
        yield Difference("Opinion", after, weight, before)


def _categories(before: frozenset[str], after: frozenset[str]) -> Iterator[Difference]:
    for name in sorted(after - before):
        yield Difference("Category", f"{_spoken(name)} is covered now", Weight.OK)
    for name in sorted(before - after):
        yield Difference("Category", f"{_spoken(name)} is no longer covered", Weight.BAD)


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _scopes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    words = {"yes": "in scope", "no": "not in scope", "unclear": "unclear"}
    for name in sorted({*before, *after}):
        was, now = before.get(name, ""), after.get(name, "")
        if was != now:
            weight = {"yes": Weight.OK, "unclear": Weight.LOOK}.get(now, Weight.BAD)
            text = f"{name}: {words.get(now, 'not spoken of')}"
            yield Difference("Scope", text, weight, words.get(was, "not spoken of"))


def _exceptions(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for control in after:
        if control in before:
            text = f"{control} failed again: {after[control]}"
            yield Difference("Exception", text, Weight.BAD, before[control])
        else:
            yield Difference("Exception", f"{control}, new: {after[control]}", Weight.LOOK)
    for control in before:
        if control not in after:
            text = f"{control} is not noted again"
            yield Difference("Exception", text, Weight.OK, before[control])


def _subservices(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    words = {"inclusive": "inclusive", "carve_out": "carved out"}
    was = {_bare(name): method for name, method in before.items()}
    now = {_bare(name) for name in after}
    for name, method in after.items():
        old = was.get(_bare(name))
        if old is None:
            text = f"{name} is new, {words.get(method, method)}"
            yield Difference("Subservice", text, Weight.LOOK)
        elif old != method:
            weight = Weight.OK if method == "inclusive" else Weight.BAD
            text = f"{name}: {words.get(method, method)}"
            yield Difference("Subservice", text, weight, words.get(old, old))
    for name in before:
        if _bare(name) not in now:
            yield Difference("Subservice", f"{name} is no longer named", Weight.LOOK)


def _cuecs(
    before: Iterable[tuple[str, str]], after: Iterable[tuple[str, str]]
) -> Iterator[Difference]:
    """By text; where only the number is the same, the text has changed."""
    old, new = list(before), list(after)
    kept = {_bare(text) for _, text in old} & {_bare(text) for _, text in new}
    gone = [(ref, text) for ref, text in old if _bare(text) not in kept]
    come = [(ref, text) for ref, text in new if _bare(text) not in kept]
    numbered = {ref: text for ref, text in gone if ref}
    changed = {ref for ref, _ in come if ref in numbered}
    for ref, text in come:
        if ref in changed:
            yield Difference("CUEC", f"{ref} reads: {text}", Weight.LOOK, numbered[ref])
        else:
            yield Difference("CUEC", f"New: {text}", Weight.LOOK)
    for ref, text in gone:
        if ref not in changed:
            yield Difference("CUEC", "No longer expected", Weight.SAME, text)
