"""A service: its page, its fields, its facts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vendors import as_of
from vendors.forms.facts import FactForm
from vendors.forms.refusals import show_refusal
from vendors.forms.register import RetireForm, ServiceForm, model_rows, region_rows
from vendors.models import Dimension, Fact, Service, ServiceModel, ServiceRegion, Vendor
from vendors.pages.lines import fact_lines
from vendors.pages.service import service_page
from vendors.pages.vendor import Tab
from vendors.services.facts import record_fact
from vendors.services.register import retire_service, save_service

SCOPE = ("model_pattern", "region", "endpoint", "plan")


@require_safe
@permission_required("vendors.view_service", raise_exception=True)
def service_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """A service with what is known of it and what carries it."""
    service = get_object_or_404(Service.objects.select_related("vendor"), slug=slug)
    tab = "history" if request.GET.get("tab") == "history" else "overview"
    tabs = [
        Tab("Overview", "?", tab == "overview"),
        Tab("History", "?tab=history", tab == "history"),
    ]
    on = as_of.reading_day()
    context = {"service": service, "vendor": service.vendor, "tab": tab, "tabs": tabs, "on": on}
    picked = (request.GET.get("model", "")[:120], request.GET.get("region", "")[:40])
    page = service_page(service, on, picked)
    return render(request, "vendors/service_detail.html", {**context, **page})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_service", raise_exception=True)
def service_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a service to a vendor."""
    vendor = get_object_or_404(Vendor, slug=slug)
    return _edit(request, Service(vendor=vendor), "Add a service")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_service", raise_exception=True)
def service_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a service, its models and its regions."""
    service = get_object_or_404(Service.objects.select_related("vendor"), slug=slug)
    return _edit(request, service, f"Edit {service.name}")


def _edit(request: HttpRequest, service: Service, title: str) -> HttpResponse:
    posted = request.POST or None
    extra = 4 if "more" in request.GET else 1
    form = ServiceForm(posted, instance=service, initial={"vendor": service.vendor})
    models = model_rows(extra)(posted, prefix="models", initial=_rows(service, "offered_models"))
    regions = region_rows(extra)(posted, prefix="regions", initial=_rows(service, "regions"))
    if request.method == "POST" and all([form.is_valid(), models.is_valid(), regions.is_valid()]):
        try:
            stored = save_service(
                form.instance,
                [_made(ServiceModel, row) for row in models.filled()],
                [_made(ServiceRegion, row) for row in regions.filled()],
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The service is saved.")
            return redirect("vendors:service-detail", stored.slug)
    context = {
        "form": form,
        "models": models,
        "regions": regions,
        "title": title,
        "vendor": service.vendor,
    }
    return render(request, "vendors/service_form.html", context)


def _rows(service: Service, related: str) -> list[dict[str, Any]]:
    return list(getattr(service, related).values()) if service.pk else []


def _made(model: type[Any], row: dict[str, Any]) -> Any:
    return model(**{name: value for name, value in row.items() if name != "DELETE"})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_service", raise_exception=True)
def service_retire(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a service out of what is offered for new uses."""
    service = get_object_or_404(Service.objects.select_related("vendor"), slug=slug)
    form = RetireForm(request.POST or None, initial={"retired_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            retire_service(service, on=form.cleaned_data["retired_on"])
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The service is retired.")
            return redirect("vendors:service-detail", slug)
    context = {
        "form": form,
        "title": f"Retire {service.name}",
        "vendor": service.vendor,
        "service": service,
        "submit": "Retire",
    }
    return render(request, "vendors/vendor_form.html", context)


def _dimension(name: str) -> Dimension:
    try:
        return Dimension(name)
    except ValueError:
        raise Http404 from None


@require_safe
@permission_required("vendors.view_fact", raise_exception=True)
def fact_history(request: HttpRequest, slug: str, dimension: str) -> HttpResponse:
    """Every look at one dimension of a service, newest first."""
    service = get_object_or_404(Service.objects.select_related("vendor"), slug=slug)
    asked = _dimension(dimension)
    on = as_of.reading_day()
    facts = service.facts.filter(dimension=asked).select_related("verified_by")
    context = {
        "service": service,
        "vendor": service.vendor,
        "dimension": asked,
        "facts": facts.order_by("-recorded_on", "-pk"),
        "lines": [line for line in fact_lines(service, on) if line.dimension == asked],
    }
    return render(request, "vendors/fact_history.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_fact", raise_exception=True)
def fact_create(request: HttpRequest, slug: str, dimension: str) -> HttpResponse:
    """Record a new look at a source; the last one, or `?from=`, fills in the form."""
    service = get_object_or_404(Service.objects.select_related("vendor"), slug=slug)
    asked = _dimension(dimension)
    last = _last(service, asked, request.GET.get("from", ""))
    initial = {name: getattr(last, name) for name in FactForm.Meta.fields} if last else {}
    initial["seen"] = service.facts.order_by("-pk").values_list("pk", flat=True).first() or 0
    form = FactForm(
        request.POST or None, instance=Fact(service=service), initial=initial, dimension=asked
    )
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        try:
            record_fact(
                form.instance,
                by=request.user,
                on=timezone.localdate(),
                seen=form.cleaned_data["seen"],
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{asked.label} is verified as of today.")
            return redirect("vendors:service-detail", slug)
    context = {
        "form": form,
        "title": f"{asked.label}: verify",
        "vendor": service.vendor,
        "service": service,
        "submit": "Record what the source says today",
        "lede": "Open the source, read it, then record what it says. The last answer stays in the "
        "history.",
        "last": last,
    }
    return render(request, "vendors/fact_form.html", context)


def _last(service: Service, dimension: Dimension, pk: str) -> Fact | None:
    """The fact that the form begins with: the one asked for, or the newest without a scope."""
    facts = service.facts.filter(dimension=dimension)
    if pk.isdecimal():
        return get_object_or_404(facts, pk=pk)
    return facts.filter(**dict.fromkeys(SCOPE, "")).order_by("-recorded_on", "-pk").first()
