"""Types of entries about directories that provision people."""

from __future__ import annotations

from audits.ledger.event_type import WHEN, EventType, row_type

_TOKEN = {
    "token": "string",
    "directory": "integer",
    "expires_at": "string",
    "revoked_at": "string",
    "by": "integer",
}
DIRECTORIES = (
    row_type(
        "directory-token",
        "Token of a directory made",
        "A token by which a directory provisions people, as made.",
        **_TOKEN,
        **WHEN,
    ),
    row_type(
        "directory-token-revoked",
        "Token of a directory ended",
        "A directory's token that was ended.",
        **_TOKEN,
    ),
    EventType(
        "directory-roles",
        "Roles of a directory's group",
        "Which roles the members of a directory's group get from now on.",
        {"directory": "integer", "group": "integer", "roles": "array"},
        by_trigger=True,
    ),
    row_type(
        "directory-event",
        "Change by a directory",
        "What a directory did to a person or a group, by ids.",
        directory="integer",
        kind="string",
        person="integer",
        group="integer",
        joined="integer",
        left="integer",
        **WHEN,
    ),
)
