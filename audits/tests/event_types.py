"""Whether the payload of an event is what the table of types says of it."""

from __future__ import annotations

from collections.abc import Mapping

from audits.ledger.types import TYPES

KINDS: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def misfits(code: str, payload: Mapping[str, object]) -> list[str]:
    """Names of members that this type does not have, or whose value is of another kind.

    Raises: KeyError for a type that is not known.
    """
    members = TYPES[code].members
    return [
        name
        for name, value in payload.items()
        if name not in members
        or not isinstance(value, KINDS[members[name]])
        or (isinstance(value, bool) and members[name] != "boolean")
    ]
