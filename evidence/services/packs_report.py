"""Makes the report of a pack: its chapters as HTML, rendered to PDF by a child process."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.template.loader import render_to_string

from audits.models import Ledger, Verification
from evidence.pack import sheets
from evidence.pack.plan import Plan
from evidence.pack.proofs import Proven
from evidence.pack.sheets import Population
from evidence.report.budget import RowBudget
from evidence.services import packs_chapters, packs_populations, packs_statistics
from evidence.services.packs_statistics import CallFigures, Day
from vendors import charts

# How long the child may take, in seconds.
LONGEST = 900
# A chart has no more bars than can be told apart; beyond that each stands for a week.
MOST_BARS = 190


logger = logging.getLogger(__name__)


class ReportFailed(Exception):
    """The child process made no PDF."""


def report_html(plan: Plan, populations: Sequence[Population], proven: Proven | None = None) -> str:
    """The report as HTML; call it inside the pack's snapshot.

    Raises: TooManyRows if its tables could not be rendered in bounded memory.
    """
    budget = RowBudget()
    with packs_populations.whole_tables():
        figures = packs_statistics.call_figures(plan)
    known = {
        "plan": plan,
        "figures": figures,
        **packs_chapters.policies(budget),
        **packs_chapters.vendors(plan, budget),
        **packs_chapters.integrations(plan, budget),
        **packs_chapters.access(plan, budget),
        **packs_chapters.findings(plan, budget),
        **call_charts(figures),
        "sheets": [sheets.sheet(plan, population, proven) for population in populations],
        "proven": proven,
        "verification": _last_verification(plan),
        "names": {population.dataset.name for population in populations},
    }
    return render_to_string("evidence/report/report.html", known)


def _last_verification(plan: Plan) -> Verification | None:
    """The newest verification of the whole live ledger before the pack's moment."""
    whole = Verification.objects.filter(
        ledger=Ledger.LIVE, kind=Verification.Kind.FULL, at__lt=plan.as_of
    )
    return whole.order_by("-at").first()


def call_charts(figures: CallFigures) -> dict[str, object]:
    """The charts of the chapter on calls."""
    days = _weeks(figures.days) if len(figures.days) > MOST_BARS else figures.days
    each = "week, by its first day" if days is not figures.days else "day"
    caption = charts.Caption("calls-by-day", f"Calls by {each}, and verdict")
    by_day = charts.stacked_bars(
        [day.on for day in days],
        (
            charts.Series("Allowed", "main", tuple(day.allowed for day in days)),
            charts.Series("Denied", "bad", tuple(day.denied for day in days)),
        ),
        caption=caption,
        width=760,
    )
    return {
        "by_day": by_day,
        "by_vendor": _bars("calls-by-vendor", "Calls by vendor", figures.vendors),
        "by_model": _bars("calls-by-model", "Calls by model", figures.models),
        "by_integration": _bars(
            "calls-by-integration", "Calls by integration", figures.integrations
        ),
        "by_outcome": _bars("calls-by-outcome", "How calls ended", figures.outcomes),
        "by_reason": _bars(
            "calls-by-reason",
            "Denied calls by reason",
            [(title, number) for _, title, number in figures.reasons],
            kind="bad",
            width=700,
            label=240,
        ),
    }


def _bars(
    key: str,
    title: str,
    parts: Sequence[tuple[str, int]],
    *,
    kind: str = "main",
    width: float = 380,
    label: int = 170,
) -> charts.BarList | None:
    if not parts:
        return None
    drawn = [charts.Part(_short(name, label // 7), count, kind) for name, count in parts]
    return charts.bar_list(drawn, caption=charts.Caption(key, title), width=width, label=label)


def _short(label: str, most: int) -> str:
    """The label in at most `most` characters."""
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _weeks(days: Sequence[Day]) -> tuple[Day, ...]:
    weeks = [days[start : start + 7] for start in range(0, len(days), 7)]
    return tuple(
        Day(week[0].on, sum(day.allowed for day in week), sum(day.denied for day in week))
        for week in weeks
    )


def render_pdf(html: str, identifier: str, target: BinaryIO, alive: Callable[[], None]) -> None:
    """Write the PDF of `html` to `target`; `alive` is called now and then, and may raise.

    Raises: ReportFailed if no PDF came out, or not in time.
    """
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        source, out = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(html, encoding="utf-8")
        digest = hashlib.sha256(identifier.encode()).hexdigest()[:32]
        static = settings.BASE_DIR / "static"
        command = [sys.executable, "-m", "evidence.report.render", str(static), str(out), digest]
        with source.open("rb") as stdin:
            _run(command, stdin, folder, alive)
        with out.open("rb") as made:
            while chunk := made.read(1 << 20):
                target.write(chunk)


def _run(command: list[str], stdin: BinaryIO, folder: str, alive: Callable[[], None]) -> None:
    """Run the child without our environment: it needs no secret and so gets none."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": folder,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ends = time.monotonic() + LONGEST
    with tempfile.TemporaryFile(dir=folder) as errors:
        child = subprocess.Popen(  # noqa: S603 - our own module, no word of it from outside
            command, stdin=stdin, stderr=errors, cwd=settings.BASE_DIR, env=environment
        )
        try:
            while child.poll() is None:
                alive()
                if time.monotonic() > ends:
                    raise ReportFailed
                time.sleep(0.05)
        finally:
            child.kill()
            child.wait()
        if child.returncode:
            logger.error("the report ended with %s: %s", child.returncode, _error_class(errors))
            raise ReportFailed


def _error_class(errors: BinaryIO) -> str:
    """The class of the error that ends a traceback; its text may hold content and stays out."""
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines() or [""]
    return lines[-1].partition(":")[0][:80]
