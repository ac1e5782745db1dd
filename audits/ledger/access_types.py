"""Types of entry about who may do what: keys, tokens, roles, grants, and events of security."""

from __future__ import annotations

from audits.ledger.event_type import WHEN, EventType
from audits.ledger.event_type import gone_type as _gone
from audits.ledger.event_type import row_type as _row

_KEY = {
    "key": "string",
    "integration": "integer",
    "livemode": "boolean",
    "scopes": "array",
    "expires_at": "string",
    "revoked_at": "string",
    "by": "integer",
}
_TOKEN = {
    "token": "string",
    "user": "integer",
    "scopes": "array",
    "expires_at": "string",
    "revoked_at": "string",
    "by": "integer",
}
_GRANT = {"permission": "string", "user": "integer", "group": "integer"}
_ROLE = {"user": "integer", "group": "integer"}

_HELD = {
    "integration": "integer",
    "permission": "string",
    "principal": "integer",
    "group": "integer",
    "kind": "string",
    "state": "string",
    "starts_at": "string",
    "ends_at": "string",
    "asked_by": "integer",
    "decided_by": "integer",
    "ended_by": "integer",
    "reviewed_by": "integer",
}
_MEMBER = {"group": "integer", "principal": "integer", "by": "integer"}

ACCESS = (
    _row("key-created", "Key made", "A key of an integration as it was made.", **_KEY, **WHEN),
    _row("key-changed", "Key changed", "A key whose terms changed, as by a rotation.", **_KEY),
    _row("key-revoked", "Key revoked", "A key that was ended at once.", **_KEY),
    _row("token-created", "Token made", "A personal access token as made.", **_TOKEN, **WHEN),
    _row("token-changed", "Token changed", "A token whose terms changed.", **_TOKEN),
    _row("token-revoked", "Token revoked", "A token that was ended at once.", **_TOKEN),
    _row("grant", "Grant", "A permission on one object, given to a person or role.", **_GRANT),
    _gone("grant-removed", "Grant taken back", "A permission that ended.", **_GRANT),
    _row("role", "Role given", "A role that a person was given.", **_ROLE),
    _gone("role-removed", "Role taken", "A role that a person no longer has.", **_ROLE),
    EventType(
        "sign-in",
        "Sign-in",
        "That a person signed in.",
        {"user": "integer", **WHEN},
        by_trigger=True,
    ),
    _row(
        "security",
        "Security event",
        "What happened to sign-in, sessions, factors, keys or access.",
        kind="string",
        outcome="string",
        method="string",
        reason="string",
        about="string",
        user="integer",
        by="integer",
        key="integer",
        **WHEN,
    ),
    _row(
        "access-grant",
        "Grant of access",
        "Who may do what with an integration until when, as asked for, decided, ended, reviewed.",
        **_HELD,
        **WHEN,
    ),
    _row(
        "principal",
        "Principal",
        "Who is behind calls, as they came to be known, were said to be somebody, or left.",
        kind="string",
        state="string",
        source="string",
        user="integer",
        left_at="string",
    ),
    _row(
        "principal-group",
        "Group of principals",
        "A group that holds grants, as made, renamed or given up.",
        source="string",
        ended_at="string",
    ),
    _row("member", "Member of a group", "That a principal joined a group.", **_MEMBER),
    _gone("member-removed", "Member removed", "That a principal left a group.", **_MEMBER),
    _row(
        "duty-pair",
        "Duties kept apart",
        "Two duties that one person may not hold, from when the pair was kept until it ended.",
        first="string",
        second="string",
        by="integer",
        ended_at="string",
        **WHEN,
    ),
)

_REVIEW = {
    "review": "integer",
    "count": "integer",
    "digest": "string",
    "closed_digest": "string",
    "due_on": "string",
    "by": "integer",
    **WHEN,
}
REVIEWS = (
    _row(
        "access-review",
        "Access review",
        "A review of all access as it began, with the digest of its population.",
        **_REVIEW,
    ),
    _row(
        "access-review-closed",
        "Access review closed",
        "A review as it was closed, with the digest of its decisions and proofs.",
        **_REVIEW,
    ),
    _row(
        "access-review-signed",
        "Access review signed off",
        "That another person signed a closed review off.",
        **_REVIEW,
    ),
    _row(
        "access-decision",
        "Decision on access",
        "What was decided on a line of an access review.",
        entry="integer",
        decision="string",
        by="integer",
        **WHEN,
    ),
    _row(
        "access-proof",
        "Proof of a revocation",
        "That a decision was executed or not, and what was found when it was looked at again.",
        entry="integer",
        kind="string",
        by="integer",
        **WHEN,
    ),
)
