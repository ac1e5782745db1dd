"""Verifies an evidence pack: every file, every record in it, and the checkpoint they rest on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from countersign import checkpoints, cosignatures, merkle, notes, spans
from countersign.verifying import sources
from countersign.verifying.chain import Options
from countersign.verifying.populations import LEDGERED, Matching, rows
from countersign.verifying.report import Report

MANIFEST = "manifest-sha256.txt"
TAGS = "tagmanifest-sha256.txt"
PROOFS = "data/log-proofs/"
POPULATIONS = "data/populations/"


def is_pack(source: sources.Source) -> bool:
    """Whether the folder or zip holds an evidence pack."""
    return _top(source) is not None


def _top(source: sources.Source) -> str | None:
    """The pack's own folder, with a slash at its end, or nothing where the source is the folder."""
    tops = [name[: -len("bagit.txt")] for name in source.names() if name.endswith("bagit.txt")]
    return tops[0] if len(tops) == 1 and tops[0].count("/") <= 1 else None


class _Inside:
    """The pack's folder as a source of its own."""

    def __init__(self, source: sources.Source, top: str) -> None:
        self._source = source
        self._top = top

    def names(self) -> list[str]:
        top = self._top
        return [name[len(top) :] for name in self._source.names() if name.startswith(top)]

    def outside(self) -> list[str]:
        """Names that are in no pack."""
        return [name for name in self._source.names() if not name.startswith(self._top)]

    def open(self, name: str) -> BinaryIO:
        return self._source.open(self._top + name)


def verify(source: sources.Source, options: Options) -> list[Report]:
    """One report for each ledger whose records are in the pack. Raises: SourceError."""
    top = _top(source)
    if top is None:
        raise sources.SourceError("this is no evidence pack")
    inside = _Inside(source, top)
    files = Report()
    try:
        _check_files(inside, files)
        _check_others(inside, files)
    except sources.SourceError as error:
        files.problem(f"A file of the pack cannot be read: {error}.")
    folders = sorted({name.split("/")[2] for name in inside.names() if name.startswith(PROOFS)})
    reports = [_verify_ledger(inside, f"{PROOFS}{folder}/", options) for folder in folders]
    if not reports:
        files.remark("The pack holds no records of a ledger, and no proofs.")
        return [files]
    if len(reports) > 1:
        files.problem("The pack holds proofs of more than one ledger.")
    reports[0].problems[:0] = files.problems
    reports[0].remarks[:0] = files.remarks
    return reports


def _check_files(inside: _Inside, report: Report) -> None:
    """Every file against its manifest, and every manifest's file against what is there."""
    for name in inside.outside():
        report.problem(f"{name} lies beside the pack.")
    listed = _manifest(inside, MANIFEST, report)
    tags = _manifest(inside, TAGS, report)
    there = set(inside.names())
    for name in sorted(there - set(listed) - set(tags) - {TAGS}):
        report.problem(f"{name} is in no manifest.")
    for name, digest in sorted({**listed, **tags}.items()):
        if name not in there:
            report.problem(f"{name} is not there.")
        elif _digest(inside, name) != digest:
            report.problem(f"{name} is not what the manifest says.")
    total = len(listed) + len(tags)
    report.remark(f"{total} files are as the manifests say. Nobody signed the manifests.")


def _manifest(inside: _Inside, name: str, report: Report) -> dict[str, str]:
    found: dict[str, str] = {}
    text = sources.content(inside, name).decode("utf-8", errors="replace")
    for line in text.splitlines():
        digest, gap, path = line.partition("  ")
        if not gap or len(digest) != 64 or path in found:
            report.problem(f"{name} has a line that is none of a manifest.")
        else:
            found[path] = digest
    return found


def _digest(inside: _Inside, name: str) -> str:
    sha256 = hashlib.sha256()
    with inside.open(name) as file:
        try:
            while chunk := file.read(sources.CHUNK_BYTES):
                sha256.update(chunk)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError):
            return ""
    return sha256.hexdigest()


def _check_others(inside: _Inside, report: Report) -> None:
    """The populations that are no entries: the same in both of their forms."""
    for name in inside.names():
        stem = name[len(POPULATIONS) : -len(".jsonl")]
        if name.startswith(POPULATIONS) and name.endswith(".jsonl") and stem not in LEDGERED:
            for _ in rows(inside, f"{POPULATIONS}{stem}", report):
                pass


def _verify_ledger(inside: _Inside, folder: str, options: Options) -> Report:
    report = Report()
    try:
        note = sources.content(inside, f"{folder}checkpoint").decode("utf-8")
        checkpoint = _opened(inside, folder, note, options, report)
        _check_kept(note, checkpoint, options, report)
        _check_earlier(inside, folder, checkpoint, options, report)
        _check_entries(inside, folder, checkpoint, report)
    except (merkle.ProofError, notes.NoteError) as error:
        report.problem(f"The proof of the records does not hold: {error}.")
    except UnicodeDecodeError:
        report.problem("A file of the proofs is no text in UTF-8.")
    except sources.SourceError as error:
        report.problem(f"A file of the pack cannot be read: {error}.")
    return report


