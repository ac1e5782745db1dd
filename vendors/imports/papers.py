"""Agreements and assurance reports as an import reads them."""

from __future__ import annotations

import datetime as dt

from vendors.imports import cells
from vendors.imports.naming import (
    MODEL,
    NAMED,
    REFERENCE,
    REGION,
    choice_column,
    chosen,
    needs,
    owner_known,
    resolved,
    services_known,
    vendor_of,
)
from vendors.imports.planning import Column, Key, Kind, Known, Refused, Stored, Values
from vendors.models import Agreement, AssuranceReport

# Agreements

AGREEMENT_KIND = chosen(Agreement.Kind.choices)
OUR_ROLE = chosen(Agreement.OurRole.choices)
TRANSFER = chosen(Agreement.Transfer.choices)
MODULE = chosen(Agreement.Module.choices)
_AGREEMENT_COLUMNS = (
    Column("vendor", "Vendor", cells.text(120), needed=True, help=NAMED, example="Larkspur AI"),
    choice_column("kind", "Kind", AGREEMENT_KIND, needed=True, also=("type",), example="BAA"),
    Column("reference", "Reference", REFERENCE, needed=True, example="BAA-2026-014"),
    Column("version", "Version", cells.whole(1, 999), example="1"),
    Column(
        "counterparty",
        "Counterparty",
        cells.text(200),
        needed=True,
        also=("counterparty's legal entity",),
        example="Larkspur AI, Inc.",
    ),
    choice_column("our_role", "Our role", OUR_ROLE, example="Business associate"),
    Column("account", "Account", cells.text(80), also=("account or organization id",)),
    Column("signed_by_us", "Signed for us by", cells.text(120), example="Maria Alvarez"),
    Column("signed_by_vendor", "Signed for the vendor by", cells.text(120), example="Jo Reyes"),
    Column("signed_on", "Signed on", cells.day, example="2026-01-10"),
    Column("vendor_signed_on", "Signed for the vendor on", cells.day, example="2026-01-12"),
    Column(
        "starts_on",
        "Effective",
        cells.day,
        needed=True,
        also=("starts on", "effective date"),
        example="2026-01-15",
    ),
    Column(
        "ends_on",
        "Expires",
        cells.day,
        also=("ends on", "expiry", "expiration date"),
        example="2027-01-14",
    ),
    Column("notice_days", "Notice days", cells.whole(0, 3650), example="90"),
    Column(
        "breach_notice_days",
        "Breach notice days",
        cells.whole(0, 60),
        example="30",
        help="45 CFR 164.410 allows at most 60.",
    ),
    choice_column("transfer_mechanism", "Transfer mechanism", TRANSFER, help="Of a DPA."),
    Column(
        "scc_modules",
        "SCC modules",
        cells.listing(cells.choice(MODULE)),
        labels=MODULE,
        help="Of a DPA: 1 to 4, divided by semicolons.",
    ),
    Column(
        "subprocessor_notice_days",
        "Subprocessor notice days",
        cells.whole(0, 3650),
        help="Of a DPA.",
    ),
    Column("subprocessor_list", "Subprocessor list", cells.address, help="Of a DPA: its address."),
    Column(
        "owner",
        "Owner",
        cells.mail,
        also=("owner e-mail", "owner email"),
        help="E-mail address of a person who can sign in.",
    ),
    Column(
        "covers",
        "Covers",
        cells.listing(cells.scope(MODEL, REGION)),
        also=("covered services", "scope"),
        example="Larkspur API; Larkspur Batch | lark-* | us-east-1",
        help="Divided by semicolons: service, or service | model | region.",
    ),
)


def _identify_agreement(values: Values, known: Known) -> Key:
    vendor = vendor_of(values, known)
    needs(values, "reference")
    key = ("agreement", vendor, str(values["reference"]))
    version = values.get("version")
    if version is None or key not in known.stored:
        return key
    dated = (*key, str(version))
    if dated not in known.stored:
        raise Refused("version", "The register has another version. Amend it on its page.")
    return dated


