"""What may be done with a find, strictest first, and how. Imports nothing of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["block", "drop", "mask", "hash", "tokenize", "generalize", "allow"]
# Of all actions that rules ask for, the first of these is done.
ACTIONS: tuple[Action, ...] = ("block", "drop", "mask", "hash", "tokenize", "generalize", "allow")
STRICTNESS: Mapping[str, int] = {action: i for i, action in enumerate(ACTIONS)}
# How an action is done, its default first.
SCHEMES: Mapping[str, tuple[str, ...]] = {
    "tokenize": ("random", "hmac", "aes-siv", "ff1", "surrogate"),
    "hash": ("hmac",),
}
