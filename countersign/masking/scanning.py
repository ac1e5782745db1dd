"""Looks for hits in texts: in pieces, decoded too, in time, and not twice in the same text."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

from countersign.detection.detector import Detector
from countersign.detection.hits import Hit
from countersign.detection.sweeping import Sweeper
from countersign.masking.encodings import View, views
from countersign.masking.tokens import TOKEN

_PIECE = 16 * 1024
_OVERLAP = 256
_SURROGATE = re.compile("[\ud800-\udfff]")
# By itself such a text is nobody's: a flag, a unit, a number of a few digits.
_NOTHING = re.compile(r"\w{0,2}|[\W\d_]{1,4}")
_SPACE = re.compile(r"\s")
# What is left of a hit beside a token of ours counts from so many letters or digits on: a title
# or a unit before a token says nothing.
_REST = 4


class TimedOut(Exception):
    """The time for a body has passed."""


class Memory:
    """Hits of texts that were looked at before: a conversation sends all its turns again.

    Keys are keyed digests drawn anew in each process, so it holds no text; hits hold none either.
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._key = secrets.token_bytes(32)
        self._hits: OrderedDict[bytes, tuple[Hit, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Memory({len(self._hits)} texts)"

    def key(self, text: str, *, strict: bool) -> bytes:
        """What a text is remembered by."""
        raw = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(raw, key=self._key, digest_size=24, person=b"1" * strict).digest()

    def get(self, key: bytes) -> tuple[Hit, ...] | None:
        """The hits of a text, if it was looked at not too long ago."""
        with self._lock:
            hits = self._hits.get(key)
            if hits is not None:
                self._hits.move_to_end(key)
            return hits

    def put(self, key: bytes, hits: tuple[Hit, ...]) -> None:
        """Remember them; the one that was not asked for the longest goes."""
        with self._lock:
            self._hits[key] = hits
            if len(self._hits) > self._most:
                self._hits.popitem(last=False)


class Scanner:
    """One body's looking. `ends_at` is a moment of `time.thread_time()`, in seconds.

    What counts is the time that the body takes, and not how long others kept the processor from
    it: a machine that is busy must not have calls refused that it would let through when idle.
    """

    def __init__(
        self, detector: Detector, memory: Memory, *, strict: bool, min_score: float, ends_at: float
    ) -> None:
        self._detector = detector
        self._memory = memory
        self._strict = strict
        self._min_score = min_score
        self._ends_at = ends_at
        self._sweeper = Sweeper(())
        self._swept: dict[str, list[Hit]] = {}
        self._viewed: dict[str, list[View]] = {}

    def check_time(self) -> None:
        """Raises: TimedOut."""
        if time.thread_time() > self._ends_at:
            raise TimedOut

    def detected(self, text: str) -> list[Hit]:
        """What the detector finds in a text and in what is decoded of it. Raises: TimedOut."""
        if _NOTHING.fullmatch(text):
            return []
        key = self._memory.key(text, strict=self._strict)
        known = self._memory.get(key)
        if known is None:
            known = tuple(self._detected(text))
            self._memory.put(key, known)
        return list(known)

    def swept(self, text: str) -> list[Hit]:
        """Where known values stand in a text, decoded ones included. Raises: TimedOut."""
        known = self._swept.get(text)
        if known is None:
            self.check_time()
            known = self._sweeper.hits(text)
            if self._sweeper:
                for view in self._views(text):
                    known += _back(view.original, self._sweeper.hits(view.text))
            self._swept[text] = known
        return known

    def sweep_for(self, sweeper: Sweeper) -> None:
        """Say what `swept` looks for from now on."""
        self._sweeper = sweeper
        self._swept = {}

    def _detected(self, text: str) -> Iterator[Hit]:
        for offset, piece in pieces(text):
            for hit in self._looked(piece):
                yield Hit(hit.start + offset, hit.end + offset, hit.kind, hit.score, hit.rule)
        for view in self._views(text):
            yield from _back(view.original, self._looked(view.text))

    def _views(self, text: str) -> list[View]:
        known = self._viewed.get(text)
        if known is None:
            known = self._viewed[text] = views(text)
        return known

    def _looked(self, text: str) -> list[Hit]:
        self.check_time()
        plain = text if text.isascii() else _SURROGATE.sub("\ufffd", text)
        hits = self._detector.detect(plain, strict=self._strict)
        return [hit for hit in hits if hit.score >= self._min_score]


def _back(original: Callable[[int, int], tuple[int, int]], hits: list[Hit]) -> list[Hit]:
    """Hits of a view as hits of the text it was made of."""
    return [
        Hit(*original(h.start, h.end), h.kind, h.score, h.rule) for h in hits if h.end > h.start
    ]


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """A long text in pieces that overlap, cut at white space where there is some."""
    at = 0
    while len(text) - at > _PIECE:
        cut = at + _PIECE
        space = max(text.rfind(" ", cut - _OVERLAP, cut), text.rfind("\n", cut - _OVERLAP, cut))
        end = space if space > 0 else cut
        yield at, text[at:end]
        back = _SPACE.search(text, end - _OVERLAP, end)
        at = back.end() if back else end - _OVERLAP
    yield at, text[at:]


def tokens_in(text: str) -> list[tuple[int, int]]:
    """Where tokens of ours stand, written as they are or encoded."""
    found = [match.span() for match in TOKEN.finditer(text)]
    if "5B%5" in text or "&#" in text or "=5B" in text:
        for view in views(text):
            found += [view.original(*match.span()) for match in TOKEN.finditer(view.text)]
    return sorted(set(found))


def outside(hits: list[Hit], taken: list[tuple[int, int]], text: str) -> list[Hit]:
    """The hits without what lies in stretches that are taken (sorted)."""
    if not taken or not hits:
        return hits
    kept: list[Hit] = []
    for hit in hits:
        rest = [(hit.start, hit.end)]
        for start, end in taken:
            if start >= hit.end:
                break
            if end > hit.start:
                first, last = rest.pop()
                rest += [(first, max(first, start)), (min(last, end), last)]
        if len(rest) == 1:
            kept.append(hit)
            continue
        kept += [
            Hit(start, end, hit.kind, hit.score, hit.rule)
            for start, end in rest
            if sum(map(str.isalnum, text[start:end])) >= _REST
        ]
    return kept
