"""Roles and what each may do, as permission strings; `manage.py setup` writes them as groups."""

from __future__ import annotations

VIEW_REGISTER = (
    "vendors.view_vendor",
    "vendors.view_service",
    "vendors.view_servicemodel",
    "vendors.view_serviceregion",
    "vendors.view_fact",
    "vendors.view_agreement",
    "vendors.view_coveredscope",
    "vendors.view_assurancereport",
    "vendors.view_reportscope",
    "vendors.view_bridgeletter",
    "vendors.view_reportexception",
    "vendors.view_subservice",
    "vendors.view_cuec",
    "vendors.view_reportcondition",
    "vendors.view_costfact",
    "vendors.view_vendorreview",
    "vendors.view_reviewitem",
    "vendors.view_vendorcondition",
    "vendors.view_vendortransition",
    "vendors.view_offboarding",
    "vendors.view_offboardingstep",
    "vendors.view_factassignment",
    "policies.view_dataclass",
    "policies.view_requirement",
    "policies.view_integration",
    "policies.view_approval",
    "policies.view_costplan",
    "evidence.view_finding",
)
VIEW_PAPERS = ("vendors.view_document", "vendors.view_registerimport")
VIEW_CALLS = ("audits.view_call", "audits.view_completion", "policies.view_integrationkey")
VIEW_PEOPLE = ("portal.view_user", "audits.view_readevent")

OFFICER = "Compliance officer"

ROLES: dict[str, tuple[str, ...]] = {
    OFFICER: (
        *VIEW_REGISTER,
        *VIEW_PAPERS,
        *VIEW_CALLS,
        *VIEW_PEOPLE,
        "vendors.add_vendor",
        "vendors.change_vendor",
        "vendors.add_service",
        "vendors.change_service",
        "vendors.add_fact",
        "vendors.add_costfact",
        "vendors.add_factassignment",
        "vendors.add_vendorreview",
        "vendors.add_vendorcondition",
        "vendors.change_vendorcondition",
        "vendors.add_offboarding",
        "vendors.change_offboarding",
        "vendors.add_agreement",
        "vendors.change_agreement",
        "vendors.terminate_agreement",
        "vendors.add_assurancereport",
        "vendors.review_assurancereport",
        "vendors.add_bridgeletter",
        "vendors.change_cuec",
        "vendors.change_subservice",
        "vendors.change_reportcondition",
        "vendors.add_document",
        "vendors.import_register",
        "policies.add_dataclass",
        "policies.change_dataclass",
        "policies.change_requirement",
        "policies.approve_integration",
        "policies.suspend_integration",
        "policies.retire_integration",
        "policies.grant_integration",
        "policies.add_costplan",
        "policies.change_costplan",
        "policies.delete_costplan",
        "audits.export_call",
        "evidence.change_finding",
        "evidence.view_checkrun",
        "evidence.run_checks",
        "evidence.view_evidencepack",
        "evidence.add_evidencepack",
        "evidence.change_evidencepack",
        "evidence.download_evidencepack",
    ),
    # Changing, submitting and keys of an integration: object permissions of its owner.
    "Engineer": (*VIEW_REGISTER, "policies.add_integration", "policies.add_costplan"),
    "Auditor": (
        *VIEW_REGISTER,
        *VIEW_PAPERS,
        *VIEW_CALLS,
        *VIEW_PEOPLE,
        "audits.export_call",
        "evidence.view_checkrun",
        "evidence.view_evidencepack",
        "evidence.add_evidencepack",
        "evidence.change_evidencepack",
        "evidence.download_evidencepack",
    ),
    "Viewer": VIEW_REGISTER,
    "Administrator": (
        *VIEW_REGISTER,
        *VIEW_PEOPLE,
        "portal.add_user",
        "portal.change_user",
        "evidence.view_checkrun",
        "evidence.run_checks",
    ),
}

# What each role is for, in a few words.
SUMMARIES = {
    OFFICER: "keeps the register, decides on integrations, answers for findings",
    "Engineer": "registers integrations and owns them",
    "Auditor": "reads everything and makes evidence packs",
    "Viewer": "reads the register",
    "Administrator": "manages people; no calls, no decisions",
}

# What the owner of an integration may do with it, as object permissions.
OWNER = (
    "policies.change_integration",
    "policies.submit_integration",
    "policies.retire_integration",
    "policies.manage_keys",
    "policies.read_log",
)
