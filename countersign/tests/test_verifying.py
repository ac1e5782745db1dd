from __future__ import annotations

import base64
import io
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from countersign import checkpoints, ed25519, merkle, notes, tiles
from countersign.__main__ import main
from countersign.commands.verifying import verified
from countersign.tests import make
from countersign.verifying import chain, exports, report
from countersign.verifying.chain import Options

SIGNER = make.signer()
BATCHES = (1, 30, 200, 2, 1, 300, 70)


@pytest.fixture
def ledger() -> make.Ledger:
    return make.Ledger().begin().grow(*BATCHES)


@pytest.fixture
def look(tmp_path):
    """Verifies an export of these files, by default as a folder and with the right key."""

    def look(files, **options) -> report.Report:
        options.setdefault("keys", (SIGNER.verifier,))
        path = make.folder(files, tmp_path / str(len(list(tmp_path.iterdir()))))
        (found,) = verified(path, Options(**options))
        return found

    return look


def test_a_whole_ledger_is_verified_and_told_in_numbers(ledger, look, tmp_path):
    found = look(ledger.files())
    assert found.ok and found.problems == [] and found.remarks == [] and found.gaps == []
    assert found.verified == found.expected == 605
    assert (found.first_index, found.last_index) == (0, 604)
    assert found.first_received_at == make.moment(0)
    assert found.last_received_at == make.moment(604)
    assert found.checkpoints == found.signatures == len(BATCHES) + 1
    assert found.checkpoint.root == merkle.root_of(ledger.leaves)
    path = make.zipped(make.compressed(ledger.files()), tmp_path / "ledger.zip")
    assert verified(path, Options(keys=(make.signer().verifier,))) == [found]


def test_any_way_to_cut_it_into_files_gives_the_same(ledger, look):
    expected = look(ledger.files())
    for a_file in (1, 7, 231, 10_000):
        assert look(ledger.files(a_file=a_file)) == expected


def test_without_a_key_only_consistency_is_said_to_be_proven(ledger, look):
    found = look(ledger.files(), keys=())
    assert found.ok
    assert "consistent, not whose" in found.remarks[0]


def test_the_key_of_another_is_not_taken_for_the_ledgers(ledger, look):
    found = look(ledger.files(), keys=(make.signer(2).verifier,))
    assert not found.ok
    assert found.problems == ["No checkpoint is signed by the key that was given."]


def test_nothing_verified_is_no_success(look):
    found = look(make.Ledger().files())
    assert not found.ok and found.verified == 0
    assert "Nothing was verified." in found.text()
    assert not report.all_hold([])


def changed(files: dict, name: str, before: bytes, after: bytes) -> dict:
    assert files[name].count(before) == 1
    return files | {name: files[name].replace(before, after)}


SECOND = "entries/00000000000000000100.jsonl"


def tampered(ledger: make.Ledger) -> dict[str, dict]:
    files = ledger.files()
    lines = files[SECOND].splitlines(keepends=True)
    swapped = [lines[1], lines[0], *lines[2:]]
    names = [name for name in files if name.startswith("entries/")]
    return {
        "edited": changed(files, SECOND, ledger.entries[150], make.entry(150, model="n")),
        "backdated": changed(
            files,
            SECOND,
            ledger.entries[150],
            make.entry(150, received_at=make.moment(149)),
        ),
        "deleted": files | {SECOND: b"".join(lines[:50] + lines[51:])},
        "doubled": files | {SECOND: b"".join(lines[:50] + lines[49:])},
        "inserted": files | {SECOND: b"".join([*lines[:50], make.entry(150) + b"\n", *lines[50:]])},
        "swapped": files | {SECOND: b"".join(swapped)},
        "emptied": files | {SECOND: b""},
        "file left out": {name: content for name, content in files.items() if name != SECOND},
        "tail cut": {name: content for name, content in files.items() if name != names[-1]},
        "line cut": files | {SECOND: files[SECOND][:-5]},
        "a line more": files | {names[-1]: files[names[-1]] + make.entry(605) + b"\n"},
    }


