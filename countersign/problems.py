"""Every refusal of the API, so that caller and portal mean the same by each (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:countersign:problem:"


@dataclass(frozen=True, slots=True)
class Problem:
    """`detail` is fixed text: no answer repeats what a caller sent."""

    status: int
    title: str
    detail: str

    def body(self, code: str, **members: object) -> dict[str, object]:
        """The members of the answer, `members` (such as the names of fields) among them."""
        return {
            "type": TYPE + code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **members,
        }


PROBLEMS: dict[str, Problem] = {
    "malformed-json": Problem(400, "Malformed JSON", "The body is not valid JSON in UTF-8."),
    "malformed-encoding": Problem(
        400, "Malformed encoding", "The body cannot be unpacked: it is cut off, or damaged."
    ),
    "malformed-traces": Problem(
        400, "Malformed traces", "The body is not an export of OpenTelemetry's traces."
    ),
    "invalid-body": Problem(
        400, "Invalid body", "The body does not have the form that the schema describes."
    ),
    "invalid-parameter": Problem(
        400, "Invalid parameter", "A parameter of the query does not have the form it must have."
    ),
    "invalid-header": Problem(
        400, "Invalid header", "A header of the request does not have the form it must have."
    ),
    "clock-skew": Problem(
        400,
        "Clock skew",
        "The start of the call is more than 5 minutes ahead or 7 days behind the portal's clock.",
    ),
    "not-authenticated": Problem(
        401, "Not authenticated", "Send a key or a token in the header Authorization: Bearer ..."
    ),
    "key-invalid": Problem(
        401, "Key not valid", "No key or token of this portal matches the one sent."
    ),
    "key-expired": Problem(401, "Key expired", "The last moment of the key or token has passed."),
    "key-revoked": Problem(401, "Key revoked", "The key or token was revoked."),
    "https-required": Problem(403, "HTTPS required", "The portal answers over HTTPS only."),
    "permission-denied": Problem(403, "Not permitted", "The caller may not do this."),
    "step-up-required": Problem(
        403, "Sign in again", "This takes a sign-in of the last minutes; a token is not asked."
    ),
    "key-scope": Problem(
        403, "Scope missing", "The key or token does not have the scope for this."
    ),
    "key-network": Problem(
        403, "Network not allowed", "The key or token may not be used from here."
    ),
    "token-required": Problem(
        403,
        "Token of a person needed",
        "An integration's key opens the log of its calls alone. Use an access token of a person.",
    ),
    "key-required": Problem(
        403, "Key needed", "This is for an integration's key, which names whose it is."
    ),
    "integration-mismatch": Problem(
        403, "Another integration", "The key belongs to another integration than the body names."
    ),
    "foreign-call": Problem(
        403, "Another integration's call", "The call was opened under another key's integration."
    ),
    "not-found": Problem(404, "Not found", "There is nothing at this address."),
    "call-not-found": Problem(404, "Call not found", "No call of this id is recorded."),
    "method-not-allowed": Problem(
        405, "Method not allowed", "This address does not take this method."
    ),
    "not-acceptable": Problem(406, "Not acceptable", "The answer is JSON."),
    "already-completed": Problem(
        409, "Already completed", "A completion of this call is recorded, and says something else."
    ),
    "no-rules-in-force": Problem(
        409,
        "No rules in force",
        "The integration goes by a data policy of which no version is in force.",
    ),
    "call-denied": Problem(409, "Call denied", "A call that was denied has no lease."),
    "precondition-failed": Problem(
        412, "Changed since", "It is not what If-Match says: read it again, then decide."
    ),
    "body-too-large": Problem(
        413,
        "Body too large",
        "The body, or a line of it, is larger than 64 KiB, or than 8 MiB where LiteLLM asks.",
    ),
    "events-too-large": Problem(
        413,
        "Body too large",
        "The body is larger than 5 MiB, as it is sent or once it is unpacked.",
    ),
    "too-many-lines": Problem(413, "Too many lines", "The body has more than 1,000 lines."),
    "unsupported-media-type": Problem(
        415,
        "Unsupported media type",
        "The body is sent as application/json; that of events as application/x-ndjson.",
    ),
    "unsupported-encoding": Problem(
        415, "Unsupported encoding", "The body is sent as it is, or packed by gzip or zstd."
    ),
    "call-id-reused": Problem(
        422, "Call id reused", "The id belongs to a record that says something else."
    ),
    "idempotency-key-reused": Problem(
        422, "Idempotency-Key reused", "The Idempotency-Key came with another request before."
    ),
    "refused": Problem(
        422, "Refused", "The body has its form, and a rule of the register refuses what it says."
    ),
    "precondition-required": Problem(
        428, "If-Match needed", "Send the ETag of what you have seen in the header If-Match."
    ),
    "rate-limited": Problem(
        429, "Too many requests", "The limit of the key or token is used up for now."
    ),
    "internal-error": Problem(500, "Internal error", "The portal failed. Nothing was recorded."),
    "audit-unavailable": Problem(
        503,
        "Audit trail unavailable",
        "The record could not be stored. Without a record the call must not be made.",
    ),
}
