"""The vendor list and its files."""

from __future__ import annotations

from itertools import chain

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST, require_safe

from vendors import as_of
from vendors.exports import table_response
from vendors.filters import VendorFilter
from vendors.forms.register import VendorOwnerForm
from vendors.models import Vendor
from vendors.services.register import assign_owner
from vendors.tables import (
    VENDOR_LIST,
    expiry_timeline,
    figures,
    in_chunks,
    listed,
    vendor_rows,
)
from vendors.tables.columns import file_rows, headers
from vendors.views.saved_views import NOT_FILTERS, ListPage, list_tools, views_of

PER_PAGE = 25


class KnownCount(Paginator):
    """A paginator that is told the number of rows where another query has counted them."""

    known: int | None = None

    @cached_property
    def count(self) -> int:
        return (
            Paginator(self.object_list, self.per_page).count if self.known is None else self.known
        )


def vendor_filter(request: HttpRequest, query: QueryDict) -> VendorFilter:
    """The list's FilterSet for an address."""
    return VendorFilter(query, Vendor.objects.all(), request=request)


VENDOR_PAGE = ListPage(VENDOR_LIST, vendor_filter)
vendor_views = permission_required("vendors.view_vendor", raise_exception=True)(
    views_of(VENDOR_PAGE)
)


@require_safe
@permission_required("vendors.view_vendor", raise_exception=True)
def vendor_list(request: HttpRequest) -> HttpResponse:
    """The register, narrowed by the address, with its figures and the expiry timeline."""
    on = as_of.reading_day()
    tools = list_tools(request, VENDOR_LIST)
    if beginning := tools.beginning(request):
        return redirect(beginning)
    chosen = vendor_filter(request, request.GET)
    numbers = figures(on)
    # The ids first: what `listed` adds would else be read for each row before the page, too.
    paginator = KnownCount(chosen.qs.values_list("pk", flat=True), PER_PAGE)
    narrowed = any(value for name, value in request.GET.items() if name not in NOT_FILTERS)
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
            "columns": tools.columns,
            "tools": tools,
            "timeline": expiry_timeline(rows, on) if rows else None,
            "narrowed": narrowed,
            "assign_form": VendorOwnerForm() if may_assign(request) else None,
        },
    )


def may_assign(request: HttpRequest) -> bool:
    return request.user.has_perm("vendors.change_vendor")


@require_safe
@permission_required("vendors.view_vendor", raise_exception=True)
def vendor_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What this app knows of the columns shown, all pages of the list, as a file.

    The app above has the same with its own columns: `policies:vendor-export`.
    """
    if kind not in ("csv", "xlsx"):
        raise Http404
    on = as_of.reading_day()
    columns = VENDOR_LIST.chosen(request.GET)
    chosen = vendor_filter(request, request.GET)
    rows = file_rows(columns, chain.from_iterable(in_chunks(chosen.qs, on)))
    return table_response(kind, f"vendors-{on.isoformat()}", headers(columns), rows)


@require_POST
@permission_required("vendors.change_vendor", raise_exception=True)
def vendor_assign(request: HttpRequest) -> HttpResponse:
    """Give the ticked vendors one owner; each is a change of its own in the history."""
    form = VendorOwnerForm(request.POST)
    slugs = list(dict.fromkeys(request.POST.getlist("vendor")))[:PER_PAGE]
    if not slugs:
        messages.error(request, "Tick the vendors first.")
    elif not form.is_valid():
        messages.error(request, "Choose who is to own them.")
    else:
        owner = form.cleaned_data["owner"]
        changed = assign_owner(list(Vendor.objects.filter(slug__in=slugs)), owner)
        vendors = "vendor" if changed == 1 else "vendors"
        messages.success(request, f"{owner} owns {changed} more {vendors} now.")
    query = QueryDict(request.POST.get("query", "")).urlencode()
    return redirect(reverse("vendors:vendor-list") + (f"?{query}" if query else ""))