def _opened(
    inside: _Inside, folder: str, note: str, options: Options, report: Report
) -> checkpoints.Checkpoint:
    """The pack's checkpoint, signed by a key that was given or that the pack names."""
    origin = checkpoints.parsed(notes.parsed(note).text).origin
    report.origin = origin
    keys = [key for key in options.keys if key.name == origin]
    if not keys:
        named = sources.content(inside, f"{folder}keys.txt").decode("utf-8").splitlines()
        keys = [notes.Verifier.from_vkey(line) for line in named]
        report.remark(
            "No key was given, so the pack's own was taken: this shows that the pack fits its "
            "checkpoint, not whose it is. Give the key that you were told (--key)."
        )
    checkpoint = checkpoints.opened(note, keys)
    report.checkpoint = checkpoint
    report.signatures = report.checkpoints = 1
    for witness in options.witnesses:
        seen = cosignatures.opened(note, [witness])
        if seen:
            report.cosignatures.append((checkpoint.size, seen[0]))
        else:
            report.problem(f"The witness {witness.name} did not sign the pack's checkpoint.")
    return checkpoint


def _check_kept(
    note: str, checkpoint: checkpoints.Checkpoint, options: Options, report: Report
) -> None:
    """A kept checkpoint of the very size; others are looked for among the earlier ones."""
    for kept in options.kept:
        known = checkpoints.parsed(notes.parsed(kept).text)
        if known.origin == checkpoint.origin and known.size == checkpoint.size:
            if known.root != checkpoint.root:
                report.problem(f"The kept checkpoint of size {known.size:,} has another root.")
            else:
                report.kept.append(known.size)


def _check_earlier(
    inside: _Inside,
    folder: str,
    checkpoint: checkpoints.Checkpoint,
    options: Options,
    report: Report,
) -> None:
    """Every earlier checkpoint in the pack is the beginning of this one; so are those kept."""
    known: dict[int, bytes] = {checkpoint.size: checkpoint.root}
    for line in _lines(inside, f"{folder}earlier.jsonl"):
        note, proof = _earlier(line)
        earlier = checkpoints.parsed(notes.parsed(note).text)
        if earlier.origin != checkpoint.origin:
            raise merkle.ProofError("an earlier checkpoint is of another ledger")
        merkle.verify_consistency(
            earlier.size, checkpoint.size, proof, earlier.root, checkpoint.root
        )
        known[earlier.size] = earlier.root
        report.checkpoints += 1
    for note in options.kept:
        kept = checkpoints.parsed(notes.parsed(note).text)
        if kept.origin != checkpoint.origin or kept.size == checkpoint.size:
            continue
        if kept.size not in known:
            report.problem(
                f"The pack has no proof for the kept checkpoint of size {kept.size:,}: ask for a "
                "consistency proof to the pack's checkpoint."
            )
        elif known[kept.size] != kept.root:
            report.problem(f"The kept checkpoint of size {kept.size:,} has another root.")
        else:
            report.kept.append(kept.size)


def _earlier(line: bytes) -> tuple[str, Sequence[bytes]]:
    try:
        found = json.loads(line)
        note, proof = found["note"], found["proof"]
        return str(note), [base64.b64decode(str(step), validate=True) for step in proof]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise merkle.ProofError("an earlier checkpoint has not the form it must have") from None


def _lines(inside: _Inside, name: str) -> Iterator[bytes]:
    for piece in sources.chunks(inside, name):
        yield from piece.split(b"\n")


def _check_entries(
    inside: _Inside, folder: str, checkpoint: checkpoints.Checkpoint, report: Report
) -> None:
    """Walk over the tree with the entries, and hold each against its row."""
    steps = (spans.read(line + b"\n") for line in _lines(inside, f"{folder}spans.jsonl"))
    proof = spans.Proof(steps, size=checkpoint.size, root=checkpoint.root)
    matching = Matching(inside, POPULATIONS, report)
    last = b""
    first_index = last_index = None
    for index, entry in proof.entries(_lines(inside, f"{folder}entries.ndjson")):
        if first_index is None:
            first_index, report.first_received_at = index, _received(entry)
        last_index, last = index, entry
        matching.take(index, entry)
    # Nothing was proven before the root was met, which is at the end.
    report.first_index, report.last_index = first_index, last_index
    report.last_received_at = _received(last) if last else ""
    report.expected = proof.count + matching.finish()
    report.verified = matching.matched
    _say_hidden(proof.count, checkpoint, report)


def _say_hidden(shown: int, checkpoint: checkpoints.Checkpoint, report: Report) -> None:
    hidden = checkpoint.size - shown
    if hidden:
        report.remark(
            f"{hidden:,} of the ledger's {checkpoint.size:,} entries are not in this pack, but "
            "for hashes: other periods, other integrations, other kinds."
        )


def _received(entry: bytes) -> str:
    try:
        return str(json.loads(entry).get("received_at", ""))
    except (ValueError, AttributeError, RecursionError):
        return ""