@pytest.mark.parametrize("how", sorted(tampered(make.Ledger().begin().grow(*BATCHES))))
def test_whatever_was_done_to_the_entries_is_found(ledger, look, how):
    found = look(tampered(ledger)[how])
    assert not found.ok
    assert found.problems
    assert found.verified < 605 or found.verified < found.expected
    assert "model" not in found.text()


def test_a_changed_entry_is_named_by_its_index_where_there_are_tiles(ledger, look):
    files = ledger.files() | ledger.tiles()
    assert look(files).ok
    found = look(changed(files, SECOND, ledger.entries[150], make.entry(150, model="n")))
    assert found.problems == [
        "Entry 150 does not have the hash that the tile of level 0 holds.",
        (
            "The entries 32 to 231 do not give the root of the checkpoint of size 232: "
            "one of them, or the checkpoint, was changed."
        ),
    ]
    assert found.verified == 32 and found.expected == 605


def test_changed_tiles_of_every_level_are_found(look):
    ledger = make.Ledger().begin().grow(66_000)
    stored = ledger.tiles()
    path = tiles.Tile(1, 0).path()
    content = bytearray(stored[path])
    content[32 * 3] ^= 1
    files = ledger.files(a_file=66_001) | stored
    assert look(files).ok
    found = look(files | {path: bytes(content)})
    assert found.problems == [
        "A tile that begins with entry 768 does not have the hash that the tile of level 1 holds."
    ]


def test_a_checkpoint_that_was_changed_forged_or_taken_from_another_is_found(ledger, look):
    files = ledger.files()
    lines = files["checkpoints.jsonl"].splitlines(keepends=True)
    stranger = make.Ledger(make.signer(7))
    stranger.entries = ledger.entries[:232]
    forged = json.dumps({"note": stranger.sign()}).encode() + b"\n"
    other = make.Ledger(make.signer(1, "portal.example/test")).begin().files()
    for wrong in (
        lines[:3] + lines[2:3] + lines[4:5] + lines[3:4] + lines[5:],
        [*lines[:3], forged, *lines[4:]],
        [*lines[:3], lines[3].replace(b"232", b"231"), *lines[4:]],
        [*lines[:3], other["checkpoints.jsonl"], *lines[4:]],
        [*lines[:3], b"{}\n", *lines[4:]],
        [*lines[:3], b"[]\n", *lines[4:]],
        [*lines[:3], lines[3].replace(b"\\n\\n", b"\\nmore\\n\\n"), *lines[4:]],
        [*lines[:3], b"not json\n", *lines[4:]],
    ):
        found = look(files | {"checkpoints.jsonl": b"".join(wrong)})
        assert not found.ok and found.problems
    without_last = look(files | {"checkpoints.jsonl": b"".join(lines[:-1])})
    assert without_last.problems == ["No checkpoint covers the last 70 entries."]
    assert without_last.verified == 535


def test_times_that_go_back_are_found_though_the_tree_fits(look):
    """Whoever holds the key can sign what they like: the entries then speak against themselves."""
    ledger = make.Ledger().begin()
    ledger.append([make.entry(5), make.entry(4), make.entry(6)])
    ledger.append([make.entry(3)])
    found = look(ledger.files())
    assert found.problems == [
        "Entry 2 was received before the entry before it.",
        "Entry 4 was received before the entry before it.",
    ]


@pytest.mark.parametrize(
    ("members", "holds"),
    [
        ({"payload": {"received_at": make.moment(9)}}, True),
        ({"model": '"received_at":"1999-01-01T00:00:00.000Z"'}, True),
        ({"received_at": "yesterday"}, False),
        ({"received_at": 7}, False),
        ({"received_at": make.moment(1)[:-1]}, False),
    ],
)
def test_only_an_entrys_own_time_counts(look, members, holds):
    ledger = make.Ledger().begin()
    ledger.append([make.entry(1), make.entry(2, **members), make.entry(3)])
    assert look(ledger.files()).ok == holds


