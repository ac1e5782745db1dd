"""Security events as events of the Open Cybersecurity Schema Framework, for a SIEM.

Classes Account Change (3001), Authentication (3002) and User Access Management (3005) of the
category Identity & Access Management. docs/api.md has the mapping. Source: OCSF schema 1.9.0
(August 2026), https://schema.ocsf.io.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from audits.models import SecurityEvent

VERSION = "1.9.0"
CATEGORY = 3
ACCOUNT, AUTHENTICATION, ACCESS = 3001, 3002, 3005
CLASSES = {
    ACCOUNT: "Account Change",
    AUTHENTICATION: "Authentication",
    ACCESS: "User Access Management",
}
OTHER = 99
SUCCESS, FAILURE = 1, 2
INFORMATIONAL, LOW, MEDIUM = 1, 2, 3
PERSON = 1
Kind = SecurityEvent.Kind
Event: TypeAlias = dict[str, Any]

# Class and activity of each kind; what the class has no activity for is 99 by the kind's words.
ACTIVITIES: dict[str, tuple[int, int]] = {
    Kind.SIGN_IN: (AUTHENTICATION, 1),
    Kind.SIGN_IN_FAILED: (AUTHENTICATION, 1),
    Kind.LOCKED_OUT: (AUTHENTICATION, 1),
    Kind.SSO_REFUSED: (AUTHENTICATION, 1),
    Kind.DIRECTORY_REFUSED: (AUTHENTICATION, 1),
    Kind.SIGNED_OUT: (AUTHENTICATION, 2),
    Kind.SESSION_ENDED: (AUTHENTICATION, 2),
    Kind.SECOND_FACTOR: (AUTHENTICATION, OTHER),
    Kind.SECOND_FACTOR_FAILED: (AUTHENTICATION, OTHER),
    Kind.RECOVERY_CODE: (AUTHENTICATION, OTHER),
    Kind.STEPPED_UP: (AUTHENTICATION, OTHER),
    Kind.STEP_UP_FAILED: (AUTHENTICATION, OTHER),
    Kind.KEY_NEW_NETWORK: (AUTHENTICATION, OTHER),
    Kind.PERSON_ADDED: (ACCOUNT, 1),
    Kind.PERSON_BACK: (ACCOUNT, 2),
    Kind.PASSWORD_CHANGED: (ACCOUNT, 3),
    Kind.PASSWORD_RESET: (ACCOUNT, 4),
    Kind.PASSWORD_RESET_ASKED: (ACCOUNT, OTHER),
    Kind.PERSON_LEFT: (ACCOUNT, 5),
    Kind.FACTOR_ADDED: (ACCOUNT, 10),
    Kind.FACTOR_REMOVED: (ACCOUNT, 11),
    Kind.FACTOR_RESET: (ACCOUNT, OTHER),
    Kind.TOKEN_MADE: (ACCOUNT, OTHER),
    Kind.TOKEN_ENDED: (ACCOUNT, OTHER),
    Kind.DIRECTORY_TOKEN: (ACCOUNT, OTHER),
    Kind.ROLE_CHANGED: (ACCESS, OTHER),
    Kind.GRANT_CHANGED: (ACCESS, OTHER),
    Kind.EMERGENCY_ACCESS: (ACCESS, OTHER),
}
# Steps of a grant that give or take a right; asking, refusing and reviewing do neither.
STEPS = {"approved": 1, "given": 1, "taken": 1, "withdrawn": 2, "ended": 2}
NAMES = {
    (AUTHENTICATION, 1): "Logon",
    (AUTHENTICATION, 2): "Logoff",
    (ACCOUNT, 1): "Create",
    (ACCOUNT, 2): "Enable",
    (ACCOUNT, 3): "Password Change",
    (ACCOUNT, 4): "Password Reset",
    (ACCOUNT, 5): "Disable",
    (ACCOUNT, 10): "MFA Factor Enable",
    (ACCOUNT, 11): "MFA Factor Disable",
    (ACCESS, 1): "Assign Privileges",
    (ACCESS, 2): "Revoke Privileges",
}
NOTABLE = {Kind.LOCKED_OUT, Kind.EMERGENCY_ACCESS, Kind.KEY_NEW_NETWORK, Kind.FACTOR_RESET}
PROTOCOLS = {SecurityEvent.Method.OIDC: (4, "OpenID"), SecurityEvent.Method.SAML: (5, "SAML")}
SECOND = {Kind.SECOND_FACTOR, Kind.SECOND_FACTOR_FAILED, Kind.RECOVERY_CODE}


def event(row: SecurityEvent) -> Event:
    """The event of the row, which comes with its people and key; without what has no value."""
    group, activity = ACTIVITIES[row.kind]
    if group == ACCESS:
        activity = STEPS.get(row.reason, OTHER)
    name = NAMES.get((group, activity), row.get_kind_display())
    failed = row.outcome == SecurityEvent.Outcome.FAILURE
    return _present(
        {
            "activity_id": activity,
            "activity_name": name,
            "category_uid": CATEGORY,
            "category_name": "Identity & Access Management",
            "class_uid": group,
            "class_name": CLASSES[group],
            "type_uid": group * 100 + activity,
            "type_name": f"{CLASSES[group]}: {'Other' if activity == OTHER else name}",
            "severity_id": _severity(row, failed=failed),
            "time": int(row.at.timestamp() * 1000),
            "status_id": FAILURE if failed else SUCCESS,
            "status_detail": row.reason,
            "metadata": {
                "version": VERSION,
                "product": {"name": "Countersign", "vendor_name": "Countersign"},
                "uid": f"audits.securityevent:{row.pk}",
                "event_code": row.kind,
                "log_name": "security",
                "logged_time": int(row.at.timestamp() * 1000),
            },
            "actor": {"user": _user(row.by or row.user)},
            "user": _user(row.user),
            **(_authentication(row) if group == AUTHENTICATION else {}),
            "unmapped": _present(
                {
                    "network": row.network,
                    "client": row.client,
                    "method": row.method,
                    "subject": row.subject,
                    "key": row.key.public_id if row.key else "",
                }
            ),
        }
    )


def _severity(row: SecurityEvent, *, failed: bool) -> int:
    if row.kind in NOTABLE:
        return MEDIUM
    return LOW if failed else INFORMATIONAL


def _authentication(row: SecurityEvent) -> Event:
    number, protocol = PROTOCOLS.get(SecurityEvent.Method(row.method), (None, ""))
    return {
        "auth_protocol_id": number,
        "auth_protocol": protocol,
        "is_mfa": True if row.kind in SECOND else None,
    }


def _user(person: Any) -> Event:
    if person is None:
        return {}
    return {"uid": str(person.pk), "email_addr": person.email, "type_id": PERSON, "type": "User"}


def _present(found: Event) -> Event:
    """Without what has no value, at any depth of the first two."""
    kept = {
        name: {n: v for n, v in value.items() if v not in ({}, None, "")}
        if isinstance(value, dict)
        else value
        for name, value in found.items()
    }
    return {name: value for name, value in kept.items() if value not in (None, "", {})}
