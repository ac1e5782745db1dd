"""How a ledger stands by what its verifications found: for banners, the home page, findings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils import timezone

from audits.models import CheckpointDelivery, Ledger, Verification
from audits.services import checkpoints

# A night may be long, but no night may be missed.
VERIFIED_LATE = dt.timedelta(hours=26)
TOLD = 8

# What each code of a problem means, for people. A code keeps its meaning: rows of years have it.
SENTENCES: Mapping[str, str] = {
    "head-missing": "the row that says where the ledger ends is gone",
    "head-differs": "the ledger does not end where and how its head says",
    "index-gap": "entries are missing",
    "disposal-unsaid": "entries were disposed of, and no entry says so",
    "index-twice": "entries stand twice at one index",
    "size-differs": "a batch has not as many entries as it says",
    "entry-unreadable": "an entry is not one",
    "time-goes-back": "an entry was received before the one ahead of it",
    "time-differs": "a batch names another moment than its entries",
    "root-differs": "entries are not those that were signed",
    "signature-bad": "a checkpoint is not signed by the ledger's key",
    "key-unknown": "a checkpoint names a key that the ledger has not",
    "key-out-of-time": "a checkpoint is signed by a key of another time",
    "key-unnamed": "a key was added that no entry names",
    "key-not-ours": "the key in use is not the one of the settings",
    "tile-missing": "a tile of the tree is missing",
    "tile-differs": "a tile of the tree is not that of its entries",
    "column-differs": "a row says something else than its entry",
    "row-missing": "an entry has no row",
    "row-without-entry": "a row has no entry",
    "row-twice": "an entry has two rows",
    "row-beyond-head": "rows stand beyond the ledger's end",
    "seal-differs": "a sealed row was changed",
    "seal-missing": "a sealed row is gone",
    "seal-back": "a permission or role stands that the ledger says was taken away",
    "row-unsealed": "rows were made that no entry seals",
    "trigger-missing": "a table can be changed: its trigger is gone or off",
    "ledger-behind": "a kept checkpoint is of a longer ledger: entries are lost",
    "kept-differs": "a kept checkpoint is of another history",
    "kept-forged": "a kept checkpoint is not signed by the ledger's key",
    "kept-of-another": "a kept checkpoint is of another ledger",
    "kept-unreadable": "a kept checkpoint cannot be read",
    "cosigned-differs": "a witness cosigned another history",
}


@dataclass(frozen=True, slots=True)
class Integrity:
    """How a ledger stood at a moment. `kind` is ok, soon (not verified yet) or bad.

    `verified` of `expected` entries, up to entry `end`, by the last full verification and those of
    what was new since; `waiting` came later. `size` and `checkpoint_at` are of the newest
    checkpoint. `problems` are sentences for people, quoting nothing.
    """

    kind: Literal["ok", "soon", "bad"]
    sentence: str
    verified: int
    expected: int
    end: int
    waiting: int
    gaps: int
    checked_at: dt.datetime | None
    size: int
    checkpoint_at: dt.datetime | None
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return self.kind == "ok"


def state(ledger_id: int, at: dt.datetime) -> Integrity:
    """How the ledger stands at the moment `at`; two queries."""
    newest = checkpoints.latest(ledger_id)
    size = newest.size if newest else 0
    runs = Verification.objects.filter(ledger_id=ledger_id).order_by("kind", "-at", "-id")
    newest_of = {each.kind: each for each in runs.distinct("kind")}
    full = newest_of.get(Verification.Kind.FULL)
    last = max(newest_of.values(), key=lambda each: (each.at, each.pk), default=None)
    kind, sentence = _judged(last, full, at, size)
    wrong = [each for each in (full, last) if each is not None and each.result != "passed"]
    problems = dict.fromkeys(text for each in wrong for text in told(each))
    verified, expected = _figures(full, last)
    end = last.end if last else 0
    return Integrity(
        kind=kind,
        sentence=sentence,
        verified=verified,
        expected=expected,
        end=end,
        waiting=max(0, size - end),
        gaps=sum(len(each.gaps) for each in {each.pk: each for each in wrong}.values()),
        checked_at=last.at if last else None,
        size=size,
        checkpoint_at=newest.received_at if newest else None,
        problems=tuple(problems),
    )


def _judged(
    last: Verification | None, full: Verification | None, at: dt.datetime, size: int
) -> tuple[Literal["ok", "soon", "bad"], str]:
    if last is None:
        return "soon", (
            "The ledger has not been verified yet." if size else "The ledger has no entry yet."
        )
    wrong = next(_wrong(last, full, at), "")
    if wrong:
        return "bad", wrong
    if full is None:
        return "soon", "The ledger has not been verified as a whole yet."
    return "ok", "The ledger is as it was signed."


def _wrong(last: Verification, full: Verification | None, at: dt.datetime) -> Iterator[str]:
    results = {each.result for each in (last, full) if each is not None}
    if Verification.Result.FAILED in results:
        yield "The ledger did not pass its verification."
    if Verification.Result.NOTHING in results:
        yield "The last verification found nothing to verify."
    if at - last.at > VERIFIED_LATE:
        yield f"The ledger has not been verified since {_moment(last.at)}."
    if full is not None and at - full.at > 2 * VERIFIED_LATE:
        yield f"The ledger has not been verified as a whole since {_moment(full.at)}."


def _figures(full: Verification | None, last: Verification | None) -> tuple[int, int]:
    """How many entries were verified of how many: the whole, and what came since."""
    if last is None:
        return 0, 0
    if full is None or last.kind == Verification.Kind.FULL:
        return last.verified, last.expected
    # What is new begins a batch before the end of what was verified: that batch counts once.
    new = max(0, last.end - full.end)
    missing = last.expected - last.verified
    return full.verified + new - missing, full.expected + new


def told(run: Verification) -> Iterator[str]:
    """What a verification found, in sentences: where it was first, and how often."""
    found: dict[str, list[dict[str, Any]]] = {}
    for problem in run.problems:
        found.setdefault(problem["code"], []).append(problem)
    for code, problems in list(found.items())[:TOLD]:
        first = problems[0]
        where = f" at entry {first['index']:,}" if first.get("index") else ""
        what = f" ({first['what']})" if first.get("what") else ""
        times = f", and {len(problems) - 1:,} more" if len(problems) > 1 else ""
        yield f"{SENTENCES.get(code, code).capitalize()}{where}{what}{times}."


def alarms(at: dt.datetime) -> Iterator[tuple[Ledger, str, str]]:
    """Ledgers that do not stand well at the moment `at`: what is wrong, and the details."""
    for ledger in Ledger.objects.all():
        found = state(ledger.pk, at)
        # A ledger that never had an entry has nothing to lose.
        if found.kind == "bad":
            yield ledger, found.sentence, " ".join(found.problems)
        elif found.size and found.checked_at is None and _is_old(ledger, at):
            yield ledger, "The ledger was never verified.", ""


def _is_old(ledger: Ledger, at: dt.datetime) -> bool:
    first = checkpoints.from_size(ledger.pk, 0)
    return first is not None and at - first.received_at > VERIFIED_LATE


def undelivered(at: dt.datetime) -> Iterator[tuple[Ledger, str, str]]:
    """Ledgers whose checkpoint did not reach somebody for a day: channel and recipient."""
    for ledger in Ledger.objects.all():
        rows = CheckpointDelivery.objects.filter(ledger=ledger)
        known = rows.filter(at__gte=at - dt.timedelta(days=14))
        for channel, recipient in known.order_by().values_list("channel", "recipient").distinct():
            of_it = rows.filter(channel=channel, recipient=recipient)
            newest = of_it.first()
            good = of_it.filter(ok=True).first()
            if newest is None or newest.ok:
                continue
            if good is None or at - good.at > VERIFIED_LATE:
                yield ledger, channel, recipient


def _moment(at: dt.datetime) -> str:
    return f"{timezone.localtime(at):%-d %b %Y, %H:%M}"