def test_an_entry_that_is_no_json_says_no_time(look):
    ledger = make.Ledger().begin()
    ledger.append([b"not json"])
    assert look(ledger.files()).problems == ["Entry 1 does not say when it was received."]


def test_a_kept_checkpoint_is_met_or_shows_what_was_changed(ledger, look):
    kept = ledger.notes[3][1], ledger.notes[-1][1]
    assert look(ledger.files(), kept=kept).kept == [232, 605]

    # The whole ledger was written again and signed with the stolen key: only what was kept tells.
    again = make.Ledger().begin()
    again.append([make.entry(1, model="n")])
    again.grow(*BATCHES[1:])
    assert look(again.files()).ok
    found = look(again.files(), kept=kept)
    assert len(found.problems) == 2 and "has another root" in found.problems[0]

    # An older copy was restored, or the tail cut with its checkpoints.
    older = make.Ledger().begin().grow(*BATCHES[:3])
    assert look(older.files()).ok
    assert "reaches beyond the end" in look(older.files(), kept=kept).problems[0]


def test_a_kept_checkpoint_between_two_of_the_export_is_met_too(ledger, look):
    between = make.Ledger()
    between.entries = ledger.entries[:100]
    found = look(ledger.files(), kept=(between.sign(),))
    assert found.ok and found.kept == [100]


def test_a_kept_checkpoint_that_cannot_be_held_against_the_export_is_no_success(ledger, look):
    early = look(ledger.files(first=100), kept=(ledger.notes[0][1],))
    assert early.problems == ["The kept checkpoint of size 1 lies before what is here."]
    assert not look(ledger.files(), kept=("no note",)).ok
    files = changed(ledger.files(), SECOND, ledger.entries[150], make.entry(150, model="n"))
    unreached = look(files, kept=(ledger.notes[-2][1],))
    assert any(
        "has another root" in line or "not be reached" in line for line in unreached.problems
    )


def test_a_kept_checkpoint_of_a_ledger_that_is_not_here_is_no_success(ledger, look):
    other = make.Ledger(make.signer(1, "portal.example/test")).begin()
    found = look(ledger.files(), kept=(other.notes[0][1],))
    assert found.problems == ["A kept checkpoint is of a ledger that is not here."]


def test_keys_are_followed_from_one_to_the_next(look):
    ledger = make.Ledger().begin().grow(10)
    for number in (2, 3):
        ledger.change_key(make.signer(number))
        ledger.grow(5, 5)
    for number in (1, 2, 3):
        found = look(ledger.files(), keys=(make.signer(number).verifier,))
        assert found.ok, found.problems
    assert not look(ledger.files(), keys=(make.signer(4).verifier,)).ok


def test_a_key_that_the_old_one_did_not_name_is_not_followed(look):
    ledger = make.Ledger().begin().grow(10)
    ledger.signer = make.signer(2)
    ledger.grow(5)
    found = look(ledger.files())
    assert found.problems == ["The checkpoint of size 16 is signed by another key."]
    assert found.verified == 11


def test_a_change_of_key_that_the_new_key_signed_itself_is_refused(look):
    ledger = make.Ledger().begin().grow(10)
    ledger.change_key(make.signer(2))
    ledger.notes.pop()  # the old key's word for it
    ledger.grow(5)
    found = look(ledger.files())
    assert found.problems == ["The change of key at size 12 was not signed by the old key."]


def test_a_change_of_key_that_names_another_key_before_it_is_refused(look):
    ledger = make.Ledger(make.signer(5)).begin().grow(3)
    ledger.change_key(make.signer(6))
    stolen = make.Ledger().begin().grow(3)
    stolen.append([ledger.entries[-1]])
    found = look(stolen.files())
    assert found.problems == ["The change of key in entry 4 does not follow the key before."]


def test_an_export_may_begin_in_the_middle(ledger, look):
    found = look(ledger.files(first=100))
    assert found.ok and found.verified == 505 and found.first_index == 100
    frontier = merkle.Frontier().extended(ledger.leaves[:100])
    told = json.loads(ledger.files(first=100)["ledger.json"])
    told["frontier"] = [bytes(32).hex() for _ in frontier.hashes]
    lied = look(ledger.files(first=100) | {"ledger.json": json.dumps(told).encode()})
    assert not lied.ok and lied.verified == 0


