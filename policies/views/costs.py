"""The cost planner: plans, the estimate of each, and its file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from policies.forms.costs import CostPlanForm
from policies.models import CostPlan, Integration
from policies.pages.costs import (
    HEADERS,
    LIST_HEADERS,
    file_rows,
    list_rows,
    plan_view,
    plan_views,
    rule_words,
    total_row,
)
from policies.services.costs import estimates, may_change, proposal
from policies.services.deciding import class_terms
from policies.views.access import person
from vendors import as_of
from vendors.exports import table_response
from vendors.forms.refusals import show_refusal
from vendors.models import Capability
from vendors.services.saving import save_checked

PER_PAGE = 25


def _plans() -> QuerySet[CostPlan]:
    return CostPlan.objects.select_related("integration__service__vendor", "author")


def _listed(slug: str) -> QuerySet[CostPlan]:
    """All plans, or those of the integration, in the order of the list."""
    plans = _plans().order_by("integration__name", "name", "pk")
    return plans.filter(integration__slug=slug) if slug else plans


@require_safe
@permission_required("policies.view_costplan", raise_exception=True)
def costplan_list(request: HttpRequest) -> HttpResponse:
    """Every plan with its range of money, and the rule of thumb to hold it against."""
    on = as_of.reading_day()
    slug = request.GET.get("integration", "")
    page = Paginator(_listed(slug), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "rows": plan_views(list(page.object_list), on),
        "rule": rule_words(on),
        "of": Integration.objects.filter(slug=slug).first() if slug else None,
    }
    return render(request, "policies/costplan_list.html", context)


@require_safe
@permission_required("policies.view_costplan", raise_exception=True)
def costplan_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it, as a file; a plan's lines are the file of its page."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    on = as_of.reading_day()
    plans = list(_listed(request.GET.get("integration", "")))
    return table_response(kind, f"costs-{on.isoformat()}", LIST_HEADERS, list_rows(plans, on))


@require_safe
@permission_required("policies.view_costplan", raise_exception=True)
def costplan_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A plan line by line, each with its source; `export` gives the lines as a file."""
    on = as_of.reading_day()
    plan = get_object_or_404(_plans(), pk=pk)
    estimated = estimates([plan], on)[plan.pk]
    shown = plan_view(plan, estimated, on)
    export = request.GET.get("export")
    if export in ("csv", "xlsx"):
        rows = [*file_rows(shown), total_row(plan, estimated)]
        return table_response(export, f"costs-{plan.integration.slug}-{plan.pk}", HEADERS, rows)
    context = {
        "plan": plan,
        "shown": shown,
        "rule": rule_words(on),
        "may_change": may_change(plan, person(request)),
        "may_delete": may_change(plan, person(request), to="delete"),
    }
    return render(request, "policies/costplan_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.add_costplan", raise_exception=True)
def costplan_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Plan the costs of an integration; what it needs is ticked beforehand."""
    integrations = Integration.objects.select_related("service__vendor")
    integration = get_object_or_404(integrations, slug=slug)
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    return _edit(request, CostPlan(integration=integration, author_id=request.user.pk))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.view_costplan", raise_exception=True)
def costplan_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a plan: its author, and who may change any."""
    plan = get_object_or_404(_plans(), pk=pk)
    if not may_change(plan, person(request)):
        raise PermissionDenied
    return _edit(request, plan)


def _edit(request: HttpRequest, plan: CostPlan) -> HttpResponse:
    on, integration = timezone.localdate(), plan.integration
    needed = proposal(integration, class_terms())
    initial: dict[str, Any] = {"integration": integration}
    if plan.pk is None:
        initial["capabilities"] = list(needed)
    form = CostPlanForm(request.POST or None, instance=plan, initial=initial)
    shown = None
    if request.method == "POST" and form.is_valid():
        if "preview" in request.POST:
            shown = plan_view(plan, estimates([plan], on)[plan.pk], on)
        else:
            try:
                save_checked(plan)
            except ValidationError as refused:
                show_refusal(form, refused)
            else:
                messages.success(request, "The plan is saved.")
                return redirect("policies:costplan-detail", plan.pk)
    context = {
        "form": form,
        "integration": integration,
        "stored": plan.pk is not None,
        "needed": [(Capability(name).label, why) for name, why in needed.items()],
        "shown": shown,
        "rule": rule_words(on),
    }
    return render(request, "policies/costplan_form.html", context)


@require_POST
@permission_required("policies.view_costplan", raise_exception=True)
def costplan_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a plan away; the history keeps that it was there."""
    plan = get_object_or_404(_plans(), pk=pk)
    if not may_change(plan, person(request), to="delete"):
        raise PermissionDenied
    plan.delete()
    messages.success(request, "The plan is deleted.")
    return redirect("policies:costplan-list")
