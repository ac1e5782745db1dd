"""Renders a report to PDF/A-3A and PDF/UA-1; a program of its own.

    python -m evidence.report.render STATIC OUT IDENTIFIER < report.html

What rendering takes in memory it does not give back, so it runs in a child process. It knows
neither Django nor a secret, and fetches nothing but the files of the folder STATIC that it lists
itself. The document's dates come from its own meta elements, its id from IDENTIFIER: the same HTML
gives the same bytes.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pikepdf
from weasyprint import HTML
from weasyprint.urls import URLFetcher, URLFetcherResponse

STYLE = "css/report.css"
FONTS = (
    "vendor/inter/inter-latin-wght-normal.woff2",
    "vendor/inter/inter-latin-ext-wght-normal.woff2",
    "vendor/jetbrains-mono/jetbrains-mono-latin-wght-normal.woff2",
)
# What the document's addresses are relative to; it stands for the folder, and for no host.
BASE = "https://static.invalid/"
MEMORY = 2 << 30
SECONDS = 600


class PackagedFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Gives the packaged style and fonts, and nothing else: no file, no network."""

    def __init__(self, folder: Path) -> None:
        super().__init__(allowed_protocols=["https"])
        self._files = {BASE + name: folder / name for name in (STYLE, *FONTS)}

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        """Raises: ValueError for every address that is not packaged."""
        del headers
        if url not in self._files:
            raise ValueError("not a packaged file")
        kind = "text/css" if url.endswith(".css") else "font/woff2"
        return URLFetcherResponse(url, self._files[url].read_bytes(), {"Content-Type": kind})


def declare_accessible(path: Path) -> None:
    """Say in the metadata that the file is PDF/UA-1 too: WeasyPrint declares one standard a run."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
            metadata["pdfuaid:part"] = "1"
        pdf.save(path, static_id=False, deterministic_id=True)


def main(folder: str, out: str, identifier: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    fetcher = PackagedFetcher(Path(folder))
    html = HTML(file_obj=sys.stdin.buffer, base_url=BASE, url_fetcher=fetcher, encoding="utf-8")
    html.write_pdf(out, pdf_variant="pdf/a-3a", pdf_identifier=identifier.encode(), pdf_tags=True)
    declare_accessible(Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