def test_a_gap_that_an_entry_speaks_of_is_lawful_and_any_other_is_not(look):
    ledger = make.Ledger().begin().grow(300, 300, 211)
    payload = {"first_index": 256, "end_index": 512}
    files = ledger.files(a_file=256, gaps=((256, 512),)) | ledger.tiles()
    found = look(files)
    assert not found.ok and found.verified == 556
    assert "no entry says that they were disposed of" in found.problems[0]

    ledger.append([make.entry(812, type="disposal", payload=payload)])
    found = look(ledger.files(a_file=256, gaps=((256, 512),)) | ledger.tiles())
    assert found.ok, found.problems
    assert found.gaps == [report.Gap(256, 512, disposed_by=812)]
    assert found.verified == found.expected == 557
    assert "disposed of, as entry 812 says" in found.text()
    assert found.remarks == ["1 checkpoints lie in gaps and were passed over."]

    root = merkle.root_of(ledger.leaves[256:512]).hex()
    for named, holds in ((root, True), (bytes(32).hex(), False)):
        other = make.Ledger().begin().grow(300, 300, 211)
        other.append([make.entry(812, type="disposal", payload=payload | {"root": named})])
        assert look(other.files(a_file=256, gaps=((256, 512),)) | other.tiles()).ok == holds

    found = look(ledger.files(a_file=256, gaps=((256, 512),)))
    assert found.problems[0] == "Reading stopped: a gap needs a tile that is not here."


def test_a_key_that_changed_inside_a_gap_must_be_known_by_another_way(look):
    ledger = make.Ledger().begin().grow(300)
    new = make.signer(2)
    ledger.change_key(new)
    ledger.named.append(new.vkey)
    ledger.grow(300)
    payload = {"first_index": 256, "end_index": 512}
    ledger.append([make.entry(602, type="disposal", payload=payload)])
    files = ledger.files(a_file=256, gaps=((256, 512),)) | ledger.tiles()
    assert look(files, keys=(new.verifier,)).ok
    assert look(files, keys=(SIGNER.verifier, new.verifier)).ok
    assert look(files, keys=()).ok  # consistent, as its remark says
    found = look(files, keys=(SIGNER.verifier,))
    assert found.problems == ["No checkpoint is signed by the key that was given."]
    later = ledger.files(first=400)
    assert look(later, keys=(new.verifier,)).ok
    assert not look(later, keys=(SIGNER.verifier,)).ok


def test_one_gap_may_be_explained_by_several_entries_and_in_part(look):
    ledger = make.Ledger().begin().grow(1023)
    for number, (start, end) in enumerate([(0, 256), (512, 768)], 1024):
        payload = {"first_index": start, "end_index": end}
        ledger.append([make.entry(number, type="disposal", payload=payload)])
    found = look(ledger.files(a_file=256, gaps=((0, 768),)) | ledger.tiles())
    assert found.gaps == [
        report.Gap(0, 256, disposed_by=1024),
        report.Gap(256, 512),
        report.Gap(512, 768, disposed_by=1025),
    ]
    assert len(found.problems) == 1 and found.verified == 258


def test_cosignatures_of_the_witnesses_asked_for_must_be_there(ledger, look):
    cosigner, other = make.witness(), make.witness(101)
    size, note = ledger.notes[-1]
    text = notes.parsed(note).text
    assert look(ledger.files(), witnesses=(cosigner.witness,)).problems == [
        "There is no cosignature of the witness witness.example/w100."
    ]
    kept = note + cosigner.line(text, 1_800_000_000)
    found = look(ledger.files(), witnesses=(cosigner.witness,), kept=(kept,))
    assert found.ok and found.cosignatures == [(605, ("witness.example/w100", 1_800_000_000))]
    ledger.notes[-1] = size, note + cosigner.line(text, 5) + other.line(text, 6)
    found = look(ledger.files(), witnesses=(cosigner.witness, other.witness))
    assert found.ok and len(found.cosignatures) == 2
    forged = cosigner.line("another text\n", 5)
    ledger.notes[-1] = size, note + forged
    found = look(ledger.files(), witnesses=(cosigner.witness,))
    assert not found.ok and "does not hold" in found.problems[0]


