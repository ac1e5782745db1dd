"""What the page of an agreement shows: its state, its scopes, its clauses, its way to renewal."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from vendors.clauses import Clause, checklist
from vendors.lifecycle import AgreementState, ladder, notice_deadline, standing
from vendors.models import (
    Agreement,
    AgreementClause,
    AgreementRequest,
    CoveredScope,
    ServiceRegion,
    Vendor,
)
from vendors.scopes import ScopeChanges, ScopeWords, scope_changes, scope_doubts
from vendors.services.clauses import clause_sums

ENDED = (AgreementState.EXPIRED, AgreementState.TERMINATED)
# What a new version may say otherwise than the one before, besides its scopes.
TERMS = (
    "counterparty",
    "our_role",
    "account",
    "ends_on",
    "notice_days",
    "breach_notice_days",
    "transfer_mechanism",
    "scc_modules",
    "subprocessor_notice_days",
    "subprocessor_list",
)


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """A covered scope with what is doubtful in it; `added`: the version before lacked it."""

    scope: CoveredScope
    words: ScopeWords
    doubts: tuple[str, ...]
    added: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A term that a new version changed, as words."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """A clause of the checklist with what was read of it, or proposed, or nothing yet."""

    clause: Clause
    row: AgreementClause | None


def scope_words(scope: CoveredScope) -> ScopeWords:
    """A stored scope in the form in which versions are compared."""
    return ScopeWords(
        service=scope.service.name,
        plan=scope.plan,
        account=scope.account,
        endpoint=scope.endpoint,
        model_pattern=scope.model_pattern,
        region=scope.region,
        features=tuple(sorted(scope.features)),
        features_excluded=tuple(sorted(scope.features_excluded)),
        settings_required=tuple(sorted(scope.settings_required)),
        general_availability_only=scope.general_availability_only,
    )


def agreement_page(agreement: Agreement, on: dt.date) -> dict[str, Any]:
    """What the page of one version needs on the day `on`."""
    now = standing(agreement, on)
    changes = _changes(agreement)
    sums = clause_sums([agreement])[agreement.pk]
    versions = Agreement.objects.filter(vendor=agreement.vendor, reference=agreement.reference)
    uncovered = agreement.vendor.services.offered(on).exclude(agreement_scopes__agreement=agreement)
    return {
        "standing": now,
        "open": now.state not in (*ENDED, AgreementState.REPLACED),
        "ended": now.state in ENDED,
        "amendable": agreement.superseded_on is None and agreement.terminated_on is None,
        "versions": versions.order_by("-version"),
        "uncovered": uncovered,
        "scopes": _scope_lines(agreement, changes),
        "changes": changes,
        "terms": _terms(agreement) if agreement.amends else [],
        "sums": sums,
        "proposals": agreement.clauses.filter(read_on__isnull=True).count(),
        "other_days": _other_days(agreement),
        "mismatch": not same_entity(agreement.counterparty, agreement.vendor),
        "return_days": (agreement.return_due_on - on).days if agreement.return_due_on else None,
        **_renewal(agreement, on),
    }


def _other_days(agreement: Agreement) -> int | None:
    """The days for a breach that were read in the clause, where the record says others."""
    rows = agreement.clauses.filter(code="breach_notice", days__isnull=False)
    read = rows.values_list("days", flat=True).first()
    stated = agreement.breach_notice_days
    return read if read is not None and stated is not None and read != stated else None


def _renewal(agreement: Agreement, on: dt.date) -> dict[str, Any]:
    deadline = notice_deadline(agreement.ends_on, agreement.notice_days)
    follower = (
        Agreement.objects.filter(
            vendor=agreement.vendor,
            kind=agreement.kind,
            account=agreement.account,
            starts_on__gt=agreement.starts_on,
        )
        .order_by("starts_on", "version")
        .first()
    )
    return {
        "rungs": ladder(
            agreement,
            on,
            notice_days=agreement.notice_days,
            windows=settings.NOTICE_WINDOWS_DAYS,
        ),
        "notice_on": deadline,
        "renewal": agreement.renewals.open().first(),
        "successor": follower,
    }


def same_entity(counterparty: str, vendor: Vendor) -> bool:
    """Whether the paper names the vendor's legal entity, whatever its case and punctuation.

    A vendor without a legal entity on record is not compared.
    """
    return not vendor.legal_name or _plain(counterparty) == _plain(vendor.legal_name)


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", name.casefold()).split())


def _changes(agreement: Agreement) -> ScopeChanges | None:
    if agreement.amends is None:
        return None
    before = agreement.amends.scopes.select_related("service")
    return scope_changes(map(scope_words, before), map(scope_words, agreement.scopes.all()))


def _scope_lines(agreement: Agreement, changes: ScopeChanges | None) -> list[ScopeLine]:
    lines = []
    for scope in agreement.scopes.all():
        words = scope_words(scope)
        service = scope.service
        doubts = scope_doubts(
            words,
            models=[model.pattern for model in service.offered_models.all()],
            regions={
                place.region
                for place in service.regions.all()
                if place.purpose == ServiceRegion.Purpose.PROCESSING
            },
        )
        lines.append(ScopeLine(scope, words, doubts, bool(changes and words in changes.added)))
    return lines


def all_doubts(agreement: Agreement) -> list[str]:
    """What the scopes of an agreement name that their services do not offer, as sentences."""
    return [doubt for line in _scope_lines(agreement, None) for doubt in line.doubts]


def _terms(agreement: Agreement) -> list[Term]:
    """The terms that differ from the version before."""
    old = agreement.amends
    assert old is not None
    found = []
    for name in TERMS:
        before, now = getattr(old, name), getattr(agreement, name)
        if before != now:
            label = str(Agreement._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            found.append(Term(label.capitalize(), _said(old, name), _said(agreement, name)))
    return found


def _said(agreement: Agreement, name: str) -> str:
    value = getattr(agreement, name)
    shown = getattr(agreement, f"get_{name}_display", None)
    if value in (None, "", []):
        return "nothing"
    if isinstance(value, dt.date):
        return f"{value:%-d %b %Y}"
    if isinstance(value, list):
        return ", ".join(value)
    return str(shown() if shown else value)


def clause_lines(agreement: Agreement) -> list[ClauseLine]:
    """The checklist of the agreement's kind with what is stored of each clause; one query."""
    rows = {row.code: row for row in agreement.clauses.select_related("read_by")}
    return [ClauseLine(clause, rows.get(clause.code)) for clause in checklist(agreement.kind)]


def clause_warnings(agreements: Iterable[Agreement]) -> list[tuple[Agreement, Sequence[Any]]]:
    """Of these, the agreements whose clauses count against them, with the concerns; one query."""
    given = list(agreements)
    sums = clause_sums(given)
    return [(each, sums[each.pk].concerns) for each in given if sums[each.pk].concerns]


def request_lines(requests: Iterable[AgreementRequest], on: dt.date) -> list[dict[str, Any]]:
    """Requests with their colour and the days to their due day."""
    return [
        {
            "request": each,
            "kind": AgreementState(each.state).kind if each.is_open else "neutral",
            "days": (each.due_on - on).days if each.due_on else None,
        }
        for each in requests
    ]
