"""Writes an export of a ledger: what `python -m countersign verify` reads (docs/ledger.md)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from countersign.merkle import Frontier
from countersign.tiles import Tile

FORMAT = "countersign-ledger"
VERSION = 1
DESCRIPTION = "ledger.json"
ENTRIES_A_FILE = 65_536


class Export:
    """A folder that is filled batch by batch; use it as a context.

    What is written is only whole after the context ended: `ledger.json` comes last, so that an
    export that broke off is none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        origin: str,
        keys: Sequence[str],
        start: Frontier,
        compressed: bool = False,
    ) -> None:
        """`keys` are in text form, oldest first. Raises: FileExistsError if the folder is there."""
        folder.mkdir(parents=True)
        (folder / "entries").mkdir()
        self._folder = folder
        self._compressed = compressed
        self._described = {
            "format": FORMAT,
            "version": VERSION,
            "origin": origin,
            "first_index": start.size,
            "frontier": [above.hex() for above in start.hashes],
            "keys": list(keys),
        }
        self._checkpoints = self._opened("checkpoints.jsonl")
        self._entries: BinaryIO | None = None
        self._room = 0
        self.size = start.size
        self.count = 0

    def __enter__(self) -> Export:
        """Begin."""
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        """End every file; describe the export unless it broke off."""
        self._checkpoints.close()
        if self._entries is not None:
            self._entries.close()
        if failure is None:
            content = json.dumps(self._described, indent=2) + "\n"
            (self._folder / DESCRIPTION).write_text(content, encoding="utf-8")

    def _opened(self, name: str) -> BinaryIO:
        if self._compressed:
            # No time inside: the same entries give the same bytes.
            path = self._folder / f"{name}.gz"
            return cast("BinaryIO", gzip.GzipFile(path, "wb", compresslevel=6, mtime=0))
        return (self._folder / name).open("wb")

    def batch(self, first: int, size: int, entries: bytes, note: str) -> None:
        """Add the entries from index `first` to before `size`, and the checkpoint over all so far.

        `entries` are lines without a newline at the end. A batch may begin behind a gap.
        """
        if first != self.size or self._room <= 0 or self._entries is None:
            if self._entries is not None:
                self._entries.close()
            self._entries = self._opened(f"entries/{first:020}.jsonl")
            self._room = ENTRIES_A_FILE
        self._entries.write(entries + b"\n")
        self._checkpoints.write(json.dumps({"note": note}, ensure_ascii=False).encode() + b"\n")
        self._room -= size - first
        self.size = size
        self.count += size - first

    def tile(self, tile: Tile, content: bytes) -> None:
        """Add a tile."""
        path = self._folder / tile.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
