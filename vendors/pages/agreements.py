"""What the list of agreements shows, on the page and in a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db.models import Count, QuerySet

from vendors.clauses import Completeness
from vendors.lifecycle import Standing, agreement_state, notice_deadline, standing
from vendors.models import Agreement
from vendors.services.clauses import clause_sums


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """A line of the list; `scopes` is how many rows say what is covered."""

    agreement: Agreement
    standing: Standing
    scopes: int
    sums: Completeness
    notice_on: dt.date | None


def agreement_rows(ids: Sequence[int], on: dt.date) -> list[AgreementRow]:
    """The lines of these agreements in this order; two queries whatever their number."""
    found = (
        Agreement.objects.filter(pk__in=ids)
        .select_related("vendor", "owner")
        .annotate(scope_count=Count("scopes"))
        .in_bulk()
    )
    sums = clause_sums(list(found.values()))
    return [
        AgreementRow(
            agreement,
            standing(agreement, on),
            agreement.scope_count,
            sums[pk],
            notice_deadline(agreement.ends_on, agreement.notice_days),
        )
        for pk in ids
        if (agreement := found.get(pk))
    ]


EXPORT_HEADERS = [
    "Vendor",
    "Kind",
    "Reference",
    "Version",
    "State",
    "Account",
    "Counterparty",
    "Our role",
    "Effective",
    "Expires",
    "Last day",
    "Notice by",
    "Breach notice, days",
    "Covered scopes",
    "Clauses read",
    "Clauses of concern",
    "Return or destruction",
    "Owner",
]


def export_rows(
    agreements: QuerySet[Agreement], on: dt.date
) -> Iterator[list[str | int | dt.date | None]]:
    """The columns of a file, 500 agreements at a time."""
    ids = agreements.values_list("pk", flat=True).iterator(chunk_size=500)
    while chunk := list(islice(ids, 500)):
        for row in agreement_rows(chunk, on):
            each = row.agreement
            yield [
                each.vendor.name,
                each.get_kind_display(),
                each.reference,
                each.version,
                agreement_state(each, on).label,
                each.account,
                each.counterparty,
                each.get_our_role_display(),
                each.starts_on,
                each.ends_on,
                each.last_day(),
                row.notice_on,
                each.breach_notice_days,
                row.scopes,
                f"{row.sums.read} of {row.sums.total}",
                ", ".join(f"{c.clause.title} {c.reading}" for c in row.sums.concerns),
                each.get_return_state_display(),
                each.owner.email if each.owner else "",
            ]
