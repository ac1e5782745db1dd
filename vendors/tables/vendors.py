"""What the vendor list shows of each vendor, read for a whole page at once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, TypedDict

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from vendors.coverage import Assurance, Coverage, ReportFacts, assess
from vendors.lifecycle import Standing, standing
from vendors.models import (
    Agreement,
    AssuranceReport,
    Dimension,
    Fact,
    Service,
    Vendor,
)
from vendors.services.report_facts import limits, with_facts
from vendors.tables.words import ASSURANCE_WORDS, STATE_KINDS

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class Listed(TypedDict):
        """What `listed` adds to a vendor."""

        service_names: list[str]

    ListedVendor = WithAnnotations[Vendor, Listed]

SHOWN = (Dimension.RESIDENCY, Dimension.TRAINING, Dimension.RETENTION)
NOT_COVERED = Coverage(Assurance.NONE, None, None)


@dataclass(slots=True)
class VendorRow:
    """A line of the vendor list. `baa` is the BAA that lasts longest, in force or not."""

    vendor: ListedVendor
    on: dt.date
    baa: Agreement | None = None
    report: AssuranceReport | None = None
    coverage: Coverage = NOT_COVERED
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def state_kind(self) -> str:
        return STATE_KINDS[Vendor.State(self.vendor.state)]

    @property
    def baa_standing(self) -> Standing:
        return standing(self.baa, self.on)

    @property
    def assurance(self) -> tuple[str, str]:
        """Colour and word of the SOC 2 coverage."""
        return ASSURANCE_WORDS[self.coverage.state]

    @property
    def expiry(self) -> dt.date | None:
        """The day on which the first of what carries the vendor ends."""
        ends = [self.baa.last_day() if self.baa else None, self.coverage.until]
        return min((day for day in ends if day), default=None)

    @property
    def expiry_days(self) -> int | None:
        return (self.expiry - self.on).days if self.expiry else None

    @property
    def review_days(self) -> int | None:
        due = self.vendor.next_review_on
        return (due - self.on).days if due else None

    @property
    def residency(self) -> str:
        return self.facts.get(Dimension.RESIDENCY, "")

    @property
    def training(self) -> str:
        return self.facts.get(Dimension.TRAINING, "")

    @property
    def retention(self) -> str:
        return self.facts.get(Dimension.RETENTION, "")


def vendor_rows(vendors: Sequence[ListedVendor], on: dt.date) -> list[VendorRow]:
    """The lines of these vendors on the day `on`; three queries whatever their number."""
    ids = [vendor.pk for vendor in vendors]
    agreements, reports, facts = _baas(ids, on), _reports(ids), _facts(ids, on)
    rules = limits()
    rows = []
    for vendor in vendors:
        of_vendor = {report.pk: report for report, _ in reports[vendor.pk]}
        coverage = assess(tuple(facts for _, facts in reports[vendor.pk]), on, rules)
        rows.append(
            VendorRow(
                vendor,
                on,
                agreements.get(vendor.pk),
                of_vendor.get(coverage.report_id or 0),
                coverage,
                facts[vendor.pk],
            )
        )
    return rows


def _baas(vendor_ids: list[int], on: dt.date) -> dict[int, Agreement]:
    """Of each vendor the BAA to show: in force before to come before ended, the longest first."""
    best: dict[int, Agreement] = {}
    for agreement in Agreement.objects.filter(
        vendor_id__in=vendor_ids, kind=Agreement.Kind.BAA
    ).order_by():
        held = best.get(agreement.vendor_id)
        if held is None or _rank(agreement, on) > _rank(held, on):
            best[agreement.vendor_id] = agreement
    return best


def _rank(agreement: Agreement, on: dt.date) -> tuple[bool, bool, dt.date]:
    last = agreement.last_day() or dt.date.max
    return agreement.starts_on <= on <= last, last >= on, last


def _reports(vendor_ids: list[int]) -> dict[int, list[tuple[AssuranceReport, ReportFacts]]]:
    """The reports that count, bridge letters and carve-outs with them, in one query."""
    found: dict[int, list[tuple[AssuranceReport, ReportFacts]]] = defaultdict(list)
    counted = AssuranceReport.objects.counted().filter(vendor_id__in=vendor_ids)
    for report, facts, _ in with_facts(counted):
        found[report.vendor_id].append((report, facts))
    return found


def _facts(vendor_ids: list[int], on: dt.date) -> dict[int, dict[str, str]]:
    """The words of each shown dimension, one after the other where services differ."""
    words: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    services = Service.objects.offered(on).filter(vendor_id__in=vendor_ids)
    current = (
        Fact.objects.filter(service__in=services, dimension__in=SHOWN, model_pattern="", region="")
        .current(on)
        .select_related("service")
        .defer("detail", "source")
    )
    for fact in current:
        words[fact.service.vendor_id][fact.dimension].add(fact.words)
    joined: dict[int, dict[str, str]] = defaultdict(dict)
    for vendor_id, dimensions in words.items():
        for dimension, values in dimensions.items():
            joined[vendor_id][dimension] = " / ".join(sorted(values))
    return joined


def listed(vendors: QuerySet[Vendor]) -> QuerySet[ListedVendor]:
    """Vendors with their owner and the names of their services as `service_names`."""
    names = Service.objects.filter(vendor=OuterRef("pk"), retired_on__isnull=True)
    return vendors.select_related("owner").annotate(
        service_names=ArraySubquery(names.order_by("name").values("name"))
    )


EXPORT_HEADERS = [
    "Vendor",
    "Legal entity",
    "State",
    "Criticality",
    "Services",
    "BAA",
    "BAA last day",
    "SOC 2",
    "Period end",
    "Covered until",
    "Residency",
    "Training on our data",
    "Default retention",
    "Last review",
    "Next review",
    "Owner",
]


def export_rows(vendors: QuerySet[Vendor], on: dt.date) -> Iterator[list[str | dt.date | None]]:
    """The same columns for a file, 500 vendors at a time."""
    found = listed(vendors).iterator(chunk_size=500)
    while chunk := list(islice(found, 500)):
        for row in vendor_rows(chunk, on):
            vendor, baa = row.vendor, row.baa_standing
            yield [
                vendor.name,
                vendor.legal_name,
                vendor.get_state_display(),
                vendor.get_criticality_display(),
                ", ".join(vendor.service_names),
                {"To": "In force", "No end": "In force"}.get(baa.word, baa.word),
                baa.day,
                row.assurance[1],
                row.report.period_end if row.report else None,
                row.coverage.until,
                row.residency,
                row.training,
                row.retention,
                vendor.last_reviewed_on,
                vendor.next_review_on,
                vendor.owner.email if vendor.owner else "",
            ]
