"""Charts over the calls that a list shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audits.filters import CallPageFilter
from audits.services import statistics
from policies.reasons import REASONS
from vendors import as_of, charts

if TYPE_CHECKING:
    from audits.models.calls import CallQuerySet

CHART_DAYS = 30
CHART_MOST_DAYS = 120
MOST_BARS = 8
LABEL, LETTER = 190, 7


def chosen_days(found: CallPageFilter) -> tuple[dt.date, dt.date]:
    """The days that the charts show, both counted: those chosen, or the last ones."""
    end = found.form.cleaned_data.get("end") or as_of.reading_day()
    start = found.form.cleaned_data.get("start") or end - dt.timedelta(days=CHART_DAYS - 1)
    return max(start, end - dt.timedelta(days=CHART_MOST_DAYS - 1)), end


def by_day(found: CallPageFilter, calls: CallQuerySet) -> charts.StackedBars:
    """Calls by day and verdict."""
    start, end = chosen_days(found)
    days = statistics.calls_by_day(start, end, calls=statistics.inside(calls, start, end))
    return charts.stacked_bars(
        [day.day for day in days],
        [
            charts.Series("Allowed", "ok", tuple(day.allowed for day in days)),
            charts.Series("Denied", "bad", tuple(day.denied for day in days)),
        ],
        caption=charts.Caption(
            "calls-by-day",
            "Calls by day and verdict",
            f"{charts.day_text(start)} to {charts.day_text(end)}, under the filters chosen.",
        ),
    )


def by_what(found: CallPageFilter, calls: CallQuerySet) -> list[charts.BarList]:
    """The same calls by vendor, model, presence of PHI and reason of denial; those with any."""
    start, end = chosen_days(found)
    inside = statistics.inside(calls, start, end)
    reasons = [(REASONS[code].title, n) for code, n in statistics.denials_by_reason(inside)]
    phi = [("PHI" if present else "No PHI", n) for present, n in statistics.calls_by_phi(inside)]
    drawn = (
        _bars("calls-by-vendor", "Calls by vendor", statistics.calls_by_vendor(inside)),
        _bars("calls-by-model", "Calls by model", statistics.calls_by_model(inside)),
        _bars("calls-by-phi", "Calls by presence of PHI", phi),
        _bars("denials-by-reason", "Denied calls by reason", reasons, kind="bad"),
    )
    return [bars for bars in drawn if bars is not None]


def _bars(
    key: str, title: str, counts: Sequence[tuple[str, int]], *, kind: str = "main"
) -> charts.BarList | None:
    """The largest counts, and the rest as one; None without any."""
    if not counts:
        return None
    shown = list(counts[:MOST_BARS])
    rest = sum(n for _, n in counts[MOST_BARS:])
    if rest:
        shown.append((f"{len(counts) - MOST_BARS} more", rest))
    parts = [charts.Part(_short(name), n, kind) for name, n in shown]
    return charts.bar_list(parts, caption=charts.Caption(key, title), width=460, label=LABEL)


def _short(name: str) -> str:
    most = LABEL // LETTER
    return name if len(name) <= most else f"{name[: most - 1]}…"
