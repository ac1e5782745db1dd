"""The values a fact may have in each dimension, and how a person reads them; pure."""

from __future__ import annotations

# The gate decides on some of them:
# training_use no; tls_minimum 1.2 or 1.3; encryption_at_rest aes-256; the number of retention_days.
VALUES: dict[str, dict[str, str]] = {
    "baa": {
        "self_serve": "Yes, self-service",
        "included": "Yes, part of the terms",
        "on_request": "Yes, on request",
        "with_setting": "Yes, with a setting of theirs",
        "any_paid": "Yes, any paid plan",
        "enterprise": "Enterprise contract only",
        "no_evidence": "No public evidence",
        "none": "No",
        "not_applicable": "Not applicable",
        "unknown": "Unknown",
    },
    "soc2_type2": {
        "yes": "Yes",
        "no": "No",
        "not_applicable": "Not applicable",
        "unknown": "Unknown",
    },
    "gdpr_dpa": {
        "yes": "Yes",
        "no": "No",
        "not_applicable": "Not applicable",
        "unknown": "Unknown",
    },
    "training_use": {
        "no": "No",
        "opt_in": "Opt-in",
        "opt_out": "Yes, opt-out",
        "depends_on_plan": "By plan",
        "yes": "Yes",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "retention_days": {
        "days": "Days",
        "depends_on_model": "By model",
        "depends_on_contract": "By contract",
        "flagged_only": "Flagged only",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "zero_retention": {
        "self_serve": "Yes, self-service",
        "on_approval": "On approval",
        "no": "No",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "residency": {
        "regional": "Our choice",
        "us_or_global": "US or global",
        "us": "US",
        "eu": "EU",
        "depends_on_deployment": "By deployment",
        "depends_on_setting": "By setting",
        "private_only": "Private only",
        "no": "No",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "tls_minimum": {
        "1.0": "TLS 1.0",
        "1.1": "TLS 1.1",
        "1.2": "TLS 1.2",
        "1.3": "TLS 1.3",
        "unknown": "Unknown",
    },
    "encryption_at_rest": {
        "aes-256": "AES-256",
        "aes-128": "AES-128",
        "none": "None",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "byok": {
        "yes": "Yes",
        "enterprise": "Enterprise contract only",
        "no": "No",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "access_logs": {
        "calls": "Every call, without content",
        "admin_events": "Administration only",
        "no": "No",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "content_logs": {
        "opt_in": "If we switch it on",
        "yes": "Yes",
        "no": "No",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "log_retention_control": {
        "yes": "Yes",
        "limited": "Limited",
        "no": "No",
        "operator_set": "Set by us",
        "unknown": "Unknown",
    },
    "private_endpoint": {
        "yes": "Yes",
        "private_deployment": "Private deployment",
        "no": "No",
        "unknown": "Unknown",
    },
    "posture_api": {"yes": "Yes", "no": "No", "unknown": "Unknown"},
}
# The dimensions whose value is a number of days.
IN_DAYS = ("retention_days",)


def value_words(dimension: str, value: str, number: int | None) -> str:
    """A fact's value as a person reads it."""
    if value == "days" and number is not None:
        return "None kept" if number == 0 else f"{number} day" + "s" * (number != 1)
    return VALUES.get(dimension, {}).get(value, value)
