"""What the page of an assurance report shows: all its sections, and what differs from before."""

from __future__ import annotations

import datetime as dt
from typing import Any

from vendors.forms.sections import READ_IN_FULL
from vendors.models import AssuranceReport, ReportCondition
from vendors.pages.cuecs import cuec_lines
from vendors.pages.lines import report_lines
from vendors.services.report_answers import differences_of

DISPOSITION_KINDS = {
    "accepted": "neutral",
    "compensated": "ok",
    "followed": "soon",
    "irrelevant": "neutral",
}
CONDITION_KINDS = {
    ReportCondition.State.OPEN: "soon",
    ReportCondition.State.MET: "ok",
    ReportCondition.State.WAIVED: "neutral",
}
# The label of each field whose page is kept.
PAGE_LABELS = {
    "kind": "Kind",
    "period": "Period",
    "as_of": "As of",
    "issued_on": "Auditor's letter",
    "auditor": "Auditor",
    "opinion": "Opinion",
    "categories": "Categories",
}


def report_page(report: AssuranceReport, on: dt.date) -> dict[str, Any]:
    """Everything that the page of a report needs on the day `on`."""
    line = report_lines(AssuranceReport.objects.filter(pk=report.pk), on)[0]
    before, differences = differences_of(report)
    conditions = report.conditions.select_related("owner", "closed_by")
    return {
        "report": report,
        "vendor": report.vendor,
        "line": line,
        "categories": [AssuranceReport.Category(c).label for c in report.categories],
        "scopes": line.report.scopes.all(),
        "exceptions": [(e, DISPOSITION_KINDS[e.disposition]) for e in report.exceptions.all()],
        "subservices": report.subservices.select_related("own_report__vendor"),
        "cuecs": cuec_lines(
            report.cuecs.select_related("owner", "evidence_document", "carried_from__report")
        ),
        "bridges": report.bridges.select_related("document", "recorded_by"),
        "conditions": [
            (each, CONDITION_KINDS[ReportCondition.State(each.state)], (each.due_on - on).days)
            for each in conditions
        ],
        "before": before,
        "differences": differences,
        "drafts": report.drafts.open().select_related("changed_by"),
        "readable": report.kind in READ_IN_FULL and not line.replaced,
        "bridgeable": report.kind == AssuranceReport.Kind.SOC2_TYPE2 and not line.replaced,
    }
