"""The list of vendors as a PDF: the renderer is here, so the list asks this app for it."""

from __future__ import annotations

import datetime as dt
import tempfile
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from evidence.services.packs_report import ReportFailed, render_pdf
from policies.pages.vendors import judged_rows, with_own_cells
from vendors import as_of
from vendors.tables import VENDOR_LIST
from vendors.views.register import vendor_filter

if TYPE_CHECKING:
    from vendors.tables.columns import Column

# As many as one request can lay out while somebody waits; CSV and XLSX have no end.
MOST = 500


def _made_at() -> dt.datetime:
    """When the file is made, whatever day it tells of."""
    return timezone.now().astimezone(dt.UTC)


@require_safe
@permission_required(("policies.view_integration", "vendors.view_vendor"), raise_exception=True)
def vendor_register(request: HttpRequest) -> HttpResponseBase:
    """The vendors under the list's filters with its columns, as PDF/A-3A and PDF/UA-1."""
    on = as_of.reading_day()
    columns = with_own_cells(VENDOR_LIST.chosen(request.GET))
    vendors = vendor_filter(request, request.GET).qs
    rows = [
        [_text(column, row) for column in columns] for row in islice(judged_rows(vendors, on), MOST)
    ]
    known = {
        "on": on,
        "at": _made_at(),
        "organization": settings.ORGANIZATION_NAME,
        "columns": columns,
        "rows": rows,
        "total": vendors.count(),
        "most": MOST,
    }
    html = render_to_string("evidence/report/vendor_register.html", known)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        render_pdf(html, f"vendors-{on.isoformat()}", file, lambda: None)
    except ReportFailed:
        file.close()
        messages.error(request, "The PDF could not be made; CSV and XLSX hold the same.")
        return redirect("vendors:vendor-list")
    file.seek(0)
    name = f"vendors-{on.isoformat()}.pdf"
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/pdf")
    response["Cache-Control"] = "no-store, private"
    return response


def _text(column: Column, row: Any) -> str:
    """What a column of the list says, in one cell: days as people write them, no blanks.

    Of several days or numbers in a cell each says what it is.
    """
    said = []
    for heading, value in column.cells:
        found = value(row)
        text = f"{found:%-d %b %Y}" if isinstance(found, dt.date) else str(found)
        if found is None or not text:
            continue
        named = len(column.cells) > 1 and not isinstance(found, str)
        said.append(f"{heading}: {text}" if named else text)
    return ", ".join(said)
