"""One form for each value, so that two sides get the same digest (RFC 8785).

Strings, integers, booleans, None, lists and objects; floats are refused, for their text is where
implementations differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

# Beyond this, numbers are not exact in every language that reads JSON (RFC 8785, appendix D).
MAX_INTEGER = 2**53 - 1


def canonical(value: Json) -> bytes:
    """The canonical JSON of `value`, in UTF-8.

    Raises: TypeError for a float, a key that is no string or another type; ValueError for an
    integer beyond 2**53 - 1 or a lone surrogate.
    """
    _check(value)
    text = json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def digest(value: Json) -> str:
    """SHA-256 of the canonical JSON of `value`, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _check(value: Json) -> None:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a key of an object is not a string")
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _check(item)
        return
    if not isinstance(value, str | int | None):
        raise TypeError(f"{type(value).__name__} has no canonical form here")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise ValueError("an integer is beyond 2**53 - 1")


def _sorted(value: Json) -> Json:
    """The same with keys in the order of their UTF-16 code units, as RFC 8785 asks."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _sorted(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return value
