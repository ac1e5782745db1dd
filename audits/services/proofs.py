"""Proofs of the ledger, made of its tiles: also for entries that were disposed of."""

from __future__ import annotations

from dataclasses import dataclass

from audits.services import checkpoints, tiles
from countersign import merkle
from countersign.merkle import Node

NotKept = tiles.NotKept


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That the leaf stands at `index` in the tree of `size` leaves with this root."""

    index: int
    size: int
    leaf: bytes
    proof: list[bytes]


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of `old` leaves is the beginning of the tree of `new` leaves."""

    old: int
    new: int
    proof: list[bytes]


def inclusion(ledger_id: int, index: int, size: int | None = None) -> Inclusion:
    """The proof of an entry in the tree of `size` leaves; without a size, in the newest tree.

    Raises: NotKept if the ledger has no such entry or size.
    """
    kept, _, edge = checkpoints.head(ledger_id)
    asked = kept if size is None else size
    if not 0 <= index < asked <= kept:
        raise NotKept
    steps = merkle.inclusion_nodes(index, asked)
    wanted = {(0, index), *(node for step in steps for node in step)}
    found = _nodes(ledger_id, wanted, kept, edge)
    proof = [merkle.fold([found[node] for node in step]) for step in steps]
    return Inclusion(index, asked, found[0, index], proof)


def consistency(ledger_id: int, old: int, new: int) -> Consistency:
    """The proof between two sizes. Raises: NotKept unless 0 < old <= new <= the ledger's."""
    kept, _, edge = checkpoints.head(ledger_id)
    if not 0 < old <= new <= kept:
        raise NotKept
    steps = merkle.consistency_nodes(old, new)
    found = _nodes(ledger_id, {node for step in steps for node in step}, kept, edge)
    return Consistency(old, new, [merkle.fold([found[n] for n in step]) for step in steps])


def _nodes(ledger_id: int, wanted: set[Node], kept: int, edge: bytes) -> dict[Node, bytes]:
    """The hashes of these nodes. Raises: NotKept.

    Those on the right edge stand in the head's row: so the newest tree's proof of an older entry
    needs none of the last batches, which would have to be unpacked and hashed again.
    """
    frontier = merkle.Frontier.unpacked(kept, edge)
    known = dict(zip(merkle.covering(0, kept), frontier.hashes, strict=True))
    missing = wanted - known.keys()
    return known | (tiles.nodes(ledger_id, missing, kept=kept) if missing else {})


def root_at(ledger_id: int, size: int) -> bytes:
    """The root of the first `size` leaves as the tiles give it. Raises: NotKept."""
    kept, _, _ = checkpoints.head(ledger_id)
    if not 0 <= size <= kept:
        raise NotKept
    if size == 0:
        return merkle.EMPTY_ROOT
    wanted = merkle.covering(0, size)
    found = tiles.nodes(ledger_id, wanted, kept=kept)
    return merkle.fold([found[node] for node in wanted])
