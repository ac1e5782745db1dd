"""Tables as files: CSV and XLSX that open safely in a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import xlsxwriter
from django.http import FileResponse, StreamingHttpResponse

from vendors.sheets import FORMULA

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

Cell = str | int | float | Decimal | bool | dt.date | dt.datetime | None
Row = Sequence[Cell]

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Limits of the format: rows in a sheet, characters in a cell.
SHEET_ROWS = 1_048_576
CELL_CHARACTERS = 32_767


def escape_cell(value: Cell) -> str | int | float | Decimal:
    """The value as a cell that no spreadsheet runs: days and moments in ISO 8601, None empty.

    Text that begins like a formula gets an apostrophe in front; numbers stay numbers.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        return value
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(headers: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """The lines of a CSV file (RFC 4180), one at a time."""
    writer = csv.writer(_Echo())
    yield writer.writerow(headers)
    for row in rows:
        yield writer.writerow([escape_cell(value) for value in row])


def csv_response(name: str, headers: Sequence[str], rows: Iterable[Row]) -> StreamingHttpResponse:
    """A download `name`.csv, sent while `rows` is read."""
    response = StreamingHttpResponse(
        csv_lines(headers, rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "no-store, private"
    return response


def xlsx_response(name: str, headers: Sequence[str], rows: Iterable[Row]) -> FileResponse:
    """A download `name`.xlsx, written row by row to a temporary file of its own."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    bold = book.add_format({"bold": True})
    sheet: Worksheet | None = None
    line = SHEET_ROWS
    for row in rows:
        if sheet is None or line == SHEET_ROWS:
            sheet, line = _sheet(book, headers, bold), 1
        _write(sheet, line, row)
        line += 1
    if sheet is None:
        _sheet(book, headers, bold)
    book.close()
    file.seek(0)
    response = FileResponse(
        file, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX_TYPE
    )
    response["Cache-Control"] = "no-store, private"
    return response


def book_response(
    name: str, sheets: Sequence[tuple[str, Sequence[str], Iterable[Row]]]
) -> FileResponse:
    """A download `name`.xlsx with several sheets: title, headers and rows of each."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book = xlsxwriter.Workbook(
        file, {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    )
    bold = book.add_format({"bold": True})
    for title, headers, rows in sheets:
        sheet = _sheet(book, headers, bold, title)
        for line, row in enumerate(rows, 1):
            _write(sheet, line, row)
    book.close()
    file.seek(0)
    response = FileResponse(
        file, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX_TYPE
    )
    response["Cache-Control"] = "no-store, private"
    return response


def _sheet(
    book: xlsxwriter.Workbook,
    headers: Sequence[str],
    bold: xlsxwriter.format.Format,
    title: str = "",
) -> Worksheet:
    sheet = book.add_worksheet(title or None)
    sheet.freeze_panes(1, 0)
    for column, header in enumerate(headers):
        sheet.set_column(column, column, max(12, len(header) + 2))
        sheet.write_string(0, column, header, bold)
    return sheet


def _write(sheet: Worksheet, line: int, row: Row) -> None:
    for column, value in enumerate(row):
        cell = escape_cell(value)
        if isinstance(cell, str):
            sheet.write_string(line, column, cell[:CELL_CHARACTERS])
        else:
            sheet.write_number(line, column, cell)


def table_response(
    kind: str, name: str, headers: Sequence[str], rows: Iterable[Row]
) -> StreamingHttpResponse | FileResponse:
    """The download in the form `kind`: xlsx, or CSV for anything else."""
    if kind == "xlsx":
        return xlsx_response(name, headers, rows)
    return csv_response(name, headers, rows)
