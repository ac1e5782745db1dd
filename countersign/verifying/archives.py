"""Checks an archive of a partition: every byte of it, from its files alone.

Entries lead to leaves, leaves to the tiles and to the root of every batch, each root to the
signature over it. Needs nothing but Python for archives of NDJSON; the entries of Parquet archives
are read by `pyarrow` where that is installed, and reported as not read where it is not.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from countersign import archives, checkpoints, ed25519, merkle, notes
from countersign.archives import Manifest
from countersign.verifying.moments import Moments

Read: TypeAlias = "Callable[[str], bytes]"
TILE = 256
MAX_LINE = 1 << 20
MAX_PROBLEMS = 20


class Checked(NamedTuple):
    """What was found: `entries` led to their leaves, `batches` to their roots, `signatures` held.

    `problems` are sentences, at most 20; none means that all agreed. `unread` says why entries'
    bytes were not read, and is empty if they were. `trusted` is whether the keys were given by who
    asked, rather than taken from the archive itself.
    """

    manifest: Manifest
    manifest_sha256: str
    files: int
    entries: int
    batches: int
    signatures: int
    trusted: bool
    unread: str
    problems: tuple[str, ...]
    first_at: str = ""
    last_at: str = ""

    @property
    def complete(self) -> bool:
        """Whether every entry, batch and file agreed."""
        return not self.problems and self.entries == self.manifest.count


class _Broken(Exception):
    """What was read so far does not let the rest be checked. The text says why."""


def verify(
    read: Read,
    verifiers: Sequence[notes.Verifier] = (),
    *,
    on_leaves: Callable[[int, bytes], None] | None = None,
) -> Checked:
    """Check the archive whose files `read(name)` gives, against keys that are trusted.

    Without `verifiers` the keys that the archive names are taken: then it shows that the archive
    agrees with itself, and who signed is for the reader to compare. `on_leaves(first, hashes)` is
    called with the leaves of each file, in order, for a caller that has them from elsewhere.

    Raises: ArchiveError if there is no readable manifest; OSError as `read`.
    """
    content = read(archives.MANIFEST)
    check = _Check(archives.parsed(content), read, verifiers, on_leaves)
    try:
        check.run()
    except _Broken as broken:
        check.problem(str(broken))
    return Checked(
        manifest=check.manifest,
        manifest_sha256=sha256(content).hexdigest(),
        files=check.files,
        entries=check.entries,
        batches=check.batches,
        signatures=check.signatures,
        trusted=bool(verifiers),
        unread=check.unread,
        problems=tuple(check.problems),
        first_at=check.moments.first.decode(),
        last_at=check.moments.last.decode(),
    )


class _Check:
    def __init__(
        self,
        manifest: Manifest,
        read: Read,
        verifiers: Sequence[notes.Verifier],
        on_leaves: Callable[[int, bytes], None] | None,
    ) -> None:
        self.manifest = manifest
        self.read = read
        self.on_leaves = on_leaves
        self.known = {file.name: file for file in manifest.files}
        self.files = self.entries = self.batches = self.signatures = 0
        self.problems: list[str] = []
        self.unread = ""
        self.moments = Moments(self.problem)
        self.given = verifiers
        self.keys: list[notes.Verifier] = []

    def problem(self, sentence: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence)

    def run(self) -> None:
        self.take_keys()
        tiles = self.take_tiles()
        self.take_entries(tiles)
        self.take_batches(tiles)
        for name in sorted(self.known):
            self.content(name)

    def content(self, name: str) -> bytes:
        """The bytes of a file, compared with the manifest; each file is taken once."""
        file = self.known.pop(name, None)
        if file is None:
            raise _Broken(f"The manifest names no file {name}.")
        try:
            content = self.read(name)
        except FileNotFoundError:
            raise _Broken(f"The file {name} is missing.") from None
        if len(content) != file.size or sha256(content).hexdigest() != file.sha256:
            self.problem(f"The file {name} is not the one that the manifest names.")
        else:
            self.files += 1
        return content

    def take_keys(self) -> None:
        try:
            self.keys = [notes.Verifier.from_vkey(key) for key in self.manifest.keys]
            trusted = self.given or self.keys
            checkpoint = checkpoints.opened(self.manifest.checkpoint, trusted)
        except notes.NoteError as error:
            raise _Broken(f"The signed checkpoint does not hold: {error}.") from None
        for key in self.keys:
            if self.given and key not in self.given:
                self.problem(f"A key that signed is not among the trusted ones: {key.vkey}.")
        if checkpoint != (
            self.manifest.origin,
            self.manifest.end_index,
            self.manifest.root,
            (),
        ):
            self.problem("The signed checkpoint is not that of the manifest's size and root.")

    def take_tiles(self) -> bytes:
        """The hashes of the leaves by the tiles; each level is checked against the one below."""
        below = lowest = b""
        for level, file in enumerate(self.manifest.named(archives.TILES)):
            hashes = self.content(file.name)
            if level == 0:
                lowest = hashes
                if len(hashes) != self.manifest.count * merkle.HASH_SIZE:
                    raise _Broken("The lowest tiles do not hold a hash for each entry.")
            elif hashes != above(below)[: len(hashes)]:
                self.problem(f"The tiles of level {level} do not follow from those below.")
            below = hashes
        if not lowest:
            raise _Broken("The archive has no tiles.")
        return lowest

    def take_entries(self, tiles: bytes) -> None:
        at = 0
        for file in self.manifest.named(archives.ENTRIES):
            content = self.content(file.name)
            first = self.manifest.first_index + at
            try:
                leaves, count = self.leaves(file.name, content, first)
            except ImportError:
                self.unread = "The entries are in Parquet files, and pyarrow is not installed."
                continue
            except (OSError, EOFError, ValueError, zlib.error):
                self.problem(f"The file {file.name} cannot be read as what it is.")
                continue
            kept = tiles[at * merkle.HASH_SIZE : (at + count) * merkle.HASH_SIZE]
            self.compare(leaves, kept, first)
            if self.on_leaves:
                self.on_leaves(first, leaves)
            at += count
        if at != self.manifest.count and not self.unread:
            self.problem(f"There are {at} entries, and {self.manifest.count} in the manifest.")

    def leaves(self, name: str, content: bytes, first: int) -> tuple[bytes, int]:
        lines = list(entries_of(name, content))
        if lines:
            self.moments.read(first, lines, b"\n".join(lines))
        return b"".join([sha256(b"\x00" + line).digest() for line in lines]), len(lines)

    def compare(self, leaves: bytes, kept: bytes, first: int) -> None:
        if leaves == kept:
            self.entries += len(leaves) // merkle.HASH_SIZE
            return
        for at in range(0, len(leaves), merkle.HASH_SIZE):
            if leaves[at : at + merkle.HASH_SIZE] == kept[at : at + merkle.HASH_SIZE]:
                self.entries += 1
            else:
                index = first + at // merkle.HASH_SIZE
                self.problem(f"Entry {index} does not lead to its leaf in the tiles.")

    def take_batches(self, tiles: bytes) -> None:
        """The root at each batch's end from the leaves, and its signature.

        Without `cryptography` a signature takes milliseconds: then the last alone is checked. It
        covers all the others' roots.
        """
        frontier, at, first = self.manifest.before, 0, self.manifest.first_index
        for batch in self.batches_of(self.content(archives.CHECKPOINTS)):
            begins, size = batch.first_index, batch.size
            if begins != frontier.size or not begins < size <= self.manifest.end_index:
                raise _Broken(f"A batch does not follow the one before, at {frontier.size}.")
            end = (size - first) * merkle.HASH_SIZE
            frontier = frontier.extended(
                [tiles[i : i + merkle.HASH_SIZE] for i in range(at, end, merkle.HASH_SIZE)]
            )
            at = end
            self.take_batch(batch, frontier.root())
        if frontier.size != self.manifest.end_index or frontier.root() != self.manifest.root:
            self.problem("The leaves do not lead to the root of the manifest.")

    def take_batch(self, batch: _Batch, root: bytes) -> None:
        size = batch.size
        if batch.root != root.hex():
            self.problem(f"The root at size {size} does not follow from the leaves.")
            return
        self.batches += 1
        if not ed25519.HAS_CRYPTOGRAPHY and size != self.manifest.end_index:
            return
        text = checkpoints.Checkpoint(self.manifest.origin, size, root).text()
        try:
            key = self.keys[batch.key]
            signature = base64.b64decode(batch.signature, validate=True)
        except (IndexError, ValueError, binascii.Error):
            self.problem(f"The checkpoint at size {size} names no key or has no signature.")
            return
        if key.verify(text, signature):
            self.signatures += 1
        else:
            self.problem(f"The signature of the checkpoint at size {size} is not good.")

    def batches_of(self, content: bytes) -> Iterator[_Batch]:
        try:
            for line in lines_of(content):
                yield _batch(json.loads(line))
        except (OSError, EOFError, ValueError, RecursionError, zlib.error):
            raise _Broken("The checkpoints cannot be read as what they are.") from None


class _Batch(NamedTuple):
    """What the archive says of a batch; `key` counts in the manifest's keys."""

    first_index: int
    size: int
    root: str
    signature: str
    key: int


