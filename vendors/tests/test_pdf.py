"""Papers are read and drawn in a process of its own, whatever is in them."""

import io
import zlib

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream
from weasyprint import HTML

from vendors import pdf
from vendors.reading import has_text, read
from vendors.tests.soc2_paper import soc2_pdf

PNG = b"\x89PNG"


def pages(count: int, **options) -> bytes:
    document = pikepdf.new()
    for _ in range(count):
        document.add_blank_page()
    buffer = io.BytesIO()
    document.save(buffer, **options)
    return buffer.getvalue()


def bomb() -> bytes:
    """A page whose content is a gigabyte once it is unpacked, and a few kilobytes before."""
    document = pikepdf.new()
    document.add_blank_page()
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"0 0 m 9 9 l S " * 80_000) for _ in range(1000))
    packed += packer.flush()
    content = Stream(document, b"")
    content.write(packed, filter=Name.FlateDecode)
    document.pages[0].Contents = content
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def huge_page() -> bytes:
    """A page of some kilometres a side."""
    document = pikepdf.new()
    document.add_blank_page()
    document.pages[0].MediaBox = Array([0, 0, 10_000_000, 20_000_000])
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_the_text_of_each_page_is_read_in_order():
    content = HTML(
        string="<p>First page</p><p style='break-before: page'>Second page</p>"
    ).write_pdf()
    assert [text.strip() for text in pdf.page_texts(content)] == ["First page", "Second page"]


def test_a_report_of_sixty_pages_is_read_whole():
    texts = pdf.page_texts(soc2_pdf())
    assert len(texts) > 60
    fields = {p.field for p in read(texts)}
    assert fields == {
        "kind",
        "period",
        "auditor",
        "issued_on",
        "opinion",
        "categories",
        "subservice",
        "cuec",
        "exception",
    }


def test_a_page_is_drawn_as_a_picture():
    assert pdf.page_image(soc2_pdf(), 1).startswith(PNG)


def test_a_page_of_odd_measures_gets_no_more_pixels():
    assert len(pdf.page_image(huge_page(), 1)) < 1024**2


@pytest.mark.parametrize("number", [0, 2, 10**6])
def test_a_page_that_is_not_there_is_refused(number):
    with pytest.raises(pdf.Unreadable):
        pdf.page_image(pages(1), number)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 nothing", b"\x00" * 4096])
def test_what_is_no_pdf_is_refused(content):
    with pytest.raises(pdf.Unreadable):
        pdf.page_texts(content)


def test_an_encrypted_paper_is_refused():
    content = pages(1, encryption=pikepdf.Encryption(owner="o", user="u"))
    with pytest.raises(pdf.Unreadable):
        pdf.page_texts(content)


def test_a_paper_without_text_says_so():
    assert not has_text(pdf.page_texts(pages(3)))


def test_five_hundred_pages_are_read_up_to_the_limit():
    assert len(pdf.page_texts(pages(500))) == pdf.READ_PAGES


def test_a_bomb_ends_its_own_process_alone():
    """It is refused, or read within the limits; this process goes on either way."""
    try:
        texts = pdf.page_texts(bomb())
    except pdf.Unreadable:
        texts = []
    assert len(texts) <= 1


def test_the_process_knows_nothing_of_the_site(monkeypatch):
    """Its environment is empty: what a parser could be made to tell is not there."""
    monkeypatch.setenv("SECRET_KEY", "not-for-parsers")
    seen = {}

    def run(*_args, **options):
        seen.update(options)
        raise pdf.subprocess.TimeoutExpired("pdf", 1)

    monkeypatch.setattr(pdf.subprocess, "run", run)
    with pytest.raises(pdf.Unreadable):
        pdf.page_texts(b"")
    assert seen["env"] == {}
    assert seen["timeout"]


def test_an_action_in_the_paper_changes_nothing_of_its_text():
    document = pikepdf.open(io.BytesIO(HTML(string="<p>Said</p>").write_pdf()))
    document.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
    buffer = io.BytesIO()
    document.save(buffer)
    assert pdf.page_texts(buffer.getvalue())[0].strip() == "Said"