def test_in_python_alone_of_many_signatures_some_are_looked_at_and_it_says_so(look, monkeypatch):
    ledger = make.Ledger(SIGNER).begin().grow(*([1] * 250))
    monkeypatch.setattr(ed25519, "HAS_CRYPTOGRAPHY", False)
    monkeypatch.setattr(chain, "SIGNATURES_IN_PYTHON", 20)
    monkeypatch.setattr(ed25519, "verify", ed25519.verify_by_cryptography)
    keys = (SIGNER.verifier,)
    found = look(ledger.files(), keys=keys)
    assert found.ok and found.checkpoints == 251
    assert found.signatures + found.signatures_left == 251
    assert 20 < found.signatures < 30
    assert "not looked at" in found.text()
    assert look(ledger.files(), keys=keys, every_signature=True).signatures == 251
    size, note = ledger.notes[-1]
    forged = notes.signature_line(SIGNER.name, SIGNER.key_id, bytes(64))
    ledger.notes[-1] = size, notes.joined(notes.parsed(note).text, [forged])
    assert not look(ledger.files(), keys=keys).ok  # the last is always looked at


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ledger.json", b""),
        ("ledger.json", b"[]"),
        ("ledger.json", b'{"format":"countersign-ledger","version":2}'),
        (
            "ledger.json",
            b'{"format":"countersign-ledger","version":1,"origin":"o","first_index":true}',
        ),
        (
            "ledger.json",
            b'{"format":"countersign-ledger","version":1,"origin":"o","first_index":1,"frontier":[]}',
        ),
        (
            "ledger.json",
            (
                b'{"format":"countersign-ledger","version":1,"origin":"o","first_index":0,'
                b'"frontier":[],"keys":["nonsense"]}'
            ),
        ),
        ("ledger.json", b"[" * 100_000),
        ("checkpoints.jsonl", b"[" * 100_000 + b"\n"),
        ("checkpoints.jsonl", b'{"note":5}\n'),
        ("entries/first.jsonl", b"{}\n"),
        ("entries/00000000000000000050.jsonl", b"{}\n"),
        ("entries/00000000000000000605.jsonl.gz", b"no gzip"),
        ("entries/00000000000000000605.jsonl", b"x" * (1 << 22)),
    ],
)
def test_a_broken_export_is_told_in_a_sentence(ledger, look, name, content):
    found = look(ledger.files() | {name: content})
    assert not found.ok and found.problems


def test_several_ledgers_of_one_export_are_verified_each(ledger, tmp_path, capsys):
    other = make.Ledger(make.signer(9, "portal.example/test")).begin().grow(5)
    files = {f"live/{name}": content for name, content in ledger.files().items()}
    files |= {f"test/{name}": content for name, content in other.files().items()}
    path = str(make.folder(files, tmp_path))
    assert main(["verify", path, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] and [found["verified"] for found in told["ledgers"]] == [605, 6]


def proof(ledger: make.Ledger, index: int) -> dict:
    def read(level: int, number: int) -> bytes:
        return merkle.root_of(ledger.leaves[number << level : (number + 1) << level])

    size, note = ledger.notes[-1]
    steps = merkle.inclusion_proof(index, size, read)
    return {
        "format": "countersign-proof",
        "version": 1,
        "entry": ledger.entries[index].decode(),
        "index": index,
        "proof": [base64.b64encode(step).decode() for step in steps],
        "checkpoint": note,
        "keys": ledger.named,
    }


def test_the_proof_of_one_record_is_verified_by_itself(ledger, tmp_path, capsys):
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(proof(ledger, 232)))
    assert main(["verify", str(path), "--key", make.signer().vkey]) == 0
    assert "verified     1 of 1 entries" in capsys.readouterr().out
    assert main(["verify", str(path)]) == 0
    assert "not whose it is" in capsys.readouterr().out
    assert main(["verify", str(path), "--key", make.signer(2).vkey]) == 1
    for wrong in (
        {"index": 231},
        {"entry": ledger.entries[231].decode()},
        {"proof": []},
        {"proof": "x"},
        {"index": "232"},
        {"keys": [make.signer(2).vkey]},
        {"format": "other"},
        {"checkpoint": "no note"},
    ):
        path.write_text(json.dumps(proof(ledger, 232) | wrong))
        assert main(["verify", str(path)]) == 1, wrong
    capsys.readouterr()


