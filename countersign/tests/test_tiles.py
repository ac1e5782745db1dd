from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign import merkle, tiles

SIZE = 70_000  # the example of the specification: three levels
LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(SIZE)]


def stored(leaves: list[bytes]) -> dict[tiles.Tile, bytes]:
    """Every tile of a tree, made level by level from the definition."""
    found = {}
    level, hashes = 0, leaves
    while hashes:
        rows = [hashes[at : at + 256] for at in range(0, len(hashes), 256)]
        for number, row in enumerate(rows):
            found[tiles.Tile(level, number, len(row))] = b"".join(row)
        hashes = [merkle.root_of(row) for row in rows if len(row) == 256]
        level += 1
    return found


STORED = stored(LEAVES)


def read_stored(tile: tiles.Tile) -> bytes:
    try:
        return STORED[tile]
    except KeyError:
        raise tiles.TileError("the tile is not there") from None


def test_the_example_of_the_specification_has_its_tiles():
    assert set(tiles.tiles_at(SIZE)) == set(STORED)
    assert len([tile for tile in STORED if tile.level == 0 and tile.width == 256]) == 273
    partial = {(tile.level, tile.width) for tile in STORED if tile.width < 256}
    assert partial == {(0, 112), (1, 17), (2, 1)}
    assert list(tiles.tiles_at(256)) == [tiles.Tile(0, 0), tiles.Tile(1, 0, 1)]
    assert list(tiles.tiles_at(0)) == []


def test_paths_are_those_of_the_specification():
    assert tiles.Tile(0, 1234067).path() == "tile/0/x001/x234/067"
    assert tiles.Tile(0, 1234067, 8).path() == "tile/0/x001/x234/067.p/8"
    assert tiles.Tile(2, 0).path() == "tile/2/000"


@given(st.integers(0, 63), st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_a_path_is_read_back_as_the_tile_it_names(level, number, width):
    tile = tiles.Tile(level, number, width)
    assert tiles.parsed_path(tile.path()) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/1",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/x000/234",
        "tile/0/xx01/234",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/",
        "tile/0/\u0660\u0660\u0660",
        "tile/\u0660/000",
        "tile/entries/000",
        "tile/0/../000",
        "tile/0/" + "x999/" * 40 + "999",
    ],
)
def test_no_other_writing_of_a_path_is_taken(path):
    with pytest.raises(tiles.TileError):
        tiles.parsed_path(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, SIZE), st.data())
def test_proofs_from_tiles_verify_at_every_size(size, data):
    """A checkpoint's tiles are those of its size: partial ones are cut from fuller ones."""

    def read(tile: tiles.Tile) -> bytes:
        whole = tiles.Tile(tile.level, tile.number, tiles.width_at(tile.level, tile.number, SIZE))
        return read_stored(whole)

    reader = tiles.Reader(size, read)
    root = merkle.root_of(LEAVES[:size])
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert merkle.root_at(size, reader) == root
    proof = merkle.inclusion_proof(index, size, reader)
    merkle.verify_inclusion(LEAVES[index], index, size, proof, root)
    proof = merkle.consistency_proof(old, size, reader)
    merkle.verify_consistency(old, size, proof, merkle.root_of(LEAVES[:old]), root)
    needed = {node for nodes in merkle.inclusion_nodes(index, size) for node in nodes}
    assert tiles.tiles_for(needed, size) <= set(tiles.tiles_at(size))


def test_a_node_outside_the_tree_or_a_tile_cut_short_is_refused():
    reader = tiles.Reader(300, lambda tile: STORED[tiles.Tile(0, 0)][:-32])
    for level, number in ((0, 300), (9, 0), (8, 1)):
        with pytest.raises(tiles.TileError):
            reader(level, number)
    with pytest.raises(tiles.TileError):
        reader(0, 0)
    for content, width in ((b"x" * 31, 1), (b"", 1), (b"x" * 8224, 256), (b"x" * 64, 3)):
        with pytest.raises(tiles.TileError):
            tiles.hashes_of(content, width)
    assert tiles.hashes_of(b"a" * 32 + b"b" * 32, 1) == [b"a" * 32]
