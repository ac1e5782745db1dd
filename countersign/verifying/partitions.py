"""Verifies archived partitions, and holds kept checkpoints and witnesses' words against them."""

from __future__ import annotations

from countersign import archives, checkpoints, merkle, notes
from countersign.verifying import archives as checking
from countersign.verifying import sources
from countersign.verifying.chain import Options
from countersign.verifying.report import Report

_KIND = b'"kind":"archive"'


def folders(source: sources.Source) -> list[str]:
    """Where archives lie in the source: each folder with a manifest of that kind."""
    return [
        name.removesuffix(archives.MANIFEST)
        for name in source.names()
        if name == archives.MANIFEST or name.endswith("/" + archives.MANIFEST)
        if _KIND in sources.content(source, name)
    ]


def verify(source: sources.Source, options: Options) -> list[Report]:
    """Verify every archive of the source, each by itself."""
    return [_verify(source, folder, options) for folder in folders(source)]


def _verify(source: sources.Source, folder: str, options: Options) -> Report:
    report = Report()

    def read(name: str) -> bytes:
        try:
            return sources.content(source, folder + name, max_bytes=1 << 32)
        except sources.SourceError:
            raise FileNotFoundError(name) from None

    try:
        manifest = archives.parsed(read(archives.MANIFEST))
        kept = _Kept(manifest, options, report)
        known = [key for key in options.keys if key.name == manifest.origin]
        checked = checking.verify(read, known, on_leaves=kept.leaves)
    except (archives.ArchiveError, OSError) as error:
        report.problem(f"Reading stopped: {error}.")
        return report
    report.origin = manifest.origin
    report.expected, report.verified = manifest.count, checked.entries
    report.first_index, report.last_index = manifest.first_index, manifest.end_index - 1
    report.checkpoints, report.signatures = checked.batches, checked.signatures
    report.signatures_left = checked.batches - checked.signatures
    report.first_received_at, report.last_received_at = checked.first_at, checked.last_at
    for sentence in checked.problems:
        report.problem(sentence)
    if checked.unread:
        report.problem(checked.unread)
    if not known:
        report.remark(
            "No key was given, so the archive's own was taken: this shows that the archive is "
            "consistent, not whose it is. Give the keys that you were told (--key)."
        )
    if not checked.problems:
        report.checkpoint = checkpoints.parsed(notes.parsed(manifest.checkpoint).text)
        report.take_cosignatures(manifest.checkpoint, options.witnesses)
    kept.judge()
    return report


class _Kept:
    """Holds kept checkpoints against the leaves of one archive as they are read."""

    def __init__(self, manifest: archives.Manifest, options: Options, report: Report) -> None:
        self._options = options
        self._report = report
        self._tree = manifest.before
        self._stops: list[tuple[checkpoints.Checkpoint, str]] = []
        for note in options.kept:
            self._take(note, manifest)
        self._stops.sort()

    def _take(self, note: str, manifest: archives.Manifest) -> None:
        try:
            checkpoint = checkpoints.parsed(notes.parsed(note).text)
        except notes.NoteError as error:
            self._report.problem(f"A kept checkpoint cannot be read: {error}.")
            return
        # Whether it lies in another archive of the ledger is for whoever reads them all.
        inside = manifest.first_index <= checkpoint.size <= manifest.end_index
        if checkpoint.origin == manifest.origin and inside:
            self._stops.append((checkpoint, note))

    def leaves(self, first: int, packed: bytes) -> None:
        """Take the next leaves; behind some that could not be read nothing is met any more."""
        if first != self._tree.size:
            return
        size = merkle.HASH_SIZE
        leaves = [packed[at : at + size] for at in range(0, len(packed), size)]
        done = 0
        while self._stops and self._stops[0][0].size <= first + len(leaves):
            until = self._stops[0][0].size - first
            self._tree = self._tree.extended(leaves[done:until])
            done = until
            self._meet(*self._stops.pop(0))
        self._tree = self._tree.extended(leaves[done:])

    def _meet(self, checkpoint: checkpoints.Checkpoint, note: str) -> None:
        if self._tree.root() != checkpoint.root:
            self._report.problem(
                f"The kept checkpoint of size {checkpoint.size:,} has another root: "
                "what it covers was changed."
            )
            return
        self._report.kept.append(checkpoint.size)
        self._report.take_cosignatures(note, self._options.witnesses)

    def judge(self) -> None:
        """Name the kept checkpoints that were not met."""
        for checkpoint, _ in self._stops:
            self._report.problem(
                f"The kept checkpoint of size {checkpoint.size:,} could not be reached."
            )
