"""Of hits that overlap, one stays: the longest, then the surer, then the strictest kind."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from countersign.detection.hits import Hit
from countersign.detection.kinds import strictness

# A label or a checksum says so. Shape alone scores less, and gives way: an MRN written like an SSN.
CERTAIN = 0.9
LIKELY = 0.65


def _rank(hit: Hit) -> tuple[int, int, int, float, int]:
    return (
        hit.end - hit.start,
        (hit.score >= CERTAIN) + (hit.score >= LIKELY),
        strictness(hit.kind),
        hit.score,
        -hit.start,
    )


def resolve(hits: Iterable[Hit], text: str) -> list[Hit]:
    """The hits that stay, sorted by place, none overlapping another.

    What a removed hit claimed beyond the one that stays is kept as a hit of its own, if a letter
    or digit is in it: no character that any rule claimed goes free.
    """
    ranked = sorted(hits, key=_rank, reverse=True)
    starts: list[int] = []
    kept: list[Hit] = []
    for hit in ranked:
        place = bisect_left(starts, hit.start)
        if (
            hit.start < hit.end
            and (not place or kept[place - 1].end <= hit.start)
            and (place == len(starts) or starts[place] >= hit.end)
        ):
            starts.insert(place, hit.start)  # as most of them: nothing overlaps it
            kept.insert(place, hit)
            continue
        for start, end in _free(starts, kept, hit):
            stays = hit
            if end - start < hit.end - hit.start:
                part = trimmed(text, start, end)
                if part is None:
                    continue
                stays = Hit(*part, hit.kind, hit.score, hit.rule)
            place = bisect_left(starts, stays.start)
            starts.insert(place, stays.start)
            kept.insert(place, stays)
    return kept


def _free(starts: list[int], kept: list[Hit], hit: Hit) -> list[tuple[int, int]]:
    """The stretches of `hit` that no hit kept so far covers."""
    at, free = hit.start, []
    for index in range(max(bisect_left(starts, hit.start) - 1, 0), len(kept)):
        other = kept[index]
        if other.start >= hit.end:
            break
        if other.end <= at:
            continue
        if other.start > at:
            free.append((at, other.start))
        at = other.end
    if at < hit.end:
        free.append((at, hit.end))
    return free


def trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The stretch without what is neither letter nor digit at its ends; None if nothing is left."""
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return (start, end) if start < end else None
