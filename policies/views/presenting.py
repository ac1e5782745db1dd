"""Verdicts and states as a page shows them: words, kinds of pills, links to papers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from policies.gate import Paper, Verdict
from policies.models import Grant, Integration, IntegrationEvent
from policies.reasons import REASONS, Reason
from policies.views.access import address
from vendors.models import Agreement, AssuranceReport, Dimension, Fact, Service

State = Integration.State
STATE_KINDS = {
    State.DRAFT: ("neutral", "edit"),
    State.SUBMITTED: ("info", "send"),
    State.CHANGES: ("soon", "message"),
    State.APPROVED: ("info", "check"),
    State.ACTIVE: ("ok", ""),
    State.SUSPENDED: ("bad", "player-pause"),
    State.REJECTED: ("bad", "x"),
    State.RETIRED: ("neutral", "archive"),
}
EVENT_KINDS = {
    "approved": ("ok", "check"),
    "activated": ("ok", "player-play"),
    "resumed": ("ok", "player-play"),
    "submitted": ("info", "send"),
    "created": ("info", "plus"),
    "rejected": ("bad", "x"),
    "suspended": ("bad", "player-pause"),
    "approval_voided": ("bad", "alert-triangle"),
    "key_revoked": ("bad", "key"),
    "key_issued": ("info", "key"),
    "key_rotated": ("info", "refresh"),
    "changes_requested": ("soon", "message"),
    "retired": ("neutral", "archive"),
}
# Reasons that the decision itself, or the first key, takes away.
OF_APPROVAL = ("integration-not-active", "approval-void")


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """A reason that fails, `bad` if it blocks and `soon` if it warns."""

    code: str
    kind: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A paper the verdict rests on, with its address if it has a page."""

    label: str
    sub: str
    until: dt.date | None
    days: int | None
    url: str


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict in a line: kind of the banner, title and what stands below it."""

    kind: str
    title: str
    text: str


def reason_lines(verdict: Verdict, *, without: tuple[str, ...] = ()) -> list[ReasonLine]:
    """All that blocks, then all that warns."""
    return [
        ReasonLine(code, kind, REASONS[code])
        for kind, codes in (("bad", verdict.reasons), ("soon", verdict.warnings))
        for code in codes
        if code not in without
    ]


def banner(verdict: Verdict, on: dt.date) -> Banner:
    """Allowed until when, or denied by how many reasons."""
    if not verdict.allowed:
        count = len(verdict.reasons)
        reasons = "one reason" if count == 1 else f"{count} reasons"
        return Banner("bad", f"Denied for {reasons}", "Every call is refused and recorded.")
    warned = f" {len(verdict.warnings)} warning(s) below." if verdict.warnings else ""
    if verdict.until is None:
        return Banner("ok", "Allowed", f"Nothing it rests on has an end.{warned}")
    days = (verdict.until - on).days
    title = f"Allowed until {verdict.until:%-d %B %Y}"
    kind = "soon" if days <= 60 or verdict.warnings else "ok"
    left = "today is the last day" if days == 0 else f"{days} day{'s' if days != 1 else ''} left"
    return Banner(kind, title, f"As things stand, {left}.{warned}")


Line: TypeAlias = tuple[str, str, str]
Names = dict[tuple[str, int | str], Line]


def paper_lines(
    verdict: Verdict, integration: Integration, on: dt.date, *, without: str = ""
) -> list[PaperLine]:
    """The papers with links, those that end first on top; at most four queries.

    `without` names a kind to leave out, such as an approval that is only supposed.
    """
    papers = [paper for paper in verdict.papers if paper.kind != without]
    return _lines(papers, _names(papers), on, integration.service, integration)


def service_papers(verdicts: Mapping[Service, Verdict], on: dt.date) -> list[list[PaperLine]]:
    """The papers that each verdict on a service rests on; three queries for any number."""
    names = _names([paper for verdict in verdicts.values() for paper in verdict.papers])
    return [_lines(v.papers, names, on, service) for service, v in verdicts.items()]


def _lines(
    papers: Iterable[Paper],
    names: Names,
    on: dt.date,
    service: Service,
    integration: Integration | None = None,
) -> list[PaperLine]:
    lines = []
    for paper in papers:
        known = names.get((paper.kind, paper.ref)) or _own(paper, service, integration)
        days = (paper.until - on).days if paper.until else None
        lines.append(PaperLine(*known[:2], paper.until, days, known[2]))
    return sorted(lines, key=lambda line: line.until or dt.date.max)


def _names(papers: Iterable[Paper]) -> Names:
    """Label, what stands below it and address of the papers that are rows of the register."""
    ids: dict[str, list[int | str]] = {}
    for paper in papers:
        ids.setdefault(paper.kind, []).append(paper.ref)
    return {
        (kind, pk): line
        for kind, read in READERS.items()
        if ids.get(kind)
        for pk, line in read(ids[kind])
    }


def _agreements(ids: list[int | str]) -> Iterator[tuple[int, Line]]:
    for agreement in Agreement.objects.filter(pk__in=ids):
        url = address("vendors:agreement-detail", agreement.pk)
        yield agreement.pk, (str(agreement), agreement.counterparty, url)


def _reports(ids: list[int | str]) -> Iterator[tuple[int, Line]]:
    for report in AssuranceReport.objects.filter(pk__in=ids):
        yield report.pk, (str(report), report.auditor, address("vendors:report-detail", report.pk))


def _facts(ids: list[int | str]) -> Iterator[tuple[int, Line]]:
    for fact in Fact.objects.filter(pk__in=ids).select_related("service"):
        url = address("vendors:service-detail", fact.service.slug)
        label = f"{Dimension(fact.dimension).label}: {_value(fact)}"
        yield fact.pk, (label, fact.get_grade_display(), url)


def _grants(ids: list[int | str]) -> Iterator[tuple[int, Line]]:
    for grant in Grant.objects.filter(pk__in=ids).select_related("principal", "group"):
        url = address("policies:grant-detail", grant.pk)
        yield grant.pk, (str(grant), grant.get_kind_display(), url)


READERS = {"agreement": _agreements, "report": _reports, "fact": _facts, "grant": _grants}


def _value(fact: Fact) -> str:
    if fact.number is None:
        return fact.value
    return f"{fact.number} day{'' if fact.number == 1 else 's'}"


def _own(paper: Paper, service: Service, integration: Integration | None) -> tuple[str, str, str]:
    if paper.kind == "review":
        due = "Next one due" if paper.label == "Vendor review" else "Holds until"
        return (
            paper.label,
            due,
            address("vendors:vendor-detail", service.vendor.slug),
        )
    if paper.kind == "service":
        return paper.label, service.name, address("vendors:service-detail", service.slug)
    if integration is None or paper.kind == "grant":
        return paper.label, "", ""
    page = address("policies:integration-detail", integration.slug)
    if paper.kind == "determination":
        return integration.get_deidentification_display(), "De-identification", page
    return "Approval of this integration", "", f"{page}?tab=trail"


@dataclass(frozen=True, slots=True)
class TermLine:
    """A material term, as a person reads it, now and as approved (None: as now)."""

    label: str
    now: str
    was: str | None


LABELS = {
    "service": "Service",
    "models": "Models",
    "region": "Region",
    "account": "Account",
    "endpoint": "Endpoint",
    "features": "Features",
    "settings_made": "Settings made",
    "data_classes": "Data classes",
    "purpose": "Purpose",
    "environment": "Environment",
    "deidentification": "De-identification",
    "deidentification_document": "Determination (SHA-256)",
    "deidentification_expires_on": "Determination relied on until",
    "audit_mode": "Audit mode",
    "known_actors_only": "Known actors only",
}


def term_lines(now: Mapping[str, object], was: Mapping[str, object] | None) -> list[TermLine]:
    """Every material term; with terms approved before, what they were where they differ."""
    return [
        TermLine(
            label,
            _words(now.get(name)),
            _words(was.get(name)) if was is not None and was.get(name) != now.get(name) else None,
        )
        for name, label in LABELS.items()
        if now.get(name) is not None or (was or {}).get(name) is not None
    ]


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return "none" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class EventLine:
    """An entry of the trail with its dot."""

    event: IntegrationEvent
    kind: str
    icon: str


def event_lines(integration: Integration) -> list[EventLine]:
    """The trail, newest first; one query."""
    return [
        EventLine(event, *EVENT_KINDS.get(event.kind, ("", "edit")))
        for event in integration.events.select_related("actor")
    ]
