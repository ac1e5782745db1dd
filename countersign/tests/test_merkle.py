from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign import merkle

# Published cases (transparency-dev/merkle) are not part of this project: they stand beside a
# checkout, or beside the folder of several, or nowhere.
VECTORS = next(
    (
        folder / "shared" / "data" / "vectors"
        for folder in Path(__file__).parents[3:5]
        if (folder / "shared" / "data" / "vectors").is_dir()
    ),
    None,
)

ENTRIES = [b"entry %d" % number for number in range(300)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]

sizes = st.integers(min_value=1, max_value=len(LEAVES))


def tree_hash(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, section 2.1.1, word for word: slow, and independent of ours."""
    if not leaves:
        return merkle.EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(tree_hash(leaves[:split]), tree_hash(leaves[split:]))


def read(level: int, number: int) -> bytes:
    nodes = LEAVES[number << level : (number + 1) << level]
    assert len(nodes) == 1 << level, "a proof asked for a subtree that is not there"
    return tree_hash(nodes)


def test_every_published_case_gets_its_answer():
    if VECTORS is None:
        pytest.skip("the published cases are not beside this checkout (../shared/data/vectors)")
    answers = {True: 0, False: 0}
    for path in sorted(VECTORS.rglob("*.json")):
        case = json.loads(path.read_text())
        assert refused(case) == case["wantErr"], path
        answers[case["wantErr"]] += 1
    assert answers == {False: 12, True: 184}


def refused(case: dict) -> bool:
    def decoded(name: str) -> bytes:
        return base64.b64decode(case[name])

    proof = [base64.b64decode(step) for step in case["proof"] or []]
    try:
        if "leafIdx" in case:
            leaf, root = decoded("leafHash"), decoded("root")
            merkle.verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)
        else:
            roots = decoded("root1"), decoded("root2")
            merkle.verify_consistency(case["size1"], case["size2"], proof, *roots)
    except merkle.ProofError:
        return True
    return False


def test_the_empty_tree_and_the_empty_leaf_have_the_hashes_of_the_rfc():
    # RFC 6962, section 2.1: the hash of an empty list is that of an empty string.
    assert merkle.EMPTY_ROOT.hex() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert merkle.leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert merkle.Frontier().root() == merkle.EMPTY_ROOT == merkle.root_of([])


def test_the_seven_leaves_of_the_rfc_have_the_proofs_it_lists():
    """RFC 6962, section 2.1.3, and RFC 9162, section 2.1.5; the names are theirs."""
    leaves = LEAVES[:7]
    a, b, c, d, e, f, j = leaves
    g, h, i = merkle.node_hash(a, b), merkle.node_hash(c, d), merkle.node_hash(e, f)
    k, el = merkle.node_hash(g, h), merkle.node_hash(i, j)
    assert merkle.root_of(leaves) == merkle.node_hash(k, el)
    assert merkle.inclusion_proof(0, 7, read) == [b, h, el]
    assert merkle.inclusion_proof(3, 7, read) == [c, g, el]
    assert merkle.inclusion_proof(4, 7, read) == [f, j, k]
    assert merkle.inclusion_proof(6, 7, read) == [i, k]
    assert merkle.consistency_proof(3, 7, read) == [c, d, g, el]
    assert merkle.consistency_proof(4, 7, read) == [el]
    assert merkle.consistency_proof(6, 7, read) == [i, j, k]


@given(size=st.integers(min_value=0, max_value=len(LEAVES)), cuts=st.sets(st.integers(0, 300)))
def test_a_frontier_has_the_root_of_the_definition_however_it_grew(size, cuts):
    borders = sorted({0, size, *(cut for cut in cuts if cut < size)})
    frontier = merkle.Frontier()
    for start, end in itertools.pairwise(borders):
        frontier = frontier.extended(LEAVES[start:end])
        assert merkle.Frontier.unpacked(frontier.size, frontier.packed()) == frontier
    assert frontier.size == size
    assert frontier.root() == tree_hash(LEAVES[:size]) == merkle.root_at(size, read)


def test_a_frontier_of_another_length_is_refused():
    packed = merkle.Frontier().extended(LEAVES[:5]).packed()
    for size in (-1, 0, 4, 7):
        with pytest.raises(ValueError, match="perfect subtree"):
            merkle.Frontier.unpacked(size, packed)


@given(sizes, st.data())
def test_every_leaf_is_proven_and_no_other_index_size_or_leaf_is(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof, root = merkle.inclusion_proof(index, size, read), tree_hash(LEAVES[:size])
    merkle.verify_inclusion(LEAVES[index], index, size, proof, root)
    wrong = [
        (LEAVES[(index + 1) % 300], index, size, proof, root),
        (LEAVES[index], size, size, proof, root),
        (LEAVES[index], -1, size, proof, root),
        (LEAVES[index], index, size, [*proof, root], root),
        (LEAVES[index], index, size, proof, LEAVES[0] if size > 1 else LEAVES[1]),
        (LEAVES[index][:-1], index, size, proof, root),
    ]
    wrong += [(LEAVES[index], other, size, proof, root) for other in range(size) if other != index]
    wrong += [
        (LEAVES[index], index, size, proof[:at] + proof[at + 1 :], root) for at in range(len(proof))
    ]
    for case in wrong:
        with pytest.raises(merkle.ProofError):
            merkle.verify_inclusion(*case)


@given(sizes, st.data())
def test_every_prefix_is_proven_and_no_other_tree_is(new, data):
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(old, new, read)
    old_root, new_root = tree_hash(LEAVES[:old]), tree_hash(LEAVES[:new])
    merkle.verify_consistency(old, new, proof, old_root, new_root)
    other = merkle.leaf_hash(b"another tree")
    wrong = [
        (old, new, proof, other, new_root),
        (old, new, proof, old_root, other),
        (old, new, [*proof, other], old_root, new_root),
        (0, new, proof, merkle.EMPTY_ROOT, new_root),
        (new + 1, new, proof, old_root, new_root),
    ]
    wrong += [
        (old, new, proof[:at] + proof[at + 1 :], old_root, new_root) for at in range(len(proof))
    ]
    wrong += [
        (old, new, [*proof[:at], other, *proof[at + 1 :]], old_root, new_root)
        for at in range(len(proof))
    ]
    for case in wrong:
        with pytest.raises(merkle.ProofError):
            merkle.verify_consistency(*case)


def test_what_has_no_proof_is_not_asked_for():
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="not in the tree"):
            merkle.inclusion_proof(index, size, read)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="a proof leads from"):
            merkle.consistency_proof(old, new, read)
