"""Every import there was, as a page and as a file."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from vendors.exports import Cell, table_response
from vendors.imports.kinds import KINDS
from vendors.models import RegisterImport

PER_PAGE = 25
HEADERS = ("File", "SHA-256", "What", "State", "New", "Changed", "Same", "By", "When")


def _found() -> QuerySet[RegisterImport]:
    return RegisterImport.objects.select_related("created_by").defer("touched")


@require_safe
@permission_required("vendors.view_registerimport", raise_exception=True)
def import_list(request: HttpRequest) -> HttpResponse:
    """Every import: who, when, what came of it; and the templates."""
    page = Paginator(_found(), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page_obj": page, "kinds": KINDS.values()}
    return render(request, "vendors/import_list.html", context)


@require_safe
@permission_required("vendors.view_registerimport", raise_exception=True)
def registerimport_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The imports of the list, all pages of it; their rows are the register's own."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    return table_response(kind, "imports", HEADERS, _rows())


def _rows() -> Iterator[list[Cell]]:
    for imported in _found().iterator(chunk_size=500):
        counts = imported.counts
        yield [
            imported.file_name,
            imported.file_sha256,
            imported.get_kind_display(),
            imported.get_state_display(),
            counts.get("new"),
            counts.get("changed"),
            counts.get("same"),
            str(imported.created_by),
            imported.created_at,
        ]
