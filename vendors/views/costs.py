"""What capabilities cost: the figures with their sources, and a new look at one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vendors import as_of
from vendors.exports import table_response
from vendors.forms.costs import CostFactForm
from vendors.forms.refusals import show_refusal
from vendors.models import CostFact
from vendors.pages.costs import EXPORT_HEADERS, cost_lines, export_rows
from vendors.services.costs import record_cost


@require_safe
@permission_required("vendors.view_costfact", raise_exception=True)
def costfact_list(request: HttpRequest) -> HttpResponse:
    """The figures that count today, and what they replaced."""
    current, earlier = cost_lines(as_of.reading_day())
    context = {"current": current, "earlier": earlier}
    return render(request, "vendors/costfact_list.html", context)


@require_safe
@permission_required("vendors.view_costfact", raise_exception=True)
def costfact_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The figures of the list as a file, with all that were replaced."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    on = as_of.reading_day()
    return table_response(kind, f"cost-figures-{on.isoformat()}", EXPORT_HEADERS, export_rows(on))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_costfact", raise_exception=True)
def costfact_create(request: HttpRequest) -> HttpResponse:
    """Record what a source says today; `?from=` fills the form with the figure to look at again."""
    last = None
    if (number := request.GET.get("from", "")).isdecimal():
        last = get_object_or_404(CostFact.objects.select_related("vendor", "service"), pk=number)
    initial = {name: getattr(last, name) for name in CostFactForm.Meta.fields} if last else {}
    if last:
        initial["vendor"] = last.vendor.slug if last.vendor else ""
        initial["service"] = last.service.slug if last.service else ""
    form = CostFactForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated  # LoginRequiredMiddleware
        try:
            record_cost(form.instance, by=request.user, on=timezone.localdate())
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The figure is recorded as of today.")
            return redirect("vendors:costfact-list")
    return render(request, "vendors/costfact_form.html", {"form": form, "last": last})
