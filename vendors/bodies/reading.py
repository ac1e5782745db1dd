"""Decodes bodies strictly, and tells what is wrong without repeating what was sent."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

MAX_BYTES = 64 * 1024
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
IDEMPOTENCY_KEY = re.compile(r'"?[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"?')
JSON_TYPE = re.compile(r"application/json\s*(?:;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)

_PATH = re.compile(r" - at (?:`key` in )?`\$([^`]*)`\Z")
_MISSING = re.compile(r"^Object missing required field `([a-z0-9_]+)`")

B = TypeVar("B", bound=msgspec.Struct)


class BadBody(Exception):
    """The body does not fit; `code` is one of countersign.problems, `field` a known name or ""."""

    def __init__(self, code: str, field: str = "", error: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.error = error


class Reader:
    """Decodes structures of the given kinds; `parts` are those inside them, for their names."""

    def __init__(self, kinds: tuple[type[Any], ...], parts: tuple[type[Any], ...] = ()) -> None:
        self._decoders: dict[type, Any] = {kind: msgspec.json.Decoder(kind) for kind in kinds}
        self._fields = {name for kind in (*kinds, *parts) for name in kind.__struct_encode_fields__}

    def parse(self, kind: type[B], body: bytes) -> B:
        """The body as the structure `kind`. Raises: BadBody, which quotes nothing that was sent."""
        try:
            decoded: B = self._decoders[kind].decode(body)
        except msgspec.ValidationError as refusal:
            # The decoder's words hold what was sent; only what the schema itself knows is passed.
            raise BadBody("invalid-body", *self._describe(str(refusal))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadBody("malformed-json") from None
        return decoded

    def _describe(self, message: str) -> tuple[str, str]:
        """Which field is wrong and how, told without the decoder's quotations."""
        path = _PATH.search(message)
        names = re.findall(r"[a-z_][a-z0-9_]*", path[1]) if path else []
        field = ".".join(names) if set(names) <= self._fields else ""
        missing = _MISSING.match(message)
        if missing and missing[1] in self._fields:
            return f"{field}.{missing[1]}".lstrip("."), "is required"
        if message.startswith("Object contains unknown field"):
            return field, "has a field that is not known"
        return field, "does not have the form it must have"


def request_id(headers: Mapping[str, str]) -> str:
    """The caller's own id of the request if it is one, else a new one; names in lower case."""
    given = headers.get("x-request-id", "")
    if given and REQUEST_ID.fullmatch(given):
        return given
    # No secret: so nothing is asked of the kernel, which would let another thread go first.
    bits = random.getrandbits(128)  # nosec B311
    text = f"{bits:032x}"
    # A UUID of version 4, without an object made for it.
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[bits & 3]}{text[17:20]}-{text[20:]}"
