"""The register of CUECs, and the conditions of reviews: what is left for us to do."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vendors import as_of
from vendors.exports import table_response
from vendors.forms.cuecs import AssessForm, CloseForm, CuecFilter
from vendors.forms.refusals import show_refusal
from vendors.models import Cuec, ReportCondition
from vendors.pages.cuecs import EXPORT_HEADERS, cuec_lines, export_rows, figures, registered
from vendors.services.cuecs import Assessment, assess_cuec, close_condition
from vendors.services.documents import storing
from vendors.uploads import UploadRefused

PER_PAGE = 25


@require_safe
@permission_required("vendors.view_cuec", raise_exception=True)
def cuec_list(request: HttpRequest) -> HttpResponse:
    """What the reports that we rely on take for granted on our side."""
    chosen = CuecFilter(request.GET, registered(), request=request)
    page = Paginator(chosen.qs, PER_PAGE).get_page(request.GET.get("page"))
    narrowed = any(value for name, value in request.GET.items() if name not in ("sort", "page"))
    context = {
        "filter": chosen,
        "figures": figures(),
        "page_obj": page,
        "lines": cuec_lines(page.object_list),
        "narrowed": narrowed,
    }
    return render(request, "vendors/cuec_list.html", context)


@require_safe
@permission_required("vendors.view_cuec", raise_exception=True)
def cuec_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it, as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    chosen = CuecFilter(request.GET, registered(), request=request)
    name = f"cuecs-{as_of.reading_day().isoformat()}"
    return table_response(kind, name, EXPORT_HEADERS, export_rows(chosen.qs))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_cuec", raise_exception=True)
def cuec_assess(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how we do what the report takes for granted."""
    cuec = get_object_or_404(
        Cuec.objects.select_related("report__vendor", "report__document", "evidence_document"),
        pk=pk,
    )
    names = ("state", "our_control", "owner", "evidence")
    form = AssessForm(
        request.POST or None,
        request.FILES or None,
        initial={name: getattr(cuec, name) for name in names},
    )
    if request.method == "POST" and form.is_valid() and _assess(request, cuec, form):
        messages.success(request, "The assessment is recorded.")
        return redirect("vendors:report-detail", cuec.report_id)
    return render(request, "vendors/cuec_assess.html", {"cuec": cuec, "form": form})


def _assess(request: HttpRequest, cuec: Cuec, form: AssessForm) -> bool:
    """Whether it was recorded; the form says why not."""
    values: dict[str, Any] = dict(form.cleaned_data)
    try:
        with storing(values.pop("document"), by=_person(request)) as document:
            assessment = Assessment(**values, document=document)
            assess_cuec(cuec, assessment, by=_person(request), on=timezone.localdate())
    except UploadRefused as refused:
        form.add_error("document", refused.message)
        return False
    except ValidationError as refused:
        show_refusal(form, refused)
        return False
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_reportcondition", raise_exception=True)
def reportcondition_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a condition of a review is met, or waived."""
    condition = get_object_or_404(ReportCondition.objects.select_related("report__vendor"), pk=pk)
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            close_condition(
                condition, **form.cleaned_data, by=_person(request), on=timezone.localdate()
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The condition is closed.")
            return redirect("vendors:report-detail", condition.report_id)
    context = {
        "form": form,
        "title": "Close a condition",
        "vendor": condition.report.vendor,
        "report": condition.report,
        "submit": "Record",
        "lede": condition.text,
    }
    return render(request, "vendors/vendor_form.html", context)


def _person(request: HttpRequest) -> Any:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    return request.user
