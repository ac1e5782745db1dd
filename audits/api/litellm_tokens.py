"""Tokens that LiteLLM's proxy can have read again: its key comes with each question.

The portal stores neither the key nor a map: an AES-SIV token holds its value, sealed, and who has
the key can read it. So an answer's tokens become values again on the way back to the proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from audits.api.turns import Refusal
from countersign.detection.kinds import KINDS
from countersign.masking.engine import Engine, detector_for, engine_for
from countersign.masking.keys import Keys, SchemeRefused, siv_value
from countersign.masking.tokens import label
from countersign.rules.policy import Policy

HEADER = "x-countersign-token-key"
# Two brackets, a kind, 2,048 characters: no token is longer, so no more is ever held back.
LONGEST = 2200

_KEY = re.compile(r"[0-9a-fA-F]{64}")
_TOKEN = re.compile(r"\[\[([A-Z0-9_]{1,64}):siv:[a-z2-7]{16,2048}\]\]", re.IGNORECASE)
_BEGUN = re.compile(rf"\[(?:\[[A-Za-z0-9_:]{{0,{LONGEST}}}\]?)?\Z")
_KIND_OF = {label(kind): kind for kind in KINDS}
# Engines of proxies: they hold what is derived from a key, and their last texts' finds.
_MOST = 8


def secret_of(headers: Mapping[str, str]) -> bytes | None:
    """The secret that a question brings; None without any. Raises: Refusal for what is none."""
    told = headers.get(HEADER, "").strip()
    if not told:
        return None
    if not _KEY.fullmatch(told):
        raise Refusal("invalid-body")
    return bytes.fromhex(told)


def engine_of(policy: Policy, keys: Keys | None) -> Engine:
    """The engine of a policy, with the schemes that need keys if there are some."""
    if keys is None:
        return engine_for(policy)
    return _keyed(_Whose(policy, keys))


class _Whose:
    """A policy and keys, the same for the same digest and key."""

    def __init__(self, policy: Policy, keys: Keys) -> None:
        self.policy, self.keys = policy, keys
        self._same = (policy.digest, keys.tenant, keys.derived("engine", "", 32))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Whose) and self._same == other._same

    def __hash__(self) -> int:
        return hash(self._same)


@lru_cache(maxsize=_MOST)
def _keyed(whose: _Whose) -> Engine:
    return Engine(whose.policy, detector_for(whose.policy), keys=whose.keys)


def revealed(text: str, keys: Keys) -> str:
    """The text with the values behind tokens of these keys; any other token stays as it is."""

    def value(match: re.Match[str]) -> str:
        kind = _KIND_OF.get(match[1].upper())
        if kind is None:
            return match[0]
        try:
            return siv_value(keys, kind, match[0])
        except SchemeRefused:
            return match[0]

    return _TOKEN.sub(value, text)


def held_back(texts: Iterable[str]) -> list[int]:
    """For each text, which may go on, how many characters at its end may be a token's beginning."""
    found = [_BEGUN.search(text, max(len(text) - LONGEST, 0)) for text in texts]
    return [0 if match is None else len(match[0]) for match in found]
