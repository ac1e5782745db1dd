"""What the vendor list shows of each vendor, read for a whole page at once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, TypedDict

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet

from vendors.coverage import Assurance, Coverage, ReportFacts, assess
from vendors.lifecycle import Standing, standing
from vendors.models import (
    Agreement,
    AssuranceReport,
    Dimension,
    Fact,
    ReportException,
    Service,
    Vendor,
)
from vendors.services.report_facts import limits, with_facts
from vendors.tables.columns import Column, ListSpec
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
    judged: int = 0
    followed: int = 0

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
    def review_days(self) -> int | None:
        due = self.vendor.review_due_on
        return (due - self.on).days if due else None

    @property
    def exceptions(self) -> int | None:
        """How many exceptions the report has; None without a report."""
        if self.report is None:
            return None
        return max(self.report.exception_count, self.judged)

    @property
    def open_exceptions(self) -> int | None:
        """Those that nobody judged yet, or that are followed up with the vendor."""
        if self.exceptions is None:
            return None
        return self.exceptions - self.judged + self.followed

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
    """The lines of these vendors on the day `on`; four queries whatever their number."""
    ids = [vendor.pk for vendor in vendors]
    agreements, reports, facts = _baas(ids, on), _reports(ids), _facts(ids, on)
    judged = _judged(ids)
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
                *judged.get(coverage.report_id or 0, (0, 0)),
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


def _judged(vendor_ids: list[int]) -> dict[int, tuple[int, int]]:
    """Of each report how many exceptions were judged, and how many of those are followed up."""
    follows = Q(relevant=True, disposition=ReportException.Disposition.FOLLOWED)
    counts = (
        ReportException.objects.filter(report__vendor_id__in=vendor_ids)
        .order_by()
        .values_list("report")
        .annotate(judged=Count("pk"), followed=Count("pk", filter=follows))
    )
    return {report: (judged, followed) for report, judged, followed in counts}


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


def _owner(row: VendorRow) -> str:
    return row.vendor.owner.email if row.vendor.owner else ""


def _baa_word(row: VendorRow) -> str:
    word = row.baa_standing.word
    return {"To": "In force", "No end": "In force"}.get(word, word)


# What the list can show, in the usual order; PHI and uses are filled in by the app above.
VENDOR_LIST = ListSpec(
    "vendors",
    "Vendors",
    "vendors:vendor-list",
    "vendors:vendor-views",
    (
        Column(
            "name",
            "Vendor",
            (
                ("Vendor", lambda row: row.vendor.name),
                ("Legal entity", lambda row: row.vendor.legal_name),
                ("Services", lambda row: ", ".join(row.vendor.service_names)),
            ),
            sort="name",
        ),
        Column("phi", "PHI"),
        Column(
            "state",
            "State",
            (("State", lambda row: row.vendor.get_state_display()),),
            sort="state",
        ),
        Column(
            "criticality",
            "Criticality",
            (("Criticality", lambda row: row.vendor.get_criticality_display()),),
            sort="criticality",
            extra=True,
        ),
        Column(
            "baa",
            "BAA",
            (("BAA", _baa_word), ("BAA last day", lambda row: row.baa_standing.day)),
            sort="baa",
        ),
        Column(
            "report",
            "SOC 2",
            (
                ("SOC 2", lambda row: row.assurance[1]),
                ("Report", lambda row: row.report.get_kind_display() if row.report else ""),
                ("Period end", lambda row: row.report.period_end if row.report else None),
                ("Covered until", lambda row: row.coverage.until),
            ),
            sort="report",
        ),
        Column(
            "exceptions",
            "Exceptions",
            (
                ("Open exceptions", lambda row: row.open_exceptions),
                ("Exceptions in the report", lambda row: row.exceptions),
            ),
            css="num",
        ),
        Column("residency", "Residency", (("Residency", lambda row: row.residency),), extra=True),
        Column(
            "training",
            "Training",
            (("Training on our data", lambda row: row.training),),
            extra=True,
        ),
        Column(
            "retention",
            "Retention",
            (("Default retention", lambda row: row.retention),),
            extra=True,
        ),
        Column("uses", "Uses", css="num"),
        Column(
            "review",
            "Next review",
            (
                ("Last review", lambda row: row.vendor.last_reviewed_on),
                ("Next review", lambda row: row.vendor.review_due_on),
            ),
            sort="review",
            css="num",
        ),
        Column("owner", "Owner", (("Owner", _owner),), sort="owner"),
    ),
)


def in_chunks(vendors: QuerySet[Vendor], on: dt.date) -> Iterator[list[VendorRow]]:
    """The lines of all these vendors for a file, 500 at a time."""
    found = listed(vendors).iterator(chunk_size=500)
    while chunk := list(islice(found, 500)):
        yield vendor_rows(chunk, on)
