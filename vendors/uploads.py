"""Looks inside an uploaded PDF before it is kept.

The parsing runs in a process of its own, without the site's secrets and with limits on time and
memory: a file made to hurt a parser hurts that process alone. This module needs no Django, because
that process runs it as a script.
"""

from __future__ import annotations

import hashlib
import io
import json
import resource
import subprocess
import sys
from dataclasses import dataclass

import pikepdf

MAGIC = b"%PDF-"
SECONDS = 20
MEMORY_BYTES = 1024**3
OBJECTS = 1_000_000

# Actions that run something, send something or open something outside the page (ISO 32000-2,
# 12.6.4), and the places where programs and files are kept.
ACTIONS = {
    "/JavaScript",
    "/Launch",
    "/SubmitForm",
    "/ImportData",
    "/GoToE",
    "/Rendition",
    "/RichMediaExecute",
}
KEYS = {"/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent"}

MESSAGES = {
    "size": "The file is larger than is allowed.",
    "kind": "This is not a PDF file.",
    "broken": "The PDF cannot be read. Print it to a new PDF and upload that.",
    "encrypted": "The PDF is encrypted. Upload a copy without a password.",
    "active": (
        "The PDF carries a program, an action or an attached file. "
        "Print it to a new PDF and upload that."
    ),
    "complex": "The PDF has too many parts to be checked.",
    "empty": "The PDF has no page.",
}


class UploadRefused(Exception):
    """The file is not kept. `code` is one of MESSAGES; nothing of the content is quoted."""

    def __init__(self, code: str) -> None:
        super().__init__(MESSAGES[code])
        self.code = code
        self.message = MESSAGES[code]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a file that was let in; `sha256` in hex."""

    size_bytes: int
    sha256: str
    page_count: int


def inspect_pdf(content: bytes, *, max_bytes: int) -> Inspection:
    """Check a PDF from the outside in: size, kind, encryption, then every object it reaches.

    Raises: UploadRefused.
    """
    if len(content) > max_bytes:
        raise UploadRefused("size")
    if not content.startswith(MAGIC):
        raise UploadRefused("kind")
    try:
        done = subprocess.run(  # noqa: S603 - this file, by this interpreter
            [sys.executable, "-I", __file__],
            input=content,
            capture_output=True,
            timeout=3 * SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UploadRefused("complex") from None
    if done.returncode:
        raise UploadRefused("broken")
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise UploadRefused(answer["refused"])
    return Inspection(len(content), hashlib.sha256(content).hexdigest(), answer["pages"])


def examine(content: bytes) -> int:
    """The number of pages of a PDF that only shows pages. Raises: UploadRefused."""
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if pdf.is_encrypted:
                raise UploadRefused("encrypted")
            _walk(pdf)
            pages = len(pdf.pages)
    except pikepdf.PasswordError:
        raise UploadRefused("encrypted") from None
    except (pikepdf.PdfError, RecursionError, MemoryError, ValueError):
        raise UploadRefused("broken") from None
    if not pages:
        raise UploadRefused("empty")
    return pages


def _walk(pdf: pikepdf.Pdf) -> None:
    """Every object that the trailer reaches, each once, without recursion.

    A flat look at the page and catalogue dictionaries misses an action that sits inside another.
    """
    waiting: list[pikepdf.Object] = [pdf.trailer]
    seen: set[tuple[int, int]] = set()
    count = 0
    while waiting:
        thing = waiting.pop()
        count += 1
        if count > OBJECTS:
            raise UploadRefused("complex")
        if thing.is_indirect:
            if thing.objgen in seen:
                continue
            seen.add(thing.objgen)
        waiting += _inside(thing)


def _inside(thing: pikepdf.Object) -> list[pikepdf.Object]:
    """What a dictionary, stream or array holds. Raises: UploadRefused if it acts."""
    if isinstance(thing, pikepdf.Stream | pikepdf.Dictionary):
        entries = dict(thing.items())
        kind = entries.get("/S")
        acts = isinstance(kind, pikepdf.Name) and str(kind) in ACTIONS
        if acts or KEYS & set(entries) or _opens(entries.get("/OpenAction")):
            raise UploadRefused("active")
        return _containers(list(entries.values()))
    if isinstance(thing, pikepdf.Array):
        return _containers(list(thing))
    return []


def _containers(values: list[object]) -> list[pikepdf.Object]:
    return [v for v in values if isinstance(v, pikepdf.Stream | pikepdf.Dictionary | pikepdf.Array)]


def _opens(action: object) -> bool:
    """Whether a document does more when it is opened than go to one of its pages."""
    return isinstance(action, pikepdf.Dictionary) and action.get("/S") != pikepdf.Name.GoTo


def main() -> None:
    """Read a PDF from standard input; write its pages or the reason to refuse it, as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        answer: dict[str, str | int] = {"pages": examine(sys.stdin.buffer.read())}
    except UploadRefused as refused:
        answer = {"refused": refused.code}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
