"""The vendor list and its files."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from vendors import as_of
from vendors.exports import table_response
from vendors.filters import VendorFilter
from vendors.models import Vendor
from vendors.tables import (
    EXPORT_HEADERS,
    expiry_timeline,
    export_rows,
    figures,
    listed,
    vendor_rows,
)

PER_PAGE = 25


class KnownCount(Paginator):
    """A paginator that is told the number of rows where another query has counted them."""

    known: int | None = None

    @cached_property
    def count(self) -> int:
        return (
            Paginator(self.object_list, self.per_page).count if self.known is None else self.known
        )


@require_safe
@permission_required("vendors.view_vendor", raise_exception=True)
def vendor_list(request: HttpRequest) -> HttpResponse:
    """The register, narrowed by the address, with its figures and the expiry timeline."""
    on = as_of.reading_day()
    chosen = VendorFilter(request.GET, Vendor.objects.all(), request=request)
    numbers = figures(on)
    # The ids first: what `listed` adds would else be read for each row before the page, too.
    paginator = KnownCount(chosen.qs.values_list("pk", flat=True), PER_PAGE)
    narrowed = any(value for name, value in request.GET.items() if name not in ("sort", "page"))
    paginator.known = None if narrowed else numbers["everything"]
    page = paginator.get_page(request.GET.get("page"))
    found = listed(Vendor.objects.all()).in_bulk(page.object_list)
    rows = vendor_rows([found[pk] for pk in page.object_list if pk in found], on)
    return render(
        request,
        "vendors/vendor_list.html",
        {
            "filter": chosen,
            "figures": numbers,
            "page_obj": page,
            "rows": rows,
            "timeline": expiry_timeline(rows, on) if rows else None,
            "narrowed": narrowed,
        },
    )


@require_safe
@permission_required("vendors.view_vendor", raise_exception=True)
def vendor_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it, as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    on = as_of.reading_day()
    chosen = VendorFilter(request.GET, Vendor.objects.all(), request=request)
    return table_response(
        kind, f"vendors-{on.isoformat()}", EXPORT_HEADERS, export_rows(chosen.qs, on)
    )
