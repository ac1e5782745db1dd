"""The table of daily checks. A new check is one more entry.

Each asks the apps below through their QuerySets and services; none of them knows of it.
"""

from evidence.monitoring import papers, uses
from evidence.monitoring.sightings import (
    Asked,
    Check,
    Severity,
    Sighting,
    always,
    gentle,
    pressing,
    steady,
)

__all__ = ["CHECKS", "Asked", "Check", "Sighting"]

_TABLE = [
    Check(
        code="baa-ending",
        title="BAA ends",
        control="45 CFR 164.308(b), 164.504(e); AICPA TSC CC9.2",
        remedy="Renew the BAA and record the new version, or stop sending PHI before that day.",
        find=papers.baas_ending,
        severity=pressing,
        horizon_days=90,
    ),
    Check(
        code="baa-not-in-force",
        title="PHI in use without a BAA in force",
        control="45 CFR 164.502(e), 164.308(b)(1)",
        remedy="Sign and record a BAA, or retire the integrations that send PHI to this vendor.",
        find=papers.baas_not_in_force,
        severity=always(Severity.HIGH),
    ),
    Check(
        code="dpa-ending",
        title="DPA ends",
        control="GDPR Art. 28(3); AICPA TSC CC9.2, P6",
        remedy="Renew the DPA and record the new version.",
        find=papers.dpas_ending,
        severity=steady,
        horizon_days=60,
    ),
    Check(
        code="dpa-ended",
        title="Vendor in use after its DPA ended",
        control="GDPR Art. 28(3); AICPA TSC CC9.2, P6",
        remedy="Sign and record a DPA, or retire the integrations that use this vendor.",
        find=papers.dpas_ended,
        severity=always(Severity.MEDIUM),
    ),
    Check(
        code="agreement-no-document",
        title="Agreement without its document",
        control="45 CFR 164.316(b)(1), 164.308(b)(3)",
        remedy="Record a version of the agreement with its signed copy.",
        find=papers.agreements_without_document,
        severity=always(Severity.MEDIUM),
    ),
    Check(
        code="report-ending",
        title="SOC 2 coverage ends",
        control="AICPA TSC CC9.2",
        remedy="Ask the vendor for its next SOC 2 Type II report, or for a bridge letter.",
        find=papers.reports_ending,
        severity=pressing,
        horizon_days=60,
    ),
    Check(
        code="report-missing",
        title="Service in use without a SOC 2 report",
        control="AICPA TSC CC9.2",
        remedy="Ask the vendor for its SOC 2 Type II report, record it and review it.",
        find=papers.reports_missing,
        severity=always(Severity.MEDIUM),
    ),
    Check(
        code="type2-due",
        title="SOC 2 Type II due",
        control="AICPA TSC CC9.2",
        remedy="Ask for the Type II report, or set another day in the report's review.",
        find=papers.type2_due,
        severity=pressing,
        horizon_days=60,
    ),
    Check(
        code="fact-stale",
        title="Facts to verify again",
        control="AICPA TSC CC3.4, CC9.2",
        remedy="Read each source again and record what it says now.",
        find=papers.facts_to_verify,
        severity=gentle,
        horizon_days=14,
    ),
    Check(
        code="review-due",
        title="Vendor review due",
        control="AICPA TSC CC9.2; 45 CFR 164.308(a)(8)",
        remedy="Review the vendor and set its next review.",
        find=papers.reviews_due,
        severity=steady,
        horizon_days=30,
    ),
    Check(
        code="approval-expiring",
        title="Approval ends",
        control="AICPA TSC CC8.1",
        remedy="Submit the integration again, and have an officer approve it.",
        find=uses.approvals_expiring,
        severity=pressing,
        horizon_days=60,
    ),
    Check(
        code="key-expiring",
        title="Key ends",
        control="AICPA TSC CC6.1; 45 CFR 164.312(d)",
        remedy="Rotate the key, and put the new one where the integration runs.",
        find=uses.keys_expiring,
        severity=pressing,
        horizon_days=30,
    ),
    Check(
        code="determination-expiring",
        title="De-identification determination ends",
        control="45 CFR 164.514(b)(1)",
        remedy="Have the expert renew the determination, and attach it to the integration.",
        find=uses.determinations_expiring,
        severity=pressing,
        horizon_days=90,
    ),
    Check(
        code="integration-no-owner",
        title="Integration without an owner",
        control="AICPA TSC CC1.3; 45 CFR 164.308(a)(2)",
        remedy="Name an active person who answers for it.",
        find=uses.without_owner,
        severity=always(Severity.MEDIUM),
    ),
    Check(
        code="integration-blocked",
        title="Live integration that the gate denies",
        control="45 CFR 164.502(e); AICPA TSC CC7.2",
        remedy="Open the integration to see each reason with what makes it go away.",
        find=uses.blocked,
        severity=always(Severity.HIGH),
    ),
    Check(
        code="calls-unanswered",
        title="Calls without completion",
        control="45 CFR 164.312(b), 164.308(a)(1)(ii)(D); AICPA TSC PI1.3",
        remedy="Find out why its callers do not report how calls end: a crash, or a lost network.",
        find=uses.calls_unanswered,
        severity=always(Severity.MEDIUM),
    ),
]

# By code; a code never gets another meaning, since findings of years are stored under it.
CHECKS = {check.code: check for check in _TABLE}
