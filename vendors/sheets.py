"""Reads a table that somebody uploaded: CSV as it comes from spreadsheets, or XLSX by its values.

A workbook is read in a process of its own, without the site's secrets and with limits on time and
memory, after every part of it was unpacked once to see how large it really is. This module needs no
Django, because that process runs it as a script.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import resource
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 100
MAX_CELL = 20_000
MAX_UNPACKED = 200 * 1024 * 1024
MAX_PARTS = 2_000
SECONDS = 30
MEMORY_BYTES = 2 * 1024**3
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
# What a spreadsheet may take for the begin of a formula, full-width forms included; exports put an
# apostrophe before it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")

MESSAGES = {
    "size": "The file is larger than 10 MB. Split it.",
    "empty": "The file has no line below its headings.",
    "headings": "The first line must hold the headings, and no heading twice.",
    "rows": "The file has more than 20,000 lines. Split it.",
    "columns": "The file has more than 100 columns.",
    "cell": "A cell holds more than 20,000 characters.",
    "encoding": "The file is neither UTF-8 nor Windows-1252. Save it as CSV UTF-8.",
    "zeros": "The file holds bytes that no text has. Upload CSV or XLSX.",
    "quotes": "The quotation marks of the file do not pair up, so its lines cannot be told apart.",
    "kind": "This is neither a CSV nor an XLSX file.",
    "unpacked": "The workbook unpacks to more than is allowed.",
    "broken": "The workbook cannot be read. Save it again, or as CSV UTF-8.",
    "complex": "The workbook takes too long to read. Save the sheet as CSV UTF-8.",
    "sheet": "The workbook has no such sheet.",
}


class TableRefused(Exception):
    """The file is not read. `code` is one of MESSAGES; nothing of the content is quoted."""

    def __init__(self, code: str) -> None:
        super().__init__(MESSAGES[code])
        self.code = code
        self.message = MESSAGES[code]


@dataclass(frozen=True, slots=True)
class Row:
    """A line below the headings; `number` is where it begins in the file, from 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A file as text. `read_as` says in words how it was read; `sheets` are those to choose of."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    read_as: str
    sheets: tuple[str, ...] = ()
    sheet: str = ""


def is_workbook(content: bytes) -> bool:
    """Whether the file is a zip archive, as every XLSX file is."""
    return content.startswith(b"PK\x03\x04")


def read_table(content: bytes, *, sheet: str = "") -> Table:
    """The table in an uploaded file; of a workbook the sheet of this name, or its first.

    Raises: TableRefused.
    """
    if len(content) > MAX_BYTES:
        raise TableRefused("size")
    if is_workbook(content):
        return _workbook(content, sheet)
    return _csv(content)


def plain_cell(cell: str) -> str:
    """A cell without blanks around it, and without the apostrophe of exports before formulas."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text


def _csv(content: bytes) -> Table:
    text, encoding = _decoded(content)
    if "\x00" in text:
        raise TableRefused("zeros")
    delimiter = _delimiter(text)
    read_as = f"CSV in {encoding}, cells divided by {DELIMITERS[delimiter]}"
    return _table(_csv_lines(text, delimiter), read_as)


def _csv_lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error:
        raise TableRefused("quotes") from None


def _decoded(content: bytes) -> tuple[str, str]:
    """The text, and what it was encoded in."""
    if content.startswith(b"\xef\xbb\xbf"):
        tries = [("utf-8-sig", "UTF-8")]
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        tries = [("utf-16", "UTF-16")]
    else:
        tries = [
            ("utf-8", "UTF-8"),
            ("cp1252", "Windows-1252, since it is not valid UTF-8: check the accents below"),
        ]
    for codec, words in tries:
        try:
            return content.decode(codec), words
        except UnicodeDecodeError:
            continue
    raise TableRefused("encoding")


def _delimiter(text: str) -> str:
    """The delimiter that the first line has most of, outside quotation marks."""
    first = text.lstrip("\r\n").partition("\n")[0]
    outside = "".join(first.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _table(lines: Iterator[tuple[int, list[str]]], read_as: str) -> Table:
    headings: tuple[str, ...] = ()
    rows: list[Row] = []
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > MAX_COLUMNS and any(cell.strip() for cell in cells[MAX_COLUMNS:]):
            raise TableRefused("columns")
        if any(len(cell) > MAX_CELL for cell in cells):
            raise TableRefused("cell")
        if not headings:
            headings = _headings(cells)
            continue
        if len(rows) == MAX_ROWS:
            raise TableRefused("rows")
        rows.append(Row(number, tuple(plain_cell(cell) for cell in cells[:MAX_COLUMNS])))
    if not rows:
        raise TableRefused("empty")
    return Table(headings, tuple(rows), read_as)


def _headings(cells: list[str]) -> tuple[str, ...]:
    found = [" ".join(cell.split())[:120] for cell in cells]
    while found and not found[-1]:
        found.pop()
    named = [name.casefold() for name in found if name]
    if not named or len(set(named)) < len(named):
        raise TableRefused("headings")
    return tuple(found)


def _workbook(content: bytes, sheet: str) -> Table:
    _check_parts(content)
    try:
        done = subprocess.run(  # noqa: S603 - this file, by this interpreter
            [sys.executable, "-I", __file__, sheet],
            input=content,
            capture_output=True,
            timeout=3 * SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TableRefused("complex") from None
    if done.returncode:
        raise TableRefused("broken")
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise TableRefused(answer["refused"])
    found = _table(((number, cells) for number, cells in answer["lines"]), "XLSX, values only")
    return Table(
        found.headings,
        found.rows,
        f"XLSX, the values of one sheet of {len(answer['sheets'])}",
        tuple(answer["sheets"]),
        answer["sheet"],
    )


def _check_parts(content: bytes) -> None:
    """Unpack every part once and count: what an archive says of its own size need not be true."""
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise TableRefused("complex")
            if "xl/workbook.xml" not in archive.namelist():
                raise TableRefused("kind")
            for part in parts:
                with archive.open(part) as stream:
                    while chunk := stream.read(1 << 20):
                        left -= len(chunk)
                        if left < 0:
                            raise TableRefused("unpacked")
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError):
        raise TableRefused("broken") from None


def _as_text(value: object) -> str:
    """A value of a sheet as it would stand in a CSV file: days in ISO 8601, whole numbers whole."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def examine(content: bytes, sheet: str) -> dict[str, object]:
    """The filled lines of a sheet, each with its number. Raises: TableRefused."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        name = sheet or next(iter(book.sheet_names), "")
        read = book.get_sheet_by_name(name)
    except WorksheetNotFound:
        raise TableRefused("sheet") from None
    except (CalamineError, ValueError, OSError):
        raise TableRefused("broken") from None
    if read.width > MAX_COLUMNS * 10:
        raise TableRefused("columns")
    first = read.start[0] if read.start else 0
    lines: list[tuple[int, list[str]]] = []
    for offset, cells in enumerate(read.to_python(skip_empty_area=True)):
        if all(cell == "" for cell in cells):
            continue
        lines.append((first + offset + 1, [_as_text(cell) for cell in cells]))
        if len(lines) > MAX_ROWS + 1:
            raise TableRefused("rows")
    return {"sheets": book.sheet_names, "sheet": name, "lines": lines}


def main() -> None:
    """Read a workbook from standard input; write its lines or the reason to refuse it, as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        answer = examine(sys.stdin.buffer.read(), sys.argv[1])
    except TableRefused as refused:
        answer = {"refused": refused.code}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