def test_a_wrong_call_is_told_apart_from_a_ledger_that_does_not_hold(tmp_path, capsys):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    for arguments in (
        [str(nothing)],
        [str(tmp_path / "absent")],
        [str(nothing), "--key", "nonsense"],
        [str(nothing), "--checkpoint", str(tmp_path / "absent")],
        [str(nothing), "--witness", make.signer().vkey],
    ):
        assert main(["verify", *arguments]) == 2
    assert "countersign verify: " in capsys.readouterr().err


def test_a_checkpoint_file_given_on_the_command_line_is_met(ledger, tmp_path, capsys):
    path = make.folder(ledger.files(), tmp_path / "export")
    kept = tmp_path / "kept"
    kept.write_text(ledger.notes[2][1])
    arguments = ["verify", str(path), "--key", make.signer().vkey, "--checkpoint", str(kept)]
    assert main(arguments) == 0
    assert "checkpoint of size 32 is a prefix" in capsys.readouterr().out
    size, root = 32, bytes(32)
    kept.write_text(checkpoints.signed(checkpoints.Checkpoint(make.ORIGIN, size, root), SIGNER))
    assert main(arguments) == 1


class InMemory:
    """A source whose files are in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def names(self) -> list[str]:
        return sorted(self._files)

    def open(self, name: str) -> io.BytesIO:
        return io.BytesIO(self._files[name])


WHOLE = make.Ledger().begin().grow(3, 300, 40)
WHOLE_FILES = WHOLE.files() | WHOLE.tiles()
SIGNED_OR_HASHED = sorted(
    name
    for name in WHOLE_FILES
    if name.startswith(("entries/", "checkpoints")) or name == "tile/0/000"
)


def notes_in(lines: bytes) -> list | None:
    """What JSON says may be written in more than one way: a space more is no other checkpoint."""
    try:
        return [json.loads(line) for line in lines.removesuffix(b"\n").split(b"\n")]
    except ValueError:
        return None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SIGNED_OR_HASHED), st.data())
def test_any_byte_that_was_changed_cut_or_put_in_is_found(name, data):
    content = WHOLE_FILES[name]
    at = data.draw(st.integers(0, len(content) - 1))
    byte = bytes([content[at] ^ data.draw(st.integers(1, 255))])
    wrong = data.draw(
        st.sampled_from(
            [
                content[:at] + byte + content[at + 1 :],
                content[:at] + content[at + 1 :],
                content[:at] + byte + content[at:],
                content[:at],
            ]
        )
    )
    assume(name != "checkpoints.jsonl" or notes_in(wrong) != notes_in(content))
    options = Options(keys=(SIGNER.verifier,))
    (good,) = exports.verify(InMemory(WHOLE_FILES), options)
    assert good.ok, good.problems
    (found,) = exports.verify(InMemory(WHOLE_FILES | {name: wrong}), options)
    assert not found.ok


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(WHOLE_FILES)), st.binary(max_size=80))
def test_no_bytes_at_all_make_it_stumble(name, content):
    for files in ({name: content}, {"ledger.json": WHOLE_FILES["ledger.json"], name: content}):
        for found in exports.verify(InMemory(WHOLE_FILES | files), Options()):
            assert isinstance(found.text(), str) and isinstance(found.members(), dict)
