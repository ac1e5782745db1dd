"""Every reason for which the gate can refuse a call, with its words and its source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """`remedy` says what makes it go away; `source` is the rule or practice it rests on."""

    title: str
    sentence: str
    remedy: str
    source: str


REASONS: dict[str, Reason] = {
    "integration-not-active": Reason(
        "Integration not active",
        "The integration is not approved and active.",
        "An officer approves it, then the engineer makes its key.",
        "AICPA TSC CC8.1",
    ),
    "approval-void": Reason(
        "Approval void",
        "No approval stands: none was given, it ran out, or the terms have changed since.",
        "Submit the integration, and have an officer approve it.",
        "AICPA TSC CC8.1",
    ),
    "data-class-not-allowed": Reason(
        "Data class not approved",
        "The call carries a class of data that the integration was not approved for.",
        "Add the data class to the integration and have it approved.",
        "45 CFR 164.502(b), minimum necessary",
    ),
    "model-not-listed": Reason(
        "Model not listed",
        "The model is not among those approved for the integration and listed for the service.",
        "Add the model to the integration, or use one that is listed.",
        "AICPA TSC CC8.1",
    ),
    "principal-not-granted": Reason(
        "Actor without grant",
        "The actor has no grant to send prompts through this integration.",
        "Give the actor the grant, or use one who has it.",
        "45 CFR 164.308(a)(4)",
    ),
    "baa-missing": Reason(
        "No BAA",
        "No business associate agreement with the vendor is recorded.",
        "Sign a BAA with the vendor and record it.",
        "45 CFR 164.502(e), 164.308(b)(1)",
    ),
    "baa-expired": Reason(
        "BAA not in force",
        "The business associate agreement with the vendor has ended.",
        "Renew the BAA and record the new version.",
        "45 CFR 164.502(e), 164.308(b)(1)",
    ),
    "baa-scope": Reason(
        "BAA does not cover this use",
        "A BAA is in force, but its scope leaves out this service, plan, account, endpoint, model, "
        "region or feature, or asks for a setting that was not made.",
        "Have the BAA extended, make the setting, or use what it covers.",
        "45 CFR 164.504(e)(2)",
    ),
    "report-missing": Reason(
        "No SOC 2 report",
        "No accepted SOC 2 report has this service in scope.",
        "Ask the vendor for its SOC 2 Type II report and review it.",
        "AICPA TSC CC9.2",
    ),
    "report-stale": Reason(
        "SOC 2 report stale",
        "The last SOC 2 Type II period ended too long ago and no bridge letter covers today.",
        "Ask for the next report, or for a bridge letter.",
        "AICPA TSC CC9.2",
    ),
    "report-type1-overdue": Reason(
        "Type II overdue",
        "Only a SOC 2 Type I stands, and the day by which a Type II was to arrive has passed.",
        "Ask for the Type II report, or set another day with a reason.",
        "AICPA TSC CC9.2",
    ),
    "report-qualified": Reason(
        "SOC 2 opinion qualified",
        "The auditor's opinion on the report is not unqualified.",
        "Review the exceptions, or wait for a clean report.",
        "AICPA TSC CC9.2",
    ),
    "report-carve-out": Reason(
        "Carved-out part not covered",
        "The report leaves out a subservice that we rely on, and no report of its own covers it.",
        "Ask for the subservice's own report, review it and link it to the carve-out.",
        "AICPA TSC CC9.2",
    ),
    "region-not-allowed": Reason(
        "Region not allowed",
        "The region is not the approved one, not offered, or data may go where its class may not.",
        "Use the approved region, or have another one approved.",
        "AICPA TSC C1.1",
    ),
    "deployment-not-allowed": Reason(
        "Deployment not allowed",
        "This kind of deployment is not allowed for this data.",
        "Use a private endpoint or a deployment that the data class allows.",
        "AICPA TSC CC6.7",
    ),
    "training-not-excluded": Reason(
        "Training not excluded",
        "It is not established that the vendor does not train on our data.",
        "Have it excluded in writing and record the fact.",
        "45 CFR 164.504(e)(2)(i)",
    ),
    "retention-too-long": Reason(
        "Retention too long",
        "The vendor keeps data longer than allowed, or how long is not known.",
        "Agree on zero or shorter retention and record the fact.",
        "AICPA TSC C1.2",
    ),
    "encryption-too-weak": Reason(
        "Encryption too weak",
        "TLS 1.2 and AES-256 at rest are not both established.",
        "Verify the vendor's encryption and record the facts.",
        "45 CFR 164.312(a)(2)(iv), 164.312(e)(2)(ii)",
    ),
    "fact-stale": Reason(
        "Facts must be verified again",
        "A fact that this decision rests on was not verified recently.",
        "Read the source again and record what it says now.",
        "AICPA TSC CC9.2",
    ),
    "deid-undocumented": Reason(
        "De-identification undocumented",
        "De-identification is claimed, but its document is missing or has run out.",
        "Attach the determination, or drop the claim.",
        "45 CFR 164.514(a), (b)",
    ),
    "deid-not-by-rules": Reason(
        "Rules do not support Safe Harbor",
        "Safe Harbor by data rules is claimed, and no rules in force remove all 18 identifiers.",
        "Give the integration a data policy whose version in force supports it, or drop the claim.",
        "45 CFR 164.514(b)(2)",
    ),
    "bundle-too-old": Reason(
        "Bundle too old",
        "The call names no bundle of rules that was issued in the last 15 minutes or still holds.",
        "Let the client reach the portal, so that it fetches its bundle, then call again.",
        "45 CFR 164.312(c)(1); AICPA TSC CC6.7",
    ),
    "review-overdue": Reason(
        "Vendor not approved or review overdue",
        "The vendor is not approved, its approval with conditions has ended, or its review is due.",
        "Review the vendor.",
        "AICPA TSC CC9.2",
    ),
    "service-retired": Reason(
        "Service retired",
        "The service is retired: its vendor no longer offers it, or we no longer use it.",
        "Move the integration to a service that is offered, and have it approved.",
        "AICPA TSC CC8.1",
    ),
}

# Holds for every call, whatever its data; no requirement can lift these.
UNCONDITIONAL = (
    "integration-not-active",
    "approval-void",
    "data-class-not-allowed",
    "model-not-listed",
    "principal-not-granted",
)