def _batch(found: object) -> _Batch:
    """Raises: _Broken unless every member is there and of its type."""
    members = found if isinstance(found, dict) else {}
    numbers = [members.get(name) for name in ("first_index", "size", "key")]
    texts = [members.get(name) for name in ("root", "signature")]
    if not all(type(number) is int and number >= 0 for number in numbers) or not all(
        isinstance(text, str) for text in texts
    ):
        raise _Broken("A checkpoint of the archive has not the members it must have.")
    return _Batch(**{name: members[name] for name in _Batch._fields})


def above(hashes: bytes) -> bytes:
    """The hashes of the full tiles of these hashes: those of the level of tiles above."""
    width = TILE * merkle.HASH_SIZE
    return b"".join(
        merkle.root_of(
            [hashes[i : i + merkle.HASH_SIZE] for i in range(at, at + width, merkle.HASH_SIZE)]
        )
        for at in range(0, len(hashes) // width * width, width)
    )


def entries_of(name: str, content: bytes) -> Iterator[bytes]:
    """The entries of a file of the archive in their order.

    Raises: ImportError for Parquet without `pyarrow`; OSError, EOFError, ValueError or zlib.error
    for what is not such a file.
    """
    if not name.endswith(archives.ENDINGS["parquet"]):
        yield from lines_of(content)
        return
    # Only archives in Parquet need it, and only here.
    import pyarrow.parquet  # noqa: PLC0415

    with pyarrow.parquet.ParquetFile(io.BytesIO(content)) as file:
        for rows in file.iter_batches(columns=["entry"]):
            yield from rows.column(0).to_pylist()


def lines_of(content: bytes) -> Iterator[bytes]:
    """The lines of gzipped text, without their newlines; a longer one than an entry is refused."""
    with gzip.open(io.BytesIO(content)) as lines:
        while line := lines.readline(MAX_LINE):
            if not line.endswith(b"\n"):
                raise ValueError("a line is too long, or has no end")
            yield line[:-1]
