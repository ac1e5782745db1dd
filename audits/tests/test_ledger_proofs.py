"""Checkpoints, tiles and proofs from the database are those of the tree that was written."""

from __future__ import annotations

import pytest
from django.db import transaction

from audits.models import Batch
from audits.services import checkpoints, proofs, tiles
from audits.tests.make_ledger import ORIGIN, Ledger
from countersign import checkpoints as signed
from countersign import merkle

SIZES = (1, 3, 252, 5, 251, 1000, 64_100)


@pytest.fixture(scope="module")
def ledger(django_db_setup, django_db_blocker):
    """A ledger of 65,612 entries, in seven batches, and every leaf of it; undone at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = Ledger().grow(*SIZES)
        lines = tiles.entries(1, 0, made.size)
        yield made, [merkle.leaf_hash(line) for line in lines]
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_the_newest_checkpoint_is_a_note_that_opens_with_the_ledgers_key(ledger):
    made, leaves = ledger
    found = checkpoints.latest(1)
    opened = signed.opened(found.note, checkpoints.verifiers(1))
    assert opened == (ORIGIN, sum(SIZES), merkle.root_of(leaves), ())
    assert found.note == made.notes[made.size]
    batch = Batch.objects.select_related("ledger", "ledger_key").get(ledger=1, size=made.size)
    assert checkpoints.note(batch) == found.note


@pytest.mark.django_db
def test_a_checkpoint_is_found_by_its_size_and_by_an_entry(ledger):
    assert checkpoints.of_size(1, 4).size == 4
    assert checkpoints.of_size(1, 5) is None
    assert checkpoints.of_size(1, 10**9) is None
    assert [checkpoints.covering(1, index).size for index in (0, 1, 3, 4, 255)] == [
        1,
        4,
        4,
        256,
        256,
    ]
    assert checkpoints.covering(1, sum(SIZES)) is None
    assert checkpoints.from_size(1, 5).size == 256
    assert checkpoints.from_size(1, 0).size == 1
    assert checkpoints.latest(2) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("level", "number", "width"),
    [(0, 0, 256), (0, 0, 7), (0, 255, 256), (0, 256, 76), (1, 0, 256), (1, 0, 3), (2, 0, 1)],
)
def test_a_tile_holds_the_nodes_of_its_level(ledger, level, number, width):
    _, leaves = ledger
    nodes = list(leaves)
    for _ in range(8 * level):
        nodes = merkle.parents(nodes)
    start = number * 256
    assert tiles.read(1, level, number, width) == b"".join(nodes[start : start + width])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("level", "number", "width"),
    [(0, 256, 77), (0, 256, 256), (0, 257, 1), (1, 1, 1), (2, 0, 2), (3, 0, 1), (0, 0, 0)],
)
def test_a_tile_that_the_tree_has_not_is_not_kept(ledger, level, number, width):
    with pytest.raises(tiles.NotKept):
        tiles.read(1, level, number, width)


INDEXES = (0, 1, 255, 256, 257, 1511, 1512, 65_535, 65_536, 65_611)


@pytest.mark.django_db
@pytest.mark.parametrize("size", [None, 256, 511, 512, 1512, 65_536, 65_612])
@pytest.mark.parametrize("index", INDEXES)
def test_an_entry_is_proven_to_be_in_the_tree(ledger, index, size):
    _, leaves = ledger
    whole = size or len(leaves)
    if index >= whole:
        with pytest.raises(proofs.NotKept):
            proofs.inclusion(1, index, size)
        return
    found = proofs.inclusion(1, index, size)
    assert found.leaf == leaves[index]
    assert found.size == whole
    root = merkle.root_of(leaves[:whole])
    merkle.verify_inclusion(found.leaf, index, whole, found.proof, root)
    assert proofs.root_at(1, whole) == root


@pytest.mark.django_db
@pytest.mark.parametrize(("old", "new"), [(1, 4), (4, 256), (256, 512), (511, 65_612), (7, 7)])
def test_a_tree_is_proven_to_be_the_beginning_of_a_later_one(ledger, old, new):
    _, leaves = ledger
    found = proofs.consistency(1, old, new)
    roots = [merkle.root_of(leaves[:size]) for size in (old, new)]
    merkle.verify_consistency(old, new, found.proof, *roots)


@pytest.mark.django_db
@pytest.mark.parametrize(("old", "new"), [(0, 4), (5, 4), (1, 65_613), (-1, 3)])
def test_sizes_that_the_ledger_has_not_have_no_proof(ledger, old, new):
    with pytest.raises(proofs.NotKept):
        proofs.consistency(1, old, new)


@pytest.mark.django_db
def test_a_proof_takes_at_most_four_queries(ledger, django_assert_max_num_queries):
    for index in INDEXES:
        with django_assert_max_num_queries(4):
            proofs.inclusion(1, index)


@pytest.mark.django_db
def test_a_bundle_holds_each_entry_after_its_length(ledger):
    bundle = tiles.bundle(1, 0)
    found = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        found.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    assert found == tiles.entries(1, 0, 256)
    assert tiles.bundle(1, 256, 76)[2:].startswith(tiles.entry(1, 65_536))
    for number, width in ((256, 77), (257, 1)):
        with pytest.raises(tiles.NotKept):
            tiles.bundle(1, number, width)


@pytest.mark.django_db
def test_an_entry_is_the_line_that_was_hashed(ledger):
    _, leaves = ledger
    assert merkle.leaf_hash(tiles.entry(1, 300)) == leaves[300]
    with pytest.raises(tiles.NotKept):
        tiles.entry(1, len(leaves))
