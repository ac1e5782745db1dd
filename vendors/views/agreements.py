"""Agreements as they are read: the page of one, the list of all."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from vendors import as_of
from vendors.exports import table_response
from vendors.filters import AgreementFilter
from vendors.models import Agreement, AgreementRequest
from vendors.pages.agreement import agreement_page, request_lines
from vendors.pages.agreements import EXPORT_HEADERS, agreement_rows, export_rows

PER_PAGE = 25


@require_safe
@permission_required("vendors.view_agreement", raise_exception=True)
def agreement_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One version of an agreement: what it covers and says, and where it stands."""
    agreement = get_object_or_404(
        Agreement.objects.select_related(
            "vendor",
            "document",
            "owner",
            "recorded_by",
            "amends",
            "amended_by",
            "return_document",
            "return_confirmed_by",
        ).prefetch_related("scopes__service__offered_models", "scopes__service__regions"),
        pk=pk,
    )
    on = as_of.reading_day()
    context = {"agreement": agreement, "vendor": agreement.vendor, "on": on}
    return render(
        request, "vendors/agreement_detail.html", {**context, **agreement_page(agreement, on)}
    )


@require_safe
@permission_required("vendors.view_agreement", raise_exception=True)
def agreement_list(request: HttpRequest) -> HttpResponse:
    """The agreements of all vendors, narrowed by the address, and the requests for new ones."""
    on = as_of.reading_day()
    chosen = AgreementFilter(request.GET, Agreement.objects.all(), request=request)
    page = Paginator(chosen.qs.values_list("pk", flat=True), PER_PAGE).get_page(
        request.GET.get("page")
    )
    wanted = AgreementRequest.objects.open().select_related("vendor", "owner", "renews")
    context = {
        "filter": chosen,
        "page_obj": page,
        "rows": agreement_rows(list(page.object_list), on),
        "narrowed": any(v for name, v in request.GET.items() if name not in ("sort", "page")),
        "requests": request_lines(wanted.prefetch_related("services")[:PER_PAGE], on)
        if request.user.has_perm("vendors.view_agreementrequest")
        else [],
    }
    return render(request, "vendors/agreement_list.html", context)


@require_safe
@permission_required("vendors.view_agreement", raise_exception=True)
def agreement_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it, as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    on = as_of.reading_day()
    chosen = AgreementFilter(request.GET, Agreement.objects.all(), request=request)
    return table_response(
        kind, f"agreements-{on.isoformat()}", EXPORT_HEADERS, export_rows(chosen.qs, on)
    )
