"""Reads the text of a kept PDF, and draws its pages.

As in `vendors.uploads`, the parser runs in a process of its own, without the site's secrets and
with limits on time and memory. This module needs no Django, because that process runs it as a
script; PDFium does the work, as in Chromium.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys

import pypdfium2

SECONDS = 20
MEMORY_BYTES = 1536 * 1024**2
# A SOC 2 report has 40 to 250 pages; what comes after these is not read.
READ_PAGES = 400
PAGE_CHARACTERS = 20_000
# Wide enough to read small print beside a form; a page of odd measures gets no more pixels.
IMAGE_WIDTH = 1200
IMAGE_HEIGHT = 2400


class Unreadable(Exception):
    """The PDF could not be read or drawn within the limits; nothing of its content is told."""


def page_texts(content: bytes) -> list[str]:
    """The text of each page, in order, of the first READ_PAGES; empty where a page has none.

    Raises: Unreadable.
    """
    texts: list[str] = json.loads(_in_a_process(content, "text"))
    return texts


def page_image(content: bytes, number: int) -> bytes:
    """Page `number`, counted from 1, as PNG. Raises: Unreadable, also past the last page."""
    return _in_a_process(content, "image", str(number))


def _in_a_process(content: bytes, *arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - this file, by this interpreter
            [sys.executable, "-I", __file__, *arguments],
            input=content,
            capture_output=True,
            timeout=2 * SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable from None
    if done.returncode:
        raise Unreadable
    return done.stdout


def extract(content: bytes) -> list[str]:
    """The text of each page, read in this process."""
    document = pypdfium2.PdfDocument(content)
    texts = []
    for index in range(min(len(document), READ_PAGES)):
        page = document[index]
        text = page.get_textpage().get_text_bounded()[:PAGE_CHARACTERS]
        # PostgreSQL keeps no zero byte; PDFium marks a hyphen at a line's end by U+FFFE.
        texts.append(text.replace("\x00", "").replace("\ufffe", "-").replace("\r\n", "\n"))
        page.close()
    return texts


def draw(content: bytes, number: int) -> bytes:
    """A page as PNG, drawn in this process. Raises: IndexError."""
    document = pypdfium2.PdfDocument(content)
    if not 1 <= number <= len(document):
        raise IndexError(number)
    page = document[number - 1]
    width, height = page.get_size()
    scale = min(IMAGE_WIDTH / max(width, 1), IMAGE_HEIGHT / max(height, 1))
    image = page.render(scale=scale, draw_annots=False).to_pil()
    buffer = io.BytesIO()
    image.quantize(64).save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def main() -> None:
    """Read a PDF from standard input; write its texts as JSON, or a page as PNG."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    content = sys.stdin.buffer.read()
    if sys.argv[1] == "text":
        answer = json.dumps(extract(content)).encode()
    else:
        answer = draw(content, int(sys.argv[2]))
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
