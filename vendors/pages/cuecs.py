"""What the register of CUECs shows, and its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from vendors.models import Cuec

STATE_KINDS = {
    Cuec.State.OPEN: "soon",
    Cuec.State.IN_PLACE: "ok",
    Cuec.State.PARTLY: "soon",
    Cuec.State.MISSING: "bad",
    Cuec.State.IRRELEVANT: "neutral",
}
EXPORT_HEADERS = (
    "Vendor",
    "Report",
    "Number",
    "CUEC",
    "Page",
    "State",
    "Our control",
    "Owner",
    "Evidence",
    "Evidence document",
    "Assessed on",
    "Assessed by",
)


@dataclass(frozen=True, slots=True)
class CuecLine:
    cuec: Cuec
    kind: str


def registered() -> QuerySet[Cuec]:
    """CUECs of the reports that we rely on, with what a line names."""
    return Cuec.objects.standing().select_related(
        "report__vendor", "owner", "assessed_by", "evidence_document"
    )


def cuec_lines(cuecs: Iterable[Cuec]) -> list[CuecLine]:
    return [CuecLine(cuec, STATE_KINDS[Cuec.State(cuec.state)]) for cuec in cuecs]


def figures() -> dict[str, int]:
    """How many there are in each state; one query."""
    counts = {state.name.lower(): Count("pk", filter=Q(state=state.value)) for state in Cuec.State}
    found: dict[str, int] = Cuec.objects.standing().aggregate(everything=Count("pk"), **counts)
    return found


def export_rows(cuecs: QuerySet[Cuec]) -> Iterator[tuple[Any, ...]]:
    """One row for each, in the order of EXPORT_HEADERS."""
    for cuec in cuecs:
        document = cuec.evidence_document
        yield (
            cuec.report.vendor.name,
            str(cuec.report),
            cuec.reference,
            cuec.text,
            cuec.page,
            cuec.get_state_display(),
            cuec.our_control,
            str(cuec.owner) if cuec.owner else "",
            cuec.evidence,
            document.name if document else "",
            cuec.assessed_on,
            str(cuec.assessed_by) if cuec.assessed_by else "",
        )
