"""The Merkle tree of the ledger: leaves, nodes, roots, proofs (RFC 6962 and RFC 9162, section 2.1).

A node of the tree is named by `(level, number)`: the hash over the `number`-th run of 2**level
leaves. All hashes are the 32 bytes of a SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeAlias

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

Node: TypeAlias = "tuple[int, int]"
Read: TypeAlias = "Callable[[int, int], bytes]"


class ProofError(Exception):
    """A proof does not lead to the root it is for. The text says which step failed."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry's bytes as a leaf of the tree."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above `left` and `right`."""
    return sha256(b"\x01" + left + right).digest()


def parents(nodes: Sequence[bytes]) -> list[bytes]:
    """The nodes above neighbours; a last one without a neighbour has none."""
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(nodes[::2], nodes[1::2], strict=False)
    ]


class Frontier(NamedTuple):
    """What must be kept of a tree to append to it, and to know its root.

    `hashes` are those of its perfect subtrees from left to right, the largest first: one for each
    bit that is set in `size`, the number of leaves.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def extended(self, leaves: Sequence[bytes]) -> Frontier:
        """The frontier after `leaves`, hashes of leaves in their order, are appended."""
        size = self.size
        left = list(self.hashes)
        kept: list[bytes] = []  # from the lowest level up
        nodes = list(leaves)
        at = size
        while nodes:
            if at & 1:
                nodes.insert(0, left.pop())
            if len(nodes) & 1:
                kept.append(nodes.pop())
            nodes = parents(nodes)
            at >>= 1
        kept.reverse()
        return Frontier(size + len(leaves), (*left, *kept))

    def root(self) -> bytes:
        """The root of the tree."""
        if not self.hashes:
            return EMPTY_ROOT
        return fold(self.hashes)

    def packed(self) -> bytes:
        """The hashes, one after the other; `size` is kept beside them."""
        return b"".join(self.hashes)

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> Frontier:
        """The frontier that `packed()` wrote. Raises: ValueError if the length is not `size`'s."""
        if size < 0 or len(packed) != HASH_SIZE * size.bit_count():
            raise ValueError("the frontier does not have a hash for each perfect subtree")
        return cls(
            size, tuple(packed[at : at + HASH_SIZE] for at in range(0, len(packed), HASH_SIZE))
        )


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over perfect subtrees from left to right, each smaller than the one before."""
    above = hashes[-1]
    for left in reversed(hashes[:-1]):
        above = sha256(b"\x01" + left + above).digest()
    return above


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree of these hashes of leaves."""
    return Frontier().extended(leaves).root()


def covering(start: int, end: int) -> list[Node]:
    """The perfect subtrees from left to right that make up the leaves `start` to `end`.

    `end` does not count. `start` is 0 or a border of a subtree at least as large as the range, as
    each range of a proof is.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def inclusion_nodes(index: int, size: int) -> list[list[Node]]:
    """Which nodes each hash of an inclusion proof is folded from, so they can be fetched at once.

    Raises: ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError("the index is not in the tree")
    siblings = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append(covering(middle, end))
            end = middle
        else:
            siblings.append(covering(start, middle))
            start = middle
    siblings.reverse()
    return siblings


def consistency_nodes(old: int, new: int) -> list[list[Node]]:
    """Which nodes each hash of a consistency proof is folded from. Empty if the sizes are equal.

    Raises: ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError("a proof leads from a tree that is not empty to one at least as large")
    siblings = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            siblings.append(covering(middle, end))
            end = middle
        else:
            siblings.append(covering(start, middle))
            start = middle
    if start:
        siblings.append(covering(start, old))
    siblings.reverse()
    return siblings


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """The hashes beside the path from leaf `index` to the root of the first `size` leaves.

    `read(level, number)` gives the hash of a perfect subtree. Raises: ValueError as
    `inclusion_nodes`, and whatever `read` raises.
    """
    return [fold([read(*node) for node in nodes]) for nodes in inclusion_nodes(index, size)]


def consistency_proof(old: int, new: int, read: Read) -> list[bytes]:
    """The hashes that show the first `old` leaves to be a prefix of the first `new`.

    Raises: ValueError as `consistency_nodes`, and whatever `read` raises.
    """
    return [fold([read(*node) for node in nodes]) for nodes in consistency_nodes(old, new)]


def root_at(size: int, read: Read) -> bytes:
    """The root of the first `size` leaves."""
    if size == 0:
        return EMPTY_ROOT
    return fold([read(*node) for node in covering(0, size)])


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf's hash stands at `index` in the tree of `size` leaves with this root.

    Raises: ProofError. Source: RFC 9162, section 2.1.3.
    """
    if not 0 <= index < size:
        raise ProofError("the index is not in the tree")
    inner, border = _shape(index, size)
    _check_hashes([leaf, *proof], inner + border + 1)
    if _climbed(leaf, index, proof[:inner], proof[inner:]) != root:
        raise ProofError("the proof leads to another root")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that the tree of `old` leaves is the beginning of the tree of `new` leaves.

    From an empty tree there is nothing to prove: that is refused, as the caller must not take it
    for a proof. Raises: ProofError. Source: RFC 9162, section 2.1.4.
    """
    if not 0 < old <= new:
        raise ProofError("a proof leads from a tree that is not empty to one at least as large")
    if old == new:
        _check_hashes(proof, 0)
        if old_root != new_root:
            raise ProofError("two roots for one size")
        return
    # The largest perfect subtree that ends the old tree: the proof starts at its node.
    level = (old & -old).bit_length() - 1
    whole = old == 1 << level  # then that node is the old root, and the proof leaves it out
    steps = [old_root, *proof] if whole else list(proof)
    inner, border = _shape(old - 1, new)
    inner -= level
    _check_hashes(steps, 1 + inner + border)
    start, inside, left = steps[0], steps[1 : inner + 1], steps[inner + 1 :]
    at = (old - 1) >> level
    if _climbed(start, at, inside, left) != new_root:
        raise ProofError("the proof leads to another root of the larger tree")
    inside = [step for height, step in enumerate(inside) if at >> height & 1]
    if fold([*reversed(left), *reversed(inside), start]) != old_root:
        raise ProofError("the proof leads to another root of the smaller tree")


def _shape(index: int, size: int) -> tuple[int, int]:
    """How many steps of the path from leaf `index` are below, and how many beside its right edge.

    Below, the neighbour is left or right by the bits of the index; on the edge it is always left,
    and there is one for each bit that is set.
    """
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _climbed(start: bytes, index: int, inside: Sequence[bytes], left: Sequence[bytes]) -> bytes:
    """The root that the steps lead to."""
    above = start
    for height, step in enumerate(inside):
        pair = step + above if index >> height & 1 else above + step
        above = sha256(b"\x01" + pair).digest()
    for step in left:
        above = sha256(b"\x01" + step + above).digest()
    return above


def _check_hashes(hashes: Sequence[bytes], count: int) -> None:
    if len(hashes) != count:
        raise ProofError("the proof does not have the length that the sizes ask for")
    if any(len(step) != HASH_SIZE for step in hashes):
        raise ProofError("a hash of the proof is not 32 bytes long")


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
