"""The papers of the demonstration: small PDF files that say that they are invented."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.utils.html import format_html, format_html_join
from weasyprint import CSS, HTML

from portal.models import User
from vendors.models import Document
from vendors.services.documents import store_document

STYLE = CSS(
    string="""
    @page { size: Letter; margin: 25mm 22mm }
    body { font: 10.5pt/1.5 sans-serif; color: #14181f }
    h1 { font-size: 18pt; margin: 0 0 4mm }
    .note { border: 0.6pt solid #8a4b00; padding: 3mm 4mm; margin: 0 0 8mm; font-size: 9pt }
    dt { font-weight: bold; margin-top: 3mm } dd { margin: 0 }
    """
)
NOTE = (
    "Invented for the demonstration of Countersign. Alder Grove Health does not exist, and no "
    "company named here has signed or issued this paper."
)


def paper(title: str, lines: dict[str, str], *, name: str, by: User) -> Document:
    """Print a title and labelled lines to a PDF of one page, and keep it like an upload."""
    body = format_html(
        '<h1>{}</h1><p class="note">{}</p><dl>{}</dl>',
        title,
        NOTE,
        format_html_join("", "<dt>{}</dt><dd>{}</dd>", lines.items()),
    )
    content = HTML(string=body).write_pdf(stylesheets=[STYLE])
    return store_document(ContentFile(content, name=name), by=by)