def _check_agreement(values: Values, stored: Stored | None, known: Known) -> None:
    owner_known(values, known)
    if stored is not None:
        return
    if values.get("version", 1) != 1:
        raise Refused("version", "A new agreement begins with version 1; amend it on its page.")
    services_known(values, known, "covers")
    starts, ends = values["starts_on"], values.get("ends_on", dt.date.max)
    assert isinstance(starts, dt.date)
    assert isinstance(ends, dt.date)
    if ends < starts:
        raise Refused("ends_on", "The last day is before the first.")
    held = known.held.setdefault(
        (str(values["vendor"]), str(values["kind"]), str(values.get("account", ""))), []
    )
    if any(first <= ends and starts <= last for first, last in held):
        raise Refused("starts_on", "This overlaps an agreement of the same kind and account.")
    held.append((starts, ends))


def _identify_covered(values: Values, known: Known) -> Key:
    key = _identify_agreement(values, known)
    resolved(values, known, "covers")
    return key


AGREEMENTS = Kind(
    "agreements",
    "Agreements",
    "agreement",
    ("vendors.add_agreement", "vendors.change_agreement"),
    _AGREEMENT_COLUMNS,
    _identify_covered,
    _check_agreement,
    ("vendor", "reference"),
    changeable=frozenset({"owner"}),
    fixed="The register says something else. What was signed stays: amend it on its page.",
    note="Signed papers are attached on the page of the agreement. Of a stored one the owner alone "
    "can change.",
)

# Assurance reports

REPORT_KIND = chosen(AssuranceReport.Kind.choices)
OPINION = chosen(AssuranceReport.Opinion.choices)
CATEGORY = chosen(AssuranceReport.Category.choices)
SERVICE_NAME = cells.text(120)
_REPORT_COLUMNS = (
    Column("vendor", "Vendor", cells.text(120), needed=True, help=NAMED, example="Larkspur AI"),
    choice_column(
        "kind", "Kind", REPORT_KIND, needed=True, also=("type", "report"), example="SOC 2 Type II"
    ),
    Column("period_start", "Period from", cells.day, also=("period start",), example="2025-07-01"),
    Column("period_end", "Period to", cells.day, also=("period end",), example="2026-06-30"),
    Column("as_of", "As of", cells.day, help="The day that a type I describes."),
    Column("issued_on", "Issued on", cells.day, also=("issued",), example="2026-08-14"),
    Column("auditor", "Auditor", cells.text(160), needed=True, example="Example Audit LLP"),
    choice_column("opinion", "Opinion", OPINION, example="Unqualified"),
    Column(
        "categories",
        "Categories",
        cells.listing(cells.choice(CATEGORY)),
        also=("trust services categories",),
        example="Security; Confidentiality",
        labels=CATEGORY,
    ),
    Column(
        "exception_count",
        "Exceptions",
        cells.whole(0, 9999),
        also=("exceptions noted",),
        example="0",
    ),
    Column(
        "in_scope",
        "In scope",
        cells.listing(SERVICE_NAME),
        example="Larkspur API",
        help="Services, divided by semicolons.",
    ),
    Column(
        "not_in_scope",
        "Not in scope",
        cells.listing(SERVICE_NAME),
        help="Services, divided by semicolons.",
    ),
)


def _identify_report(values: Values, known: Known) -> Key:
    vendor = vendor_of(values, known)
    needs(values, "kind")
    kind = str(values["kind"])
    if kind == AssuranceReport.Kind.SOC2_TYPE2:
        needs(values, "period_start", "period_end")
    if kind == AssuranceReport.Kind.SOC2_TYPE1:
        needs(values, "as_of")
    start, end = values.get("period_start"), values.get("period_end")
    if isinstance(start, dt.date) and isinstance(end, dt.date) and end < start:
        raise Refused("period_end", "The period ends before it begins.")
    resolved(values, known, "in_scope", "not_in_scope")
    days = (str(values.get(name, "")) for name in ("period_start", "period_end", "as_of"))
    return ("report", vendor, kind, *days)


def _check_report(values: Values, stored: Stored | None, known: Known) -> None:
    inside, outside = values.get("in_scope", ()), values.get("not_in_scope", ())
    assert isinstance(inside, tuple)
    assert isinstance(outside, tuple)
    if set(inside) & set(outside):
        raise Refused("not_in_scope", "A service is in scope or not, and here both.")


REPORTS = Kind(
    "reports",
    "Assurance reports",
    "assurance report",
    ("vendors.add_assurancereport",),
    _REPORT_COLUMNS,
    _identify_report,
    _check_report,
    ("vendor", "kind", "period_end", "as_of"),
    changeable=frozenset(),
    fixed="The register says something else. Correct the report on its page.",
    note="A report counts once somebody has reviewed it on its page; its PDF is attached there.",
)
