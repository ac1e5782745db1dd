"""What was read of an agreement's clauses: stored, confirmed, summed up."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.clauses import Clause, Completeness, Reading, Wish, checklist, completeness
from vendors.models import Agreement, AgreementClause
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

SAID = ("reading", "page", "days", "note")


@dataclass(frozen=True, slots=True)
class ClauseAnswer:
    """What a person found of one clause; an empty reading takes an earlier one back."""

    code: str
    reading: str = ""
    page: str = ""
    days: int | None = None
    note: str = ""
    confirmed: bool = True


@transaction.atomic
def read_clauses(
    agreement: Agreement, answers: Iterable[ClauseAnswer], *, by: User, on: dt.date
) -> int:
    """Store what `by` read on the day `on`; clauses that are not among the answers stay.

    What is the same stays as it is, a proposal too unless it is confirmed. Returns: how many
    readings are new, changed or confirmed. Raises: ValidationError with the clauses' codes as
    fields; then nothing is stored.
    """
    clauses = {clause.code: clause for clause in checklist(agreement.kind)}
    stored = {row.code: row for row in agreement.clauses.select_for_update()}
    errors: dict[str, str] = {}
    changed = 0
    for answer in answers:
        problem = _problem(clauses.get(answer.code), answer)
        if problem:
            errors[answer.code] = problem
            continue
        changed += _store(agreement, stored.get(answer.code), answer, by, on)
    if errors:
        raise ValidationError(errors)
    return changed


def _problem(clause: Clause | None, answer: ClauseAnswer) -> str:
    if clause is None:
        return "This clause is not on the list."
    if answer.reading == Reading.PRESENT and _too_long(clause, answer.days):
        return f"{clause.source}. With {answer.days} days the clause is weak."
    if not answer.reading and (answer.page or answer.days is not None or answer.note):
        return "Say whether the clause is present, weak or absent."
    return ""


def _too_long(clause: Clause, days: int | None) -> bool:
    return clause.most_days is not None and days is not None and days > clause.most_days


def _store(
    agreement: Agreement, row: AgreementClause | None, answer: ClauseAnswer, by: User, on: dt.date
) -> int:
    """Returns: 1 if anything changed, else 0."""
    if not answer.reading:
        if row is None:
            return 0
        row.delete()
        return 1
    known = row is not None
    row = row or AgreementClause(agreement=agreement, code=answer.code)
    same = known and all(getattr(row, n) == getattr(answer, n) for n in SAID)
    if same and not (row.proposed and answer.confirmed):
        return 0
    for name in SAID:
        setattr(row, name, getattr(answer, name))
    row.read_by, row.read_on = by, on
    save_checked(row)
    return 1


def clause_sums(agreements: Collection[Agreement]) -> dict[int, Completeness]:
    """How far each agreement's checklist is read, and what counts against it; one query."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = AgreementClause.objects.confirmed().filter(agreement__in=agreements)
    for agreement_id, code, reading in rows.values_list("agreement_id", "code", "reading"):
        found[agreement_id].append((code, reading))
    return {each.pk: completeness(each.kind, found[each.pk]) for each in agreements}


def agreements_with_concerns(agreements: Iterable[Agreement]) -> list[tuple[Agreement, list[str]]]:
    """Of these, the agreements with a required clause absent or weak, with the clauses' titles."""
    given = list(agreements)
    sums = clause_sums(given)
    found = []
    for agreement in given:
        titles = [
            f"{concern.clause.title} {concern.reading}"
            for concern in sums[agreement.pk].concerns
            if concern.clause.wish is Wish.REQUIRED
        ]
        if titles:
            found.append((agreement, titles))
    return found
