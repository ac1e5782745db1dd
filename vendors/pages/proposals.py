"""What is proposed beside a section: read in the paper, or taken from last year's report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vendors.differences import same_text
from vendors.forms.sections import SECTIONS, Section, row_count
from vendors.models import AssuranceReport, DocumentReading, ReportDraft, Subservice, Vendor
from vendors.reading import mentions
from vendors.services.report_answers import CUEC, SUBSERVICE, plain

SECTION_OF = {
    "kind": "report",
    "period": "report",
    "as_of": "report",
    "issued_on": "report",
    "auditor": "report",
    "opinion": "opinion",
    "categories": "categories",
    "exception": "exceptions",
    "subservice": "subservices",
    "cuec": "cuecs",
}
# The sections for which something can be proposed.
PROPOSABLE = {*SECTION_OF.values(), "scope"}
LABELS = {
    "kind": "Kind",
    "period": "Period",
    "as_of": "As of",
    "issued_on": "Auditor's letter",
    "auditor": "Auditor",
    "opinion": "Opinion",
    "categories": "Categories",
    "exception": "Exception",
    "subservice": "Subservice",
    "cuec": "CUEC",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposal as it is shown: `values` go into the form by their names once a person says so.

    `page` is None where it comes from last year's report alone; `note` says so.
    """

    key: str
    label: str
    text: str
    page: int | None
    quote: str
    values: Mapping[str, Any]
    row: bool = False
    note: str = ""
    used: bool = False
    aside: bool = False


def offers(
    draft: ReportDraft,
    section: str,
    reading: DocumentReading | None,
    before: AssuranceReport | None,
    posted: Mapping[str, Any],
) -> list[Offer]:
    """What is proposed for a section, each with whether the form as it stands has it already."""
    found = list(_read(section, reading))
    if section == "scope" and reading is not None:
        found += _mentioned(draft.vendor, reading)
    if before is not None and section in ("cuecs", "subservices"):
        found = _with_last_year(found, section, before)
    aside = set(draft.answers.get("aside", ()))
    kind = SECTIONS[section]
    return [
        replace(offer, used=_is_used(offer, kind, posted), aside=offer.key in aside)
        for offer in found
    ]


def _read(section: str, reading: DocumentReading | None) -> Iterator[Offer]:
    for said in reading.proposals if reading else []:
        field = said["field"]
        if SECTION_OF.get(field) != section:
            continue
        row = SECTIONS[section].rows is not None
        page = {"page": said["page"]} if row else {f"{field}_page": said["page"]}
        yield Offer(
            said["key"],
            LABELS[field],
            spoken(field, said["values"]),
            said["page"],
            said["quote"],
            {**said["values"], **page},
            row,
        )


def spoken(field: str, values: Mapping[str, Any]) -> str:
    """A proposal's values as people read them."""
    return SPOKEN[field](values)


def _categories(values: Mapping[str, Any]) -> str:
    return ", ".join(AssuranceReport.Category(c).label for c in values["categories"])


def _subservice(values: Mapping[str, Any]) -> str:
    return f"{values['name']}, {Subservice.Method(values['method']).label.lower()}"


def _exception(values: Mapping[str, Any]) -> str:
    return " ".join(v for v in (values["control"], values["criterion"]) if v) or "A control"


def _day(iso: str) -> str:
    return f"{dt.date.fromisoformat(iso):%-d %B %Y}"


SPOKEN: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "kind": lambda v: str(AssuranceReport.Kind(v["kind"]).label),
    "period": lambda v: f"{_day(v['period_start'])} to {_day(v['period_end'])}",
    "as_of": lambda v: _day(v["as_of"]),
    "issued_on": lambda v: _day(v["issued_on"]),
    "auditor": lambda v: str(v["auditor"]),
    "opinion": lambda v: str(AssuranceReport.Opinion(v["opinion"]).label),
    "categories": _categories,
    "exception": _exception,
    "subservice": _subservice,
    "cuec": lambda v: str(v["reference"]),
}


def _mentioned(vendor: Vendor, reading: DocumentReading) -> Iterator[Offer]:
    """Where the paper names a service of ours."""
    services = {service.name: service for service in vendor.services.all()}
    for place in mentions(reading.page_texts, list(services)):
        service = services[str(place.values["service"])]
        values = {f"scope_{service.pk}": "yes", f"page_{service.pk}": place.page}
        text = f"{service.name} is named"
        yield Offer(place.key, "Service", text, place.page, place.quote, values)


def _with_last_year(found: list[Offer], section: str, before: AssuranceReport) -> list[Offer]:
    """Proposals with what was answered last year; then what only last year's report has."""
    key = "text" if section == "cuecs" else "name"
    names = CUEC if section == "cuecs" else SUBSERVICE
    rows = list(before.cuecs.all() if section == "cuecs" else before.subservices.all())
    merged, seen = [], set()
    for offer in found:
        match = next((r for r in rows if same_text(getattr(r, key), offer.values[key])), None)
        if match is not None:
            seen.add(match.pk)
            offer = _answered(offer, match, names)  # noqa: PLW2901 - the same one, richer
        merged.append(offer)
    alone = [r for r in rows if r.pk not in seen]
    return merged + [_last_year(row, names, key) for row in alone]


def _answered(offer: Offer, row: Any, names: list[str]) -> Offer:
    values = _row_values(row, names) | {
        k: v for k, v in offer.values.items() if v not in ("", None)
    }
    return replace(offer, values=values, note="As last year, with last year's answer")


def _last_year(row: Any, names: list[str], key: str) -> Offer:
    values = _row_values(row, names) | {"page": ""}
    label = LABELS["cuec" if key == "text" else "subservice"]
    return Offer(
        f"last-{key}-{row.pk}",
        label,
        str(row),
        None,
        str(getattr(row, key)),
        values,
        row=True,
        note="In last year's report; not found in this paper",
    )


def _row_values(row: Any, names: list[str]) -> dict[str, Any]:
    """A stored row as the workbench's form takes it."""
    values = {n: plain(getattr(row, row._meta.get_field(n).attname)) for n in names}
    if "state" in values:
        values["carried_from"] = row.pk
    return values


def _is_used(offer: Offer, section: type[Section], posted: Mapping[str, Any]) -> bool:
    """Whether the form holds what is proposed."""
    if not offer.row:
        said = {k: v for k, v in offer.values.items() if not k.endswith("_page")}
        return all(_same(_value(posted, name), value) for name, value in said.items())
    count = row_count(posted)
    mine = str(offer.values[section.row_key])
    return any(
        same_text(str(_value(posted, f"form-{n}-{section.row_key}") or ""), mine)
        for n in range(count)
        if not _value(posted, f"form-{n}-DELETE")
    )


def _value(posted: Mapping[str, Any], name: str) -> Any:
    """A value as it is kept, or as a browser posted it, which may be several."""
    getlist = getattr(posted, "getlist", None)
    if getlist is None:
        return posted.get(name)
    values = getlist(name)
    return values[0] if len(values) == 1 else values or None


def _same(held: Any, proposed: Any) -> bool:
    if isinstance(proposed, list):
        return sorted(held if isinstance(held, list) else [held or ""]) == sorted(proposed)
    return str(held if held is not None else "") == str(proposed)
