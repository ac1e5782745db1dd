"""The datasets of a pack: what each holds, the exact query behind it, and what it is evidence of.

Criteria are those of the AICPA's Trust Services Criteria by number; sections are of 45 CFR. Which
dataset answers which is our own reading.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings

from evidence.pack.access_reviews import ACCESS_REVIEWS
from evidence.pack.agreements import AGREEMENTS
from evidence.pack.dataset import Dataset, Timing
from evidence.pack.ledger import LEDGER_RECORDS
from evidence.pack.report_lines import REPORT_LINES
from evidence.pack.vendor_reviews import VENDOR_REVIEWS

__all__ = ["BY_NAME", "DATASETS", "Dataset", "Timing", "part", "sql", "table", "users_table"]

SQL = Path(__file__).parent / "sql"


def sql(dataset: Dataset) -> str:
    """The query as it runs, with psycopg's named parameters; see `Period` for their names."""
    return _text(dataset.name)


def users_table() -> str:
    """The table of the user model, by Django's rule for its name: the model is known by setting."""
    return settings.AUTH_USER_MODEL.replace(".", "_").lower()


@cache
def _text(name: str) -> str:
    users = users_table()
    tables = {
        "{users}": users,
        "{users_groups}": f"{users}_groups",
        "{users_permissions}": f"{users}_user_permissions",
    }
    text = (SQL / f"{name}.sql").read_text().strip()
    for mark, table in tables.items():
        text = text.replace(mark, table)
    return text


def part(name: str) -> str:
    """A query, or a piece of one, that is no dataset."""
    return (SQL / f"{name}.part.sql").read_text().strip()


_AS_OF, _PERIOD = Timing.AS_OF, Timing.PERIOD

DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "vendors",
        "Vendors",
        "Every vendor in scope as registered at the moment of the pack.",
        "vendors_vendor",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC3.2"),
        sections=("164.308(b)(1)", "164.314(a)"),
    ),
    Dataset(
        "services",
        "Services",
        "Every service of the vendors in scope, with its models and regions.",
        "vendors_service",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC6.7"),
        sections=("164.308(b)(1)",),
        notes={
            "models": "Pattern and life cycle of each model on offer.",
            "regions": "Region, what for, and how firmly it is promised.",
        },
    ),
    *AGREEMENTS,
    Dataset(
        "assurance_reports",
        "Assurance reports",
        "Every assurance report of the vendors in scope with our review and its bridge letters.",
        "vendors_assurancereport",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC4.1"),
        sections=("164.308(b)(1)",),
        notes={
            "period_end": "Last day the report covers; it counts.",
            "replaces_id": "The row that this one corrects.",
            "bridge_letters": "The vendor management's word for the days after the period.",
            "document_sha256": "Of the report, which is restricted in use and not in the pack.",
        },
    ),
    *REPORT_LINES,
    *VENDOR_REVIEWS,
    Dataset(
        "facts",
        "Facts about services",
        "Everything recorded of the services in scope, older facts included.",
        "vendors_fact",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "C1.1"),
        sections=("164.308(b)(1)",),
        notes={
            "grade": "How firmly it stands: contract, gated, public or self_attested.",
            "verified_on": "Day somebody last read the source.",
            "number": "Days, where the dimension is counted in days.",
        },
    ),
    Dataset(
        "service_comparison",
        "Services compared",
        "Each service in scope with what counts of it in every dimension, and the papers it has.",
        "vendors_service",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC3.2"),
        sections=("164.308(b)(1)",),
        notes={
            "dimensions": "By dimension: the newest fact of the whole service with grade and age.",
            "facts_of_narrower_scope": "How many more speak of a model, region, endpoint or plan.",
            "baas_in_force": "That name the service, on the day of the pack.",
            "soc2_reports": "That have it in scope, newest first, with our review.",
        },
    ),
    Dataset(
        "inquiries",
        "Questionnaires sent",
        "Every questionnaire put to a vendor in scope: when it was sent, answered and reviewed.",
        "vendors_inquiry",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC3.2"),
        sections=("164.308(b)(1)",),
        notes={
            "questionnaire_digest": "SHA-256 of the questions as published.",
            "submission_digests": "SHA-256 of each submission, as it was handed over.",
            "openings": "How often the link was opened.",
            "expires_at": "First moment at which the link opened nothing.",
        },
    ),
    Dataset(
        "answers",
        "Answers of vendors",
        "Every submitted answer with our review; what was answered in words stays in the portal.",
        "vendors_answer",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2",),
        sections=("164.308(b)(1)",),
        notes={
            "inquiry_id": "`id` in inquiries.",
            "value": "What was chosen, a number or a day; empty where it was answered in words.",
            "fact_ids": "Facts that came of it: `id` in facts.",
            "document_sha256": "Of the attached paper, which is not in the pack.",
        },
    ),
    Dataset(
        "integrations",
        "Integrations",
        "Every integration in scope as registered at the moment of the pack.",
        "policies_integration",
        _AS_OF,
        narrowed=True,
        criteria=("CC6.1", "CC8.1"),
        sections=("164.308(a)(4)", "164.312(a)"),
    ),
    Dataset(
        "approvals",
        "Approvals",
        "Every decision on an integration in scope until the end of the period.",
        "policies_approval",
        _AS_OF,
        narrowed=True,
        criteria=("CC8.1", "CC6.1"),
        sections=("164.308(a)(4)",),
        notes={
            "terms": "What was decided on.",
            "terms_digest": "SHA-256 of the canonical JSON (RFC 8785) of `terms`.",
            "expires_on": "Last day the approval holds.",
        },
    ),
    Dataset(
        "integration_events",
        "Integration events",
        "What happened to the integrations in scope during the period.",
        "policies_integrationevent",
        _PERIOD,
        narrowed=True,
        criteria=("CC8.1", "CC6.1"),
        sections=("164.308(a)(4)", "164.316(b)"),
    ),
    Dataset(
        "integration_keys",
        "Integration keys",
        "Every key of the integrations in scope made until the end of the period; no secrets.",
        "policies_integrationkey",
        _AS_OF,
        narrowed=True,
        criteria=("CC6.1", "CC6.2"),
        sections=("164.312(a)", "164.312(d)"),
    ),
    Dataset(
        "data_classes",
        "Data classes and requirements",
        "The policy as it stands: each class of data, and what each reason does to its calls.",
        "policies_dataclass",
        _AS_OF,
        narrowed=False,
        criteria=("C1.1", "CC6.7", "P4.1"),
        sections=("164.312(a)", "164.316(a)"),
        notes={"requirements": "Reason of the gate: block, warn or off."},
    ),
    Dataset(
        "people",
        "People",
        "Everybody who has or had an account, with the roles they hold.",
        "{users}",
        _AS_OF,
        narrowed=False,
        criteria=("CC6.2", "CC6.3"),
        sections=("164.308(a)(3)", "164.308(a)(4)", "164.312(a)"),
    ),
    Dataset(
        "roles",
        "Roles",
        "Each role with its permissions and how many active people hold it.",
        "auth_group",
        _AS_OF,
        narrowed=False,
        criteria=("CC6.3",),
        sections=("164.308(a)(4)",),
    ),
    Dataset(
        "object_grants",
        "Grants on single objects",
        "What people may do with single integrations beyond their role.",
        "guardian_userobjectpermission",
        _AS_OF,
        narrowed=True,
        criteria=("CC6.1", "CC6.3"),
        sections=("164.308(a)(4)", "164.312(a)"),
    ),
    *ACCESS_REVIEWS,
    *LEDGER_RECORDS,
    Dataset(
        "findings",
        "Findings",
        "Findings of the daily checks that were open at some moment of the period.",
        "evidence_finding",
        _PERIOD,
        narrowed=True,
        criteria=("CC4.1", "CC4.2", "CC7.3", "CC7.4"),
        sections=("164.308(a)(1)(ii)(D)",),
        notes={"events": "Its history, oldest first."},
    ),
    Dataset(
        "notices",
        "Notices",
        "Mails about those findings, one for each window of days before or after the due day.",
        "evidence_notice",
        _PERIOD,
        narrowed=True,
        criteria=("CC2.1", "CC4.2"),
        sections=("164.308(a)(1)(ii)(D)",),
    ),
    Dataset(
        "check_runs",
        "Runs of the daily checks",
        "Each run of the checks in the period: that monitoring operated, and what it found.",
        "evidence_checkrun",
        _PERIOD,
        narrowed=False,
        criteria=("CC4.1", "CC7.2"),
        sections=("164.308(a)(1)(ii)(D)",),
    ),
    Dataset(
        "register_imports",
        "Imports into the register",
        "Each file of the period that was uploaded to fill the register, and what came of it.",
        "vendors_registerimport",
        _PERIOD,
        narrowed=False,
        criteria=("CC8.1", "PI1.2"),
        sections=("164.312(b)",),
        notes={"plan_sha256": "Of what the person saw and confirmed, line by line."},
    ),
    Dataset(
        "personal_tokens",
        "Personal access tokens",
        "Every token of a person made until the end of the period; no secrets.",
        "portal_personaltoken",
        _AS_OF,
        narrowed=False,
        criteria=("CC6.1", "CC6.2"),
        sections=("164.312(a)", "164.312(d)"),
    ),
    Dataset(
        "read_events",
        "Reads of records",
        "Who looked at, exported or downloaded records in the period.",
        "audits_readevent",
        _PERIOD,
        narrowed=False,
        criteria=("CC6.1", "CC7.2"),
        sections=("164.312(b)", "164.308(a)(1)(ii)(D)"),
    ),
    Dataset(
        "change_history",
        "Change history",
        "Each change of the register in the period, with who made it.",
        "auditlog_logentry",
        _PERIOD,
        narrowed=False,
        criteria=("CC8.1", "CC6.1"),
        sections=("164.312(b)", "164.316(b)"),
        notes={"changes": "Field: value before and after."},
    ),
)
BY_NAME: dict[str, Dataset] = {dataset.name: dataset for dataset in DATASETS}


def table(dataset: Dataset) -> str:
    """The table whose `id` is the population's sequence."""
    return dataset.table.replace("{users}", users_table())
