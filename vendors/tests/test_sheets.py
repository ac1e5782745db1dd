"""Uploaded tables: what is read, how it is told, and what is refused."""

import datetime as dt
import io
import zipfile

import pytest
import xlsxwriter

from vendors import sheets
from vendors.sheets import TableRefused, read_table


def workbook(*tables, names=("Vendors", "More")) -> bytes:
    """An XLSX file with a sheet for each table; days as days."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"})
    for name, table in zip(names, tables, strict=False):
        sheet = book.add_worksheet(name)
        for line, row in enumerate(table):
            for place, cell in enumerate(row):
                sheet.write(line, place, cell)
    book.close()
    return file.getvalue()


def cells(content: bytes, **more) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.number, row.cells) for row in read_table(content, **more).rows]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\ufeffName,City\r\nÉcole,Zürich\r\n".encode(), "CSV in UTF-8, cells divided by comma"),
        ("Name;City\nÉcole;Zürich\n".encode(), "CSV in UTF-8, cells divided by semicolon"),
        ("Name\tCity\nÉcole\tZürich".encode("utf-16"), "CSV in UTF-16, cells divided by tab"),
        ("Name;City\nÉcole;Zürich\n".encode("cp1252"), "CSV in Windows-1252, since"),
    ],
)
def test_the_encoding_and_the_delimiter_are_found_and_told(content, words):
    table = read_table(content)
    assert table.headings == ("Name", "City")
    assert table.rows[0].cells == ("École", "Zürich")
    assert table.read_as.startswith(words)


def test_a_line_keeps_its_number_past_cells_with_line_ends_and_empty_lines():
    content = b'Name,Note\n\n"A, Inc.","two\nlines"\n,\nB,x\n'
    assert cells(content) == [(3, ("A, Inc.", "two\nlines")), (6, ("B", "x"))]


def test_a_delimiter_inside_quotation_marks_does_not_count():
    assert read_table(b'"a;b;c",d\n1,2\n').headings == ("a;b;c", "d")


def test_the_apostrophe_that_exports_write_is_taken_off():
    content = b"Name,Note\n'=1+1,'tis fine\n"
    assert cells(content) == [(2, ("=1+1", "'tis fine"))]


def test_a_workbook_gives_the_values_of_its_first_sheet_or_of_the_chosen_one():
    day = dt.date(2026, 1, 2)
    content = workbook(
        [["Name", "Since", "Days", "Ours"], ["A", day, 30, True]], [["Other"], ["B"]]
    )
    table = read_table(content)
    assert (table.sheets, table.sheet) == (("Vendors", "More"), "Vendors")
    assert cells(content) == [(2, ("A", "2026-01-02", "30", "yes"))]
    assert cells(content, sheet="More") == [(2, ("B",))]


def test_a_formula_counts_by_the_value_stored_with_it_and_is_never_run():
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    sheet.write(0, 0, "Name")
    sheet.write_formula(1, 0, '=WEBSERVICE("http://example.com")', None, "kept")
    book.close()
    assert cells(file.getvalue()) == [(2, ("kept",))]


def archive(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in parts.items():
            packed.writestr(name.replace("__", "/").replace("_xml", ".xml"), part)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"Name,City\n", "empty"),
        (b"Name,name\na,b\n", "headings"),
        (b'Name\n"open', "quotes"),
        (b'Name\n"a"b\n', "quotes"),
        (b"Name\n\x00\n", "zeros"),
        (b"Name\n\x81\xff\n", "encoding"),
        (b"Name\n" + b"x" * 20_001, "cell"),
        (b"Name\n" + b"x\n" * 20_001, "rows"),
        (b",".join(b"c%d" % n for n in range(101)) + b"\n1\n", "columns"),
        (b"x" * (10 * 1024 * 1024 + 1), "size"),
        (b"PK\x03\x04 and nothing else", "broken"),
        (archive(a=b"x"), "kind"),
        (archive(xl__workbook_xml=b"<workbook/>"), "broken"),
        (archive(xl__workbook_xml=b"\x00" * (sheets.MAX_UNPACKED + 1)), "unpacked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_without_quoting_it(content, code):
    with pytest.raises(TableRefused) as refused:
        read_table(content)
    assert refused.value.code == code
    assert refused.value.message == sheets.MESSAGES[code]


def test_a_sheet_that_is_not_there_is_refused():
    with pytest.raises(TableRefused) as refused:
        read_table(workbook([["Name"], ["A"]]), sheet="Nothing")
    assert refused.value.code == "sheet"


def test_a_sheet_with_a_cell_at_the_far_corner_does_not_eat_the_memory():
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    sheet.write(0, 0, "Name")
    sheet.write(1_048_575, 16_383, "far")
    book.close()
    with pytest.raises(TableRefused) as refused:
        read_table(file.getvalue())
    assert refused.value.code in ("broken", "columns", "complex")
