"""The walk over a ledger builds the same tree as everything else, and says what does not fit."""

from __future__ import annotations

import pytest

from countersign import merkle
from countersign.verifying.walk import TILE, Batch, Problem, Walk, split

AT = "2026-11-21T09:00:00.123Z"


def lines(start: int, count: int, at: str = AT) -> list[bytes]:
    return [f'{{"n":{n},"received_at":"{at}"}}'.encode() for n in range(start, start + count)]


def batches(*counts: int, at: str = AT) -> list[Batch]:
    made, frontier = [], merkle.Frontier()
    for count in counts:
        entries = lines(frontier.size, count, at)
        first = frontier.size
        frontier = frontier.extended([merkle.leaf_hash(each) for each in entries])
        made.append(Batch(first, frontier.size, at, frontier.root(), b"\n".join(entries)))
    return made


def walked(given) -> tuple[Walk, list[Problem]]:
    walk, problems = Walk(), []
    for each in given:
        problems += walk.batch(each)
    return walk, problems


@pytest.mark.parametrize("counts", [(1,), (1, 2, 3), (255, 1, 1), (256, 256), (1000, 7, 513)])
def test_what_fits_gives_no_problem_and_the_same_root(counts):
    made = batches(*counts)
    walk, problems = walked(made)
    assert problems == []
    assert walk.verified == walk.size == sum(counts)
    assert walk.root() == made[-1].root
    assert walk.frontier().root() == made[-1].root


def test_full_tiles_come_out_as_they_fill():
    leaves = [bytes([n % 256, n // 256 % 256, n // 65536]) + bytes(29) for n in range(66_000)]
    walk = Walk()
    walk.append(leaves)
    tiles = walk.tiles()
    assert [t.number for t in tiles if t.level == 0] == list(range(66_000 // TILE))
    (upper,) = [t for t in tiles if t.level == 1]
    assert upper.hashes == b"".join(t.root for t in tiles if t.level == 0)[: TILE * 32]
    assert upper.root == merkle.root_of(leaves[:65536])
    assert walk.root() == merkle.root_of(leaves)
    assert walk.tiles() == []


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536, 65_800])
def test_a_walk_goes_on_from_the_middle(size):
    leaves = [n.to_bytes(32, "big") for n in range(66_000)]
    whole = Walk()
    whole.append(leaves[:size])
    tiles = whole.tiles()
    level0 = [root for t in tiles if t.level == 0 for root in [t.root]]
    above = [level0[len(level0) // TILE * TILE :], [t.root for t in tiles if t.level == 1]]
    later = Walk(leaves[size // TILE * TILE : size], above)
    assert later.size == size
    assert later.root() == merkle.root_of(leaves[:size])
    later.append(leaves[size:])
    assert later.root() == merkle.root_of(leaves)
    whole.append(leaves[size:])
    assert later.tiles() == whole.tiles()


def changed(number: int, **fields):
    made = batches(3, 4, 5)
    made[number] = made[number]._replace(**fields)
    return made


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        (changed(1, root=bytes(32)), ["root-differs"]),
        (changed(1, entries=b"\n".join(lines(3, 3))), ["size-differs", "root-differs"]),
        (changed(1, received_at="2026-11-21T08:00:00.000Z"), ["time-differs"]),
        (batches(3, 4, 5)[::2], ["index-gap"]),
        ([*batches(3, 4), *batches(3, 4)[1:]], ["index-twice"]),
    ],
    ids=["root", "count", "time", "gap", "twice"],
)
def test_what_does_not_fit_is_named(given, codes):
    _, problems = walked(given)
    found = [each.code for each in problems]
    assert found[: len(codes)] == codes


def test_a_moment_that_the_entries_do_not_say_is_named():
    _, problems = walked(changed(2, received_at="2026-11-21T10:00:00.000Z"))
    assert problems == [Problem("time-differs", 7, "2026-11-21T10:00:00.000Z")]


def of(*entries: bytes, at: str) -> Batch:
    root = merkle.root_of([merkle.leaf_hash(each) for each in entries])
    return Batch(0, len(entries), at, root, b"\n".join(entries))


def test_entries_of_one_batch_may_come_one_after_the_other():
    later = "2026-11-21T09:00:01.000Z"
    walk, problems = walked([of(*lines(0, 1), *lines(1, 2, later), at=later)])
    assert problems == []
    assert walk.received_at == later


def test_an_entry_that_goes_back_in_time_is_named():
    earlier = "2026-11-21T08:00:00.000Z"
    _, problems = walked([of(*lines(0, 2), *lines(2, 1, earlier), *lines(3, 1), at=AT)])
    assert problems == [Problem("time-goes-back", 2, earlier)]


@pytest.mark.parametrize("entry", [b"{", b"[]", b"{}", b'{"received_at":7}', b"\xff"])
def test_an_entry_that_says_no_moment_is_named(entry):
    _, problems = walked([of(entry, *lines(1, 1), at=AT)])
    assert problems == [Problem("entry-unreadable", 0, AT)]


def test_the_hashes_of_a_tile_come_apart_again():
    assert list(split(bytes(32) + b"\x01" * 32)) == [bytes(32), b"\x01" * 32]
