"""The columns of the list of findings, for its page, its files and its saved views."""

from __future__ import annotations

from vendors.tables.columns import Column, ListSpec

FINDING_LIST = ListSpec(
    "findings",
    "Findings",
    "evidence:finding-list",
    "evidence:finding-views",
    (
        Column(
            "title",
            "Finding",
            (
                ("Finding", lambda row: row.pk),
                ("Check", lambda row: row.check_code),
                ("Title", lambda row: row.title),
                ("Subject", lambda row: row.subject_label),
                ("Detail", lambda row: row.detail),
            ),
            sort="title",
        ),
        Column(
            "severity",
            "Severity",
            (("Severity", lambda row: row.get_severity_display()),),
            sort="severity",
        ),
        Column("due", "Due", (("Due on", lambda row: row.due_on),), sort="due", css="num"),
        Column("owner", "Owner", (("Owner", lambda row: str(row.owner or "")),)),
        Column(
            "found",
            "Found",
            (
                ("Opened at", lambda row: row.opened_at),
                ("Last seen at", lambda row: row.last_seen_at),
                ("Closed at", lambda row: row.closed_at),
            ),
            sort="opened",
            css="num",
        ),
    ),
)
