from __future__ import annotations

import base64

import pytest

from countersign import checkpoints, cosignatures, notes

# The example of the specification; its key is not published, so only its form is checked.
SPECIFIED = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC\
+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""

# The examples of golang.org/x/mod/sumdb/note, by which the format came into use.
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01"
    "oOTGwnWLox33WWd1RvMc+QQ=\n"
)

# The example of tlog-checkpoint and tlog-cosignature.
COSIGNED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO\
oRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI\
5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""

SIGNER = notes.Signer("portal.example/live", bytes(31) + b"\1")
WITNESS = cosignatures.Cosigner("witness.example/w1", bytes(31) + b"\2")
CHECKPOINT = checkpoints.Checkpoint("portal.example/live", 7, bytes(range(32)))


def test_the_examples_of_the_format_verify():
    peter, enoch = notes.Verifier.from_vkey(PETER), notes.Verifier.from_vkey(ENOCH)
    note = notes.joined(TEXT, [BY_PETER, BY_ENOCH])
    assert peter.vkey == PETER and enoch.vkey == ENOCH
    assert notes.opened(note, [peter]).text == TEXT
    assert [found.name for found in notes.opened(note, [enoch, peter]).signatures] == [
        "PeterNeumann",
        "EnochRoot",
    ]
    with pytest.raises(notes.NoteError, match="not good"):
        notes.opened(note.replace("cryptography", "cryptology"), [peter])
    # The key of the example is that of a seed of zeros: our signature is the published one.
    assert notes.Signer("EnochRoot", bytes(32)).sign(TEXT) == notes.joined(TEXT, [BY_ENOCH])


def test_the_examples_of_the_specifications_have_their_parts():
    text, signatures = notes.parsed(SPECIFIED)
    assert text.endswith("\n\ned è subito sera.\n")
    assert signatures[0].name == "quasimodo.example/salvatore"
    assert signatures[0].key_id.hex() == "367ba04b" and len(signatures[0].signature) == 64
    text, (by_log, by_witness) = notes.parsed(COSIGNED.encode())
    checkpoint = checkpoints.parsed(text)
    assert checkpoint.size == 20852163 and checkpoint.origin == by_log.name
    assert checkpoint.text() == text
    assert int.from_bytes(by_witness.signature[:8], "big") == 1679315147  # as its message says
    assert cosignatures.message(text, 1679315147).decode() == (
        "cosignature/v1\ntime 1679315147\n" + text
    )


def test_a_signature_of_an_unknown_key_is_ignored_and_of_a_known_one_must_be_good():
    note = checkpoints.signed(CHECKPOINT, SIGNER)
    stranger = notes.Signer("portal.example/live", bytes(31) + b"\3")
    both = note + stranger.signature_line(CHECKPOINT.text())
    assert checkpoints.opened(both, [SIGNER.verifier]) == CHECKPOINT
    assert len(notes.opened(both + both.splitlines(keepends=True)[-1], [stranger.verifier])[1]) == 1
    with pytest.raises(notes.NoteError, match="known key"):
        checkpoints.opened(note, [stranger.verifier])
    with pytest.raises(notes.NoteError, match="known key"):
        checkpoints.opened(note, [])
    forged = notes.signature_line(SIGNER.name, SIGNER.key_id, bytes(64))
    with pytest.raises(notes.NoteError, match="not good"):
        checkpoints.opened(notes.joined(CHECKPOINT.text(), [forged]), [SIGNER.verifier])


