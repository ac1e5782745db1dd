"""The PDF report: accessible, archivable, its fonts inside, and nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import io
import subprocess
import zipfile

import pikepdf
import pytest
from django.conf import settings

from evidence.report.budget import MOST_ROWS, RowBudget, TooManyRows
from evidence.report.render import PackagedFetcher
from evidence.services import packs_report
from evidence.tests import make, make_packs
from policies.tests.make import NOON
from vendors.tests import make as make_vendors

# A PNG of one pixel.
DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def pdf_of(html, identifier="test"):
    target = io.BytesIO()
    packs_report.render_pdf(html, identifier, target, lambda: None)
    return target.getvalue()


@pytest.fixture
def report(committed, pack_root, tmp_path):
    """A report of a period with calls, denials and a finding, as a file."""
    use = make.quiet(name="Intake summaries")
    for number in range(4):
        make.call(use, days_ago=number)
    make.call(use, decision="deny", reasons=["baa-expired"], answered=False)
    make.service(name="A vendor <b>of</b> odd name", baa={"ends_on": make.day(10)})
    make.run()
    pack = make_packs.built(
        title="Third quarter", at=make.at(2), period=(make.day(-30), make.day())
    )
    assert not pack.failure
    with zipfile.ZipFile(pack.file.path) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith("report.pdf")]
        (tmp_path / "report.pdf").write_bytes(archive.read(name))
    return tmp_path / "report.pdf"


def run(*words):
    done = subprocess.run(["/usr/bin/env", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_report_is_accessible_archivable_and_says_what_happened(report):
    with pikepdf.open(report) as pdf:
        root = pdf.Root
        assert root.MarkInfo.Marked
        assert root.StructTreeRoot
        assert str(root.Lang) == "en"
        assert root.ViewerPreferences.DisplayDocTitle
        assert root.OutputIntents
        metadata = root.Metadata.read_bytes().decode()
        assert 'pdfaid:part="3"' in metadata
        assert 'pdfaid:conformance="A"' in metadata
        assert "<pdfuaid:part" in metadata
        assert not any("/JavaScript" in each or "/JS" in each for each in map(str, root.keys()))
        assert len(pdf.pages) > 10
    text = run("pdftotext", "-layout", str(report), "-")
    for words in (
        "Third quarter",
        "Unsigned",
        "Contents",
        "Of 5 recorded calls the gate allowed 4 and denied 1",
        "Intake summaries",
        "A vendor <b>of</b> odd name",
        "BAA not in force",
        "SHA-256 of the query",
        "SELECT c.index, c.call_id",
        "Page 2 of",
    ):
        assert words in text
    assert "c.received_at >= %(period_from)s" in text
    fonts = run("pdffonts", str(report)).splitlines()[2:]
    assert fonts
    for font in fonts:
        embedded, _, unicode = font.split()[-5:-2]
        assert (embedded, unicode) == ("yes", "yes"), font
        assert any(name in font for name in ("Inter", "JetBrains")), font
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", str(report))


def test_the_same_html_gives_the_same_bytes():
    html = '<html lang="en"><title>T</title><meta name="dcterms.created" content="2026-01-01">'
    assert pdf_of(html + "<h1>One</h1>") == pdf_of(html + "<h1>One</h1>")


def test_nothing_is_fetched_but_what_is_packaged(tmp_path):
    """An image on disk is there to be read, yet neither its path nor a way round leads to it."""
    (tmp_path / "dot.png").write_bytes(base64.b64decode(DOT))
    fetcher = PackagedFetcher(settings.BASE_DIR / "static")
    assert fetcher.fetch("https://static.invalid/css/report.css").read()
    for address in (
        (tmp_path / "dot.png").as_uri(),
        f"https://static.invalid/../../../../..{tmp_path}/dot.png",
        "http://127.0.0.1:9/dot.png",
        f"data:image/png;base64,{DOT}",
    ):
        with pytest.raises(ValueError, match="not a packaged file"):
            fetcher.fetch(address)
        made = pdf_of(f'<title>T</title><h1>T</h1><img src="{address}" alt="x">')
        with pikepdf.open(io.BytesIO(made)) as pdf:
            assert not [image for page in pdf.pages for image in page.get_images()]


def test_a_child_that_fails_is_noticed(monkeypatch):
    monkeypatch.setattr(packs_report.sys, "executable", "/bin/false")
    with pytest.raises(packs_report.ReportFailed):
        pdf_of("<h1>One</h1>")


def test_a_child_is_stopped_when_its_pack_is():
    class Cancelled(Exception):
        pass

    def alive():
        raise Cancelled

    with pytest.raises(Cancelled):
        packs_report.render_pdf("<h1>One</h1>", "x", io.BytesIO(), alive)


def test_a_table_is_cut_and_a_document_has_a_limit():
    budget = RowBudget()
    shown = budget.shown(range(300), at_most=200, total=9000, file="findings")
    assert (len(shown.rows), shown.total, shown.cut) == (200, 9000, True)
    budget.spend(MOST_ROWS - 250)
    assert len(budget.shown(range(300), at_most=200, total=300, file="calls").rows) == 50
    with pytest.raises(TooManyRows):
        budget.spend(1)


def test_a_large_register_is_cut_with_a_message(committed, pack_root, no_report, monkeypatch):
    htmls = []
    render = packs_report.report_html

    def kept(plan, *written):
        htmls.append(render(plan, *written))
        return htmls[-1]

    monkeypatch.setattr(packs_report, "report_html", kept)
    for number in range(150):
        make_vendors.vendor(f"Vendor {number:03}")
    pack = make_packs.built(at=NOON)
    assert pack.state == "ready"
    assert "120 of 150 are shown here" in htmls[0]
    assert "populations/vendors.csv" in htmls[0]
