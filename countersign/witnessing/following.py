"""A witness that goes and looks by itself: reads a portal's log, and cosigns what grew."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import NoReturn

from countersign import checkpoints, merkle, tiles
from countersign.witnessing.answers import Answer, Shown, Witness, body

SECONDS = 30
MAX_NOTE_BYTES = 1 << 20


class LogUnreachable(Exception):
    """The log did not answer as a log does. Quotes nothing of what it said."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token is for the address that was configured, and for no other."""

    def redirect_request(self, *_: object) -> NoReturn:
        raise LogUnreachable("the log sends elsewhere; give the address that answers")


@dataclass
class Log:
    """A log's addresses below `prefix`, such as https://portal.example/log."""

    prefix: str
    token: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no address of the web: urllib would open files too."""
        if not self.prefix.startswith(("https://", "http://")):
            raise LogUnreachable("the address of a log begins with https:// or http://")
        self.prefix = self.prefix.rstrip("/")

    def checkpoint(self) -> str:
        """The log's present checkpoint, as it is. Raises: LogUnreachable."""
        try:
            return self._sent("checkpoint", None, MAX_NOTE_BYTES).decode()
        except UnicodeDecodeError:
            raise LogUnreachable("the log's checkpoint is not UTF-8") from None

    def tile(self, tile: tiles.Tile) -> bytes:
        """A tile; the full one serves where the partial one is gone. Raises: LogUnreachable."""
        try:
            return self._sent(tile.path(), None, tiles.FULL_BYTES)
        except LogUnreachable:
            if tile.width == tiles.WIDTH:
                raise
            return self._sent(tile._replace(width=tiles.WIDTH).path(), None, tiles.FULL_BYTES)

    def post(self, content: bytes) -> None:
        """Post content to the prefix itself. Raises: LogUnreachable."""
        self._sent("", content, MAX_NOTE_BYTES)

    def _sent(self, path: str, content: bytes | None, max_bytes: int) -> bytes:
        address = f"{self.prefix}/{path}" if path else self.prefix
        request = urllib.request.Request(address, data=content)  # noqa: S310 - http or https
        request.add_header("Content-Type", "text/plain; charset=utf-8")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        opener = urllib.request.build_opener(_NoRedirects())
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                found: bytes = answer.read(max_bytes + 1)
        except urllib.error.HTTPError as error:
            error.close()
            raise LogUnreachable(f"the log answered {error.code}") from None
        except (OSError, HTTPException, ValueError):
            raise LogUnreachable("the log could not be reached") from None
        if len(found) > max_bytes:
            raise LogUnreachable("the log sent more than such an answer can be")
        return found


def look(witness: Witness, log: Log) -> tuple[str, Answer]:
    """Look at the log once, and cosign what it shows if that grew out of what was seen before.

    Returns: the checkpoint as it was shown, and the witness's answer: 200 with the cosignature,
    a new one also if the log has not grown. Raises: LogUnreachable, NoteError, MemoryLost, OSError.
    """
    note = log.checkpoint()
    checkpoint = checkpoints.opened(note, witness.logs)
    last = witness.last(checkpoint.origin)
    old = 0 if last is None else last.size
    proof = consistency(log, old, checkpoint.size) if 0 < old < checkpoint.size else []
    # A log that went back is shown to the witness as it is: the witness refuses and keeps it.
    shown = Shown(min(old, checkpoint.size), tuple(proof), note)
    return note, witness.add_checkpoint(body(shown))


def consistency(log: Log, old: int, new: int) -> list[bytes]:
    """The proof that the log grew from `old` to `new` leaves, made from its tiles.

    Raises: LogUnreachable; ValueError unless 0 < old <= new.
    """
    try:
        return merkle.consistency_proof(old, new, tiles.Reader(new, log.tile))
    except tiles.TileError:
        raise LogUnreachable("a tile of the log has not the length it must have") from None
