"""Work on facts across vendors: what to verify next, by whom, and several at once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vendors import as_of
from vendors.exports import table_response
from vendors.forms.fact_work import AssignForm, FactFilter, SeveralForm
from vendors.forms.refusals import show_refusal
from vendors.forms.register import people
from vendors.models import Dimension, Fact, Service
from vendors.numbers import whole
from vendors.pages.facts import EXPORT_HEADERS, export_rows, never_recorded, work_lines
from vendors.services.facts import assign_facts, record_for_services, still_the_same

PER_PAGE = 25


def _facts() -> QuerySet[Fact]:
    return Fact.objects.select_related("service__vendor", "verified_by")


@require_safe
@permission_required("vendors.view_fact", raise_exception=True)
def fact_list(request: HttpRequest) -> HttpResponse:
    """Facts to verify again across vendors, source by source."""
    on = as_of.reading_day()
    chosen = FactFilter(request.GET, _facts(), request=request)
    page = Paginator(chosen.qs, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "page_obj": page,
        "lines": work_lines(list(page.object_list), on),
        "missing": never_recorded(on),
        "people": list(people()),
        "query": request.GET.urlencode(),
    }
    return render(request, "vendors/fact_list.html", context)


@require_safe
@permission_required("vendors.view_fact", raise_exception=True)
def fact_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it, as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    on = as_of.reading_day()
    chosen = FactFilter(request.GET, _facts(), request=request)
    return table_response(
        kind, f"facts-{on.isoformat()}", EXPORT_HEADERS, export_rows(chosen.qs, on)
    )


def _ticked(request: HttpRequest) -> list[Fact]:
    numbers = [whole(number) for number in request.POST.getlist("fact")]
    return list(Fact.objects.filter(pk__in=numbers[:500]).select_related("service__vendor"))


def _back(request: HttpRequest) -> HttpResponse:
    query = request.GET.urlencode()
    return redirect(f"{reverse('vendors:fact-list')}{'?' if query else ''}{query}")


@require_POST
@permission_required("vendors.add_fact", raise_exception=True)
def fact_verify(request: HttpRequest) -> HttpResponse:
    """The source of the ticked facts still says the same; `of` is a fact of the source read."""
    assert request.user.is_authenticated
    of, ticked = whole(request.POST.get("of")), _ticked(request)
    if of:
        read = set(Fact.objects.filter(pk=of).values_list("source", flat=True))
        ticked = [fact for fact in ticked if fact.source in read]
    try:
        stored = still_the_same(ticked, by=request.user, on=timezone.localdate())
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        many = len(stored)
        messages.success(request, f"{many} fact{'s are' if many > 1 else ' is'} verified today.")
    return _back(request)


@require_POST
@permission_required("vendors.add_factassignment", raise_exception=True)
def fact_assign(request: HttpRequest) -> HttpResponse:
    """Say who looks at the ticked facts next."""
    assert request.user.is_authenticated
    form = AssignForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the people and a day.")
        return _back(request)
    try:
        number = assign_facts(
            _ticked(request), **form.cleaned_data, by=request.user, on=timezone.localdate()
        )
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        who = form.cleaned_data["assignee"] or "Nobody"
        messages.success(request, f"{who} looks at {number} next.")
    return _back(request)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_fact", raise_exception=True)
def fact_several(request: HttpRequest, dimension: str) -> HttpResponse:
    """Record what one source says of several services at once."""
    if dimension not in Dimension.values:
        raise Http404
    asked, on = Dimension(dimension), timezone.localdate()
    initial = {"services": Service.objects.filter(slug__in=request.GET.getlist("service"))}
    form = SeveralForm(
        request.POST or None, instance=Fact(), initial=initial, dimension=dimension, on=on
    )
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        services = list(form.cleaned_data["services"])
        try:
            record_for_services(form.instance, services, by=request.user, on=on)
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{asked.label} is recorded for {len(services)} services.")
            return redirect("vendors:fact-list")
    context: dict[str, Any] = {
        "form": form,
        "title": f"{asked.label} of several services",
        "dimension": asked,
        "dimensions": Dimension,
    }
    return render(request, "vendors/fact_several.html", context)
