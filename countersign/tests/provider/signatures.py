"""AWS Signature Version 4, checked over the request as it arrived.

Written from the description, not with botocore, so that it is a second opinion on what was signed.
Source: docs.aws.amazon.com, IAM User Guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote, urlsplit

from countersign.tests.provider.wire import Asked, Refused

ALGORITHM = "AWS4-HMAC-SHA256"
ACCESS_KEY = "AKIDFAKEPROVIDER0001"
SECRET_KEY = "not-a-secret-of-anybody"
REGION = "us-east-1"
SERVICE = "bedrock"

FORM = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[^/]+)/(?P<scope>\d{{8}}/[^/]+/[^/]+/aws4_request), ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def check(asked: Asked) -> None:
    """Raises: Refused unless it signs exactly this path, these headers and this body."""
    match = FORM.fullmatch(asked.headers.get("authorization", ""))
    if not match:
        raise Refused(403, "Missing Authentication Token")
    day, region, service, _ = match["scope"].split("/")
    if (match["key"], region, service) != (ACCESS_KEY, REGION, SERVICE):
        raise Refused(403, "The security token included in the request is invalid.")
    canonical = _canonical(asked, match["headers"].split(";"))
    text = "\n".join(
        (
            ALGORITHM,
            asked.headers.get("x-amz-date", ""),
            match["scope"],
            _sha256(canonical.encode()),
        )
    )
    key = b"AWS4" + SECRET_KEY.encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    if not hmac.compare_digest(signature, match["signature"]):
        raise Refused(
            403, "The request signature we calculated does not match the one you provided."
        )


def _canonical(asked: Asked, signed: list[str]) -> str:
    address = urlsplit(asked.target)
    pairs = sorted(parse_qsl(address.query, keep_blank_values=True))
    query = "&".join(
        f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in pairs
    )
    headers = "".join(f"{name}:{_folded(asked.headers.get(name, ''))}\n" for name in signed)
    return "\n".join(
        (
            asked.method,
            # All services but S3 encode a path once more, as it stood in the request line.
            quote(address.path, safe="/-_.~"),
            query,
            headers,
            ";".join(signed),
            _sha256(asked.body),
        )
    )


def _folded(value: str) -> str:
    return " ".join(value.split())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
