"""What the portal and the code that calls AI services must agree on. Needs Python alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Portal", "guard", "guard_boto"]

if TYPE_CHECKING:
    from countersign.client.boto import guard_boto
    from countersign.client.guarding import guard
    from countersign.client.portal import Portal

# Loaded when they are first asked for: who verifies a pack needs no client.
_LAZY = {
    "Portal": "countersign.client.portal",
    "guard": "countersign.client.guarding",
    "guard_boto": "countersign.client.boto",
}


def __getattr__(name: str) -> Any:
    """The client's names. Source: PEP 562."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415  (only where one of these names is asked for)

    found = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = found
    return found
