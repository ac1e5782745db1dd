"""Every type of entry that the ledger knows: what it seals, and which members it may carry.

Members that are null or empty are left out of an entry, and `v`, `type`, `subject` and
`received_at` may stand in every one. Kinds of value: integer, string, boolean, array, object.
None of them is free text, a name or an address: ids, words of a fixed list, days, moments, digests.
"""

from __future__ import annotations

from audits.ledger.access_types import ACCESS, REVIEWS
from audits.ledger.directory_types import DIRECTORIES
from audits.ledger.event_type import WHEN, EventType
from audits.ledger.event_type import gone_type as _gone
from audits.ledger.event_type import row_type as _row

_PAPER = {"document": "integer"}
_USE = {
    "integration": "integer",
    "policy": "integer",
    "enforcement": "string",
    "shadow": "integer",
    "by": "integer",
}

_CALLS = (
    EventType("call", "Call", "The record of a call that the gate allowed, before it was made."),
    EventType("denial", "Denied call", "The record of a call that the gate denied."),
    EventType("completion", "Completion", "How a call ended."),
    EventType("lease", "Lease", "That a long call was still running."),
    EventType("lease-loss", "Lease loss", "A call that nobody completed: closed as unknown."),
)
_PAPERS = (
    _row(
        "agreement",
        "Agreement",
        "A version of an agreement as recorded, and each change of its life.",
        vendor="integer",
        kind="string",
        version="integer",
        amends="integer",
        starts_on="string",
        ends_on="string",
        terminated_on="string",
        superseded_on="string",
        return_state="string",
        **_PAPER,
    ),
    _row(
        "report",
        "Assurance report",
        "An assurance report as recorded, and each judgement of it.",
        vendor="integer",
        kind="string",
        opinion="string",
        period_start="string",
        period_end="string",
        as_of="string",
        review="string",
        reviewed_on="string",
        by="integer",
        replaces="integer",
        **_PAPER,
    ),
    _row(
        "bridge-letter",
        "Bridge letter",
        "A bridge letter as recorded.",
        report="integer",
        covers_from="string",
        covers_to="string",
        **_PAPER,
    ),
    _row(
        "agreement-scope",
        "Scope of an agreement",
        "A service that a version of an agreement covers.",
        agreement="integer",
        service="integer",
    ),
    _row(
        "report-scope",
        "Scope of a report",
        "Whether a service is in the scope of a report.",
        report="integer",
        service="integer",
        in_scope="string",
    ),
    _row(
        "document",
        "Document",
        "A file as it was uploaded, with its own SHA-256.",
        file_sha256="string",
        size_bytes="integer",
        by="integer",
        **WHEN,
    ),
    _row(
        "fact",
        "Fact",
        "What was known of a service in one dimension.",
        service="integer",
        dimension="string",
        grade="string",
        recorded_on="string",
        by="integer",
    ),
    _row(
        "submission",
        "Submitted answers",
        "What a vendor submitted to a questionnaire.",
        inquiry="integer",
        number="integer",
        digest="string",
        **WHEN,
    ),
)
_DECISIONS = (
    _row(
        "vendor-state",
        "State of a vendor",
        "A step of a vendor from state to state.",
        vendor="integer",
        from_state="string",
        to_state="string",
        by="integer",
        **WHEN,
    ),
    _row(
        "vendor-review",
        "Review of a vendor",
        "A review that was finished, with the digest of what it saw.",
        vendor="integer",
        outcome="string",
        digest="string",
        reviewed_on="string",
        by="integer",
    ),
    _row(
        "approval",
        "Approval",
        "An officer's decision on an integration, with the digest of its terms.",
        integration="integer",
        decision="string",
        terms_digest="string",
        expires_on="string",
        by="integer",
        **WHEN,
    ),
    _row(
        "integration",
        "Integration",
        "What happened to an integration: submitted, activated, suspended, resumed, retired.",
        integration="integer",
        kind="string",
        by="integer",
        **WHEN,
    ),
    _row(
        "gate-settings",
        "Gate settings",
        "How strictly an integration is recorded, and whether only known actors may call.",
        integration="integer",
        audit_mode="string",
        known_actors_only="boolean",
    ),
    EventType(
        "observation",
        "Observed calls",
        "Calls that telemetry told of afterwards, by the digest of what was kept of them.",
        {
            "integration": "integer",
            "key": "integer",
            "spans": "integer",
            "with_content": "integer",
            "sha256": "string",
        },
    ),
    EventType(
        "policy",
        "Policy",
        "The requirements in force after a change; the digest is the one that verdicts carry.",
        {"policy_digest": "string"},
        by_trigger=True,
    ),
    _row(
        "policy-version",
        "Version of a data policy",
        "A version as submitted, and each decision on it; its rules by their digest.",
        policy="integer",
        number="integer",
        digest="string",
        state="string",
        claim="string",
        starts_at="string",
        ends_at="string",
        by="integer",
        **WHEN,
    ),
    _row(
        "policy-use",
        "Use of a data policy",
        "Which data policy an integration goes by, and whether its rules are enforced.",
        **_USE,
        **WHEN,
    ),
    _gone(
        "policy-use-removed",
        "Use of a data policy ended",
        "That an integration goes by no data policy any more.",
        **_USE,
    ),
    _row(
        "break-glass",
        "Broken glass",
        "That an integration may go on without the portal until a moment, or no longer.",
        integration="integer",
        until="string",
        closed_at="string",
        by="integer",
        **WHEN,
    ),
    _row(
        "finding",
        "Finding",
        "What happened to a finding.",
        finding="integer",
        kind="string",
        by="integer",
        **WHEN,
    ),
    _row(
        "pack",
        "Evidence pack",
        "What happened to a pack: asked for, built with its SHA-256, downloaded.",
        pack="integer",
        kind="string",
        pack_sha256="string",
        by="integer",
        **WHEN,
    ),
)
_TRAILS = (
    _row(
        "change",
        "Change",
        "An entry of the history of changes, by its digest.",
        action="string",
        actor="integer",
        **WHEN,
    ),
    _row(
        "read",
        "Read",
        "That records were looked at, exported or downloaded; its filters by digest.",
        action="string",
        rows="integer",
        user="integer",
        key="integer",
        **WHEN,
    ),
)
_GAPS = (
    _row(
        "gap",
        "Gap",
        "That a client in observe mode made calls without a record of them.",
        integration="integer",
        key="integer",
        calls="integer",
        first_at="string",
        last_at="string",
        livemode="boolean",
    ),
)
_LEDGER = (
    EventType(
        "ledger-start",
        "Recording began",
        "A service that records began, with the key in use; the ledger's first entry is one.",
        {
            "origin": "string",
            "public_key": "string",
            "service": "string",
            "version": "string",
            "settings": "object",
        },
    ),
    EventType(
        "adopted",
        "Records taken in",
        "Records from before there was a ledger: those from the first index to before the end.",
        {
            "first_index": "integer",
            "end_index": "integer",
            "calls": "integer",
            "completions": "integer",
            "leases": "integer",
        },
    ),
    EventType(
        "ledger-stop",
        "Recording ended",
        "A service that records ended in order; without one it was ended or broke.",
        {"service": "string", "start": "integer"},
    ),
    EventType(
        "key-change",
        "Signing key changed",
        "The key that signs from the next batch on; the old key signed this entry.",
        {"public_key": "string", "previous_public_key": "string"},
    ),
    EventType(
        "ledger-restored",
        "Older backup restored",
        "A person accepted that a restored backup lost entries; the kept checkpoint that is lost.",
        {
            "size": "integer",
            "root": "string",
            "lost_size": "integer",
            "lost_root": "string",
            "signed": "boolean",
        },
    ),
)
_STRETCH = {
    "partition": "integer",
    "first_index": "integer",
    "end_index": "integer",
    "count": "integer",
    "root": "string",
    "manifest_sha256": "string",
    "policy": "string",
}
_HOLD = {
    "scope": "string",
    "reason": "string",
    "reference": "string",
    "set_by": "integer",
    "ledger": "string",
    "starts_on": "string",
    "ends_on": "string",
    "integration": "string",
    "vendor": "string",
}
_RETENTION = (
    EventType("archive", "Archived", "A partition that was written into the archive.", _STRETCH),
    EventType("disposal", "Disposed of", "A partition whose entries left the database.", _STRETCH),
    EventType("restore", "Restored", "A partition that was brought back for a time.", _STRETCH),
    EventType("legal-hold", "Legal hold", "A hold that keeps records from being disposed.", _HOLD),
    EventType(
        "legal-hold-release",
        "Legal hold ended",
        "A hold that was released.",
        {**_HOLD, "release_reason": "string", "released_by": "integer"},
    ),
)

TYPES: dict[str, EventType] = {
    each.code: each
    for each in (
        *_CALLS,
        *_GAPS,
        *_TRAILS,
        *_PAPERS,
        *_DECISIONS,
        *ACCESS,
        *DIRECTORIES,
        *REVIEWS,
        *_LEDGER,
        *_RETENTION,
    )
}
