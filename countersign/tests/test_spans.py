"""One proof for many entries: it holds for what was written, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.merkle import Frontier, ProofError, leaf_hash, node_hash, root_of
from countersign.spans import Proof, Run, Shown, Subtree, line, read, spans

CASES = st.integers(1, 200).flatmap(
    lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))
)


def entry(index: int) -> bytes:
    return b'{"n":%d}' % index


def subtree_hash(level: int, number: int) -> bytes:
    if level == 0:
        return leaf_hash(entry(number))
    return node_hash(subtree_hash(level - 1, 2 * number), subtree_hash(level - 1, 2 * number + 1))


def steps_of(indexes: set[int], size: int) -> list:
    return [
        span if isinstance(span, Run) else Shown(span, subtree_hash(*span))
        for span in spans(sorted(indexes), size)
    ]


def root(size: int) -> bytes:
    return root_of([leaf_hash(entry(index)) for index in range(size)])


def proven(steps: list, lines: list[bytes], size: int, of: bytes | None = None) -> list:
    return list(Proof(steps, size=size, root=of or root(size)).entries(lines))


@given(CASES)
def test_whatever_is_shown_is_proven_with_its_index(case):
    size, indexes = case
    lines = [entry(index) for index in sorted(indexes)]
    found = proven([read(line(step)) for step in steps_of(indexes, size)], lines, size)
    assert found == [(index, entry(index)) for index in sorted(indexes)]


@given(CASES)
def test_the_spans_cover_the_tree_without_hole_and_with_the_fewest_hashes(case):
    size, indexes = case
    at = 0
    before = None
    for span in spans(sorted(indexes), size):
        first = span.first if isinstance(span, Run) else span.number << span.level
        assert first == at
        if isinstance(span, Run):
            assert not isinstance(before, Run)
            assert set(range(first, first + span.length)) <= indexes
            at += span.length
        else:
            at += 1 << span.level
            assert not indexes & set(range(first, at))
            # Two neighbours that are one subtree together would be shown as that one.
            twin = Subtree(span.level, span.number - 1)
            assert span.number % 2 == 0 or before != twin
        before = span
    assert at == size


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda steps, lines: lines.pop(), "fewer entries"),
        (lambda steps, lines: lines.append(entry(9)), "more entries"),
        (lambda steps, lines: lines.reverse(), "another root"),
        (lambda steps, lines: lines.__setitem__(1, b"{}"), "another root"),
        (lambda steps, lines: steps.pop(0), "begin where"),
        (lambda steps, lines: steps.pop(), "ends before"),
        (lambda steps, lines: steps.reverse(), "begin where"),
        (lambda steps, lines: steps.append(Shown(Subtree(0, 40), bytes(32))), "behind the end"),
        (lambda steps, lines: steps.append(Shown(Subtree(-1, 20), bytes(32))), "begin where"),
        (
            lambda steps, lines: steps.__setitem__(0, Shown(steps[0].subtree, bytes(32))),
            "another root",
        ),
    ],
)
def test_every_change_is_refused(change, told):
    steps, lines = steps_of({8, 9, 10, 21}, 40), [entry(index) for index in (8, 9, 10, 21)]
    assert len(proven(steps, lines, 40)) == 4
    change(steps, lines)
    with pytest.raises(ProofError, match=told):
        proven(steps, lines, 40)


def test_a_proof_for_another_root_is_refused():
    steps, lines = steps_of({3}, 7), [entry(3)]
    with pytest.raises(ProofError, match="another root"):
        proven(steps, lines, 7, of=root(8))


@pytest.mark.parametrize("indexes", [[2, 1], [1, 1], [7], [-1]])
def test_indexes_out_of_order_or_tree_are_refused(indexes):
    with pytest.raises(ValueError, match="ascend"):
        list(spans(indexes, 7))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"first":0}',
        b'{"first":0,"length":0}',
        b'{"first":-1,"length":1}',
        b'{"first":true,"length":1}',
        b'{"first":0,"length":1,"level":0}',
        b'{"level":64,"number":0,"hash":"%s"}' % (b"A" * 43 + b"="),
        b'{"level":0,"number":0,"hash":"AA=="}',
        b'{"level":0,"number":0,"hash":"%s"}' % (b"*" * 44),
        b'{"level":0,"number":0,"hash":null}',
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_step_is_refused(text):
    with pytest.raises(ProofError):
        read(text)


def test_an_empty_tree_shows_nothing():
    assert list(spans([], 0)) == []
    assert proven([], [], 0, of=Frontier().root()) == []