def test_the_key_of_one_log_cannot_sign_for_another():
    other = CHECKPOINT._replace(origin="portal.example/test")
    with pytest.raises(notes.NoteError, match="checkpoint's log"):
        checkpoints.opened(checkpoints.signed(other, SIGNER), [SIGNER.verifier])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name AAAAAAA=",
        "text\n\n- name AAAAAAA=\n",
        "text\n\n— name\n",
        "text\n\n— na+me AAAAAAA=\n",
        "text\n\n— na\u00a0me AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAA==\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n— name AAAA AAA=\n",
        "text\n\n— name AAAAAAA=\r\n",
        "te\txt\n\n— name AAAAAAA=\n",
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        "text\n\n" + "— name AAAAAAA=\n" * 101,
        "x" * (1 << 20) + "\n\n— name AAAAAAA=\n",
    ],
)
def test_what_has_not_the_form_of_a_note_is_refused(note):
    with pytest.raises(notes.NoteError):
        notes.parsed(note)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n7\n",
        "origin\n7\nAAAA\n",
        "\n7\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "origin\n07\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "origin\n-7\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "origin\n\u0667\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "origin\n99999999999999999999\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "origin\n7\n" + base64.b64encode(bytes(31)).decode() + "\n",
        "origin\n7\n" + base64.b64encode(bytes(32)).decode(),
        "origin\n7\n" + base64.b64encode(bytes(32)).decode() + "\n\nmore\n",
    ],
)
def test_what_has_not_the_form_of_a_checkpoint_is_refused(text):
    with pytest.raises(notes.NoteError):
        checkpoints.parsed(text)


def test_further_lines_of_a_checkpoint_are_kept_and_signed():
    extended = CHECKPOINT._replace(extensions=("more", "and more"))
    note = checkpoints.signed(extended, SIGNER)
    assert checkpoints.opened(note, [SIGNER.verifier]) == extended


@pytest.mark.parametrize(
    "text",
    ["", "name", "name+00000000+", PETER.replace("c74f", "c74e"), PETER[:-4], "a b+" + PETER],
)
def test_what_has_not_the_form_of_a_key_is_refused(text):
    for kind in (notes.Verifier, cosignatures.Witness):
        with pytest.raises(notes.NoteError):
            kind.from_vkey(text)


def test_keys_of_logs_and_of_witnesses_are_told_apart():
    with pytest.raises(notes.NoteError, match="not a witness"):
        cosignatures.Witness.from_vkey(SIGNER.vkey)
    with pytest.raises(notes.NoteError, match="not one that signs notes"):
        notes.Verifier.from_vkey(WITNESS.witness.vkey)
    assert cosignatures.Witness.from_vkey(WITNESS.witness.vkey) == WITNESS.witness
    with pytest.raises(notes.NoteError, match="name"):
        notes.Signer("two words", bytes(32))
    with pytest.raises(notes.NoteError, match="newline"):
        SIGNER.sign("no newline")


def test_a_cosignature_stands_beside_the_logs_signature_and_does_not_replace_it():
    line = WITNESS.line(CHECKPOINT.text(), 1_800_000_000)
    note = checkpoints.signed(CHECKPOINT, SIGNER) + line
    assert checkpoints.opened(note, [SIGNER.verifier, WITNESS.witness]) == CHECKPOINT
    seen = cosignatures.opened(note, [WITNESS.witness])
    assert seen == [("witness.example/w1", 1_800_000_000)]
    assert cosignatures.opened(checkpoints.signed(CHECKPOINT, SIGNER), [WITNESS.witness]) == []
    alone = notes.joined(CHECKPOINT.text(), [line])
    with pytest.raises(notes.NoteError, match="checkpoint's log"):
        checkpoints.opened(alone, [SIGNER.verifier, WITNESS.witness])


def test_a_cosignature_with_another_time_or_length_is_not_good():
    name, identity, signature = notes.parsed_line(WITNESS.line(CHECKPOINT.text(), 5).strip())
    for changed in (bytes(8) + signature[8:], b"\xff" + signature[1:], signature[:-1], b""):
        assert not WITNESS.witness.verify(CHECKPOINT.text(), changed)
    forged = notes.signature_line(name, identity, bytes(8) + signature[8:])
    with pytest.raises(notes.NoteError, match="not good"):
        cosignatures.opened(notes.joined(CHECKPOINT.text(), [forged]), [WITNESS.witness])
