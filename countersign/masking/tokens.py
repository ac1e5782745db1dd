"""Random tokens in the place of values, and the one map that leads back.

A token such as `[[NAME_4817]]` says nothing but the kind: its number is drawn at random and not
derived from the value, so it is a code in the sense of 45 CFR 164.514(c). Numbers have at least
four digits, so that a digit which a model garbles, or a token of another session, meets no value
here rather than somebody else's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import threading
from typing import NoReturn

from countersign.detection.kinds import KINDS, is_kind
from countersign.masking.revealing import Known, Revealed, StreamRevealer, reveal

FEWEST_DIGITS = 4
KEY_BYTES = 32
FEWEST_KEY_BYTES = 16
DAYS = 365

# Names, places and mail addresses are the same in capitals; a path or a serial number may not be.
_FOLDED = frozenset({"NAME", "GEO_PLACE", "GEO_STREET", "EMAIL"})
_LABELS = "|".join(sorted(KINDS, key=len, reverse=True))

# Every form in which a value's place is visible: random token, label, HMAC, AES-SIV. What is
# found by this was put there by us, and is left alone when a text is masked again.
TOKEN = re.compile(
    rf"\[\[(?:{_LABELS}|OWN_[A-Z0-9_]{{1,60}})(?:_[0-9]{{4,8}}|:(?:hmac|siv):[a-z2-7]{{16,2048}})?\]\]"
)


class UnknownKind(ValueError):
    """A kind that is neither of ours nor an officer's own."""


class TooManyTokens(Exception):
    """More values of one kind than a session keeps apart."""


def label(kind: str) -> str:
    """What stands for a kind inside brackets: NAME, or OWN_CASE_NO for `own.case-no`.

    Raises: UnknownKind.
    """
    if not is_kind(kind):
        raise UnknownKind("this is no kind that is looked for")
    return kind.upper().replace(".", "_").replace("-", "_")


class Session:
    """The tokens of one conversation, and the values behind them, which never leave its memory.

    The same value has the same token as long as the session lives; another session draws its own.
    May be used from many threads. Cannot be copied or written down.

    `key` (16 bytes or more; drawn at random by default) decides by how many days dates are moved
    and nothing else. `started_on` is the day that ages are counted from.
    """

    __slots__ = ("_key", "_known", "_lock", "_names", "_shift_days", "_words", "started_on")

    def __init__(self, key: bytes | None = None, *, started_on: dt.date | None = None) -> None:
        if key is not None and len(key) < FEWEST_KEY_BYTES:
            raise ValueError(f"the key of a session has at least {FEWEST_KEY_BYTES} bytes")
        self._lock = threading.Lock()
        self._known = Known()
        self._names: dict[tuple[str, str], str] = {}
        self._words: dict[tuple[str, str], str] = {}
        self._key, self._shift_days = key, 0
        self.started_on = started_on or dt.datetime.now(dt.UTC).date()

    @property
    def shift_days(self) -> int:
        """Days by which dates move: found when the first date does."""
        with self._lock:
            if not self._shift_days:
                self._shift_days = _shift(self._key or secrets.token_bytes(KEY_BYTES))
                self._key = None
            return self._shift_days

    def __repr__(self) -> str:
        return f"Session(tokens={len(self._names)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session holds what must not leave this process: it is not written down")

    def __copy__(self) -> NoReturn:
        raise TypeError("a session is not copied: two of them must not share values")

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__copy__()

    def __len__(self) -> int:
        """How many values have a token."""
        return len(self._names)

    def __bool__(self) -> bool:
        return True

    def token(self, kind: str, value: str) -> str:
        """The token that stands for `value`, such as `[[NAME_4817]]`.

        Case (of names, places and mail addresses) and white space make no other value; what comes
        back is the form that came first. Raises: UnknownKind, TooManyTokens.
        """
        key = (kind, _folded(kind, value))
        name = self._names.get(key)
        if name is None:
            name = self._named(key, value)
        return f"[[{name}]]"

    def invented(self, kind: str, word: str) -> str | None:
        """The word that was put in the place of `word`, if any was."""
        return self._words.get((kind, word))

    def invent(self, kind: str, word: str, instead: str) -> bool:
        """Let `instead` stand for `word`, and be put back by `reveal`.

        Returns: False if it stands for another word already, or is empty.
        """
        with self._lock:
            taken = self._known.invented.get(instead)
            if not instead or (taken is not None and taken != word):
                return False
            self._words[kind, word] = instead
            self._known.invented[instead] = word
            return True

    def note(self, kind: str, word: str, instead: str) -> None:
        """Remember what was drawn for `word`, and do not put it back."""
        with self._lock:
            self._words[kind, word] = instead

    def reveal(self, text: str) -> Revealed:
        """`text` with the values of this session's tokens put back; others are left and counted."""
        return reveal(text, self._known)

    def streaming(self) -> StreamRevealer:
        """The same for a text that comes in pieces."""
        return StreamRevealer(self._known)

    def forget(self) -> None:
        """Drop every value: tokens of before are unknown from here on."""
        with self._lock:
            self._names, self._words, self._known = {}, {}, Known()

    def _named(self, key: tuple[str, str], value: str) -> str:
        kind_label = label(key[0])
        with self._lock:
            name = self._names.get(key)
            if name is None:
                name = self._free_name(kind_label)
                self._known.labels[kind_label] = None
                self._known.values[name] = value
                self._names[key] = name
            return name

    def _free_name(self, kind_label: str) -> str:
        values = self._known.values
        for digits in range(FEWEST_DIGITS, 9):
            lowest = 10 ** (digits - 1)
            # A few tries at each length: once half of its numbers are taken, longer ones follow.
            for _ in range(8):
                name = f"{kind_label}_{lowest + secrets.randbelow(9 * lowest)}"
                if name not in values:
                    return name
        raise TooManyTokens("a session cannot keep so many values apart")


def _folded(kind: str, value: str) -> str:
    folded = " ".join(value.split())
    return folded.casefold() if kind in _FOLDED else folded


def _shift(key: bytes) -> int:
    """Days by which dates move, from 1 to 365 either way, the same for the same key."""
    digest = hashlib.sha256(b"countersign-date-shift\n" + key).digest()
    number = int.from_bytes(digest, "big") % (2 * DAYS)
    return number - DAYS if number < DAYS else number - DAYS + 1
