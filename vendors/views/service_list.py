"""Every service across vendors, as a page and as a file that an import reads again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import django_filters
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from vendors import as_of
from vendors.exports import Cell, table_response
from vendors.models import Service, ServiceModel

PER_PAGE = 25
HEADERS = (
    "Vendor",
    "Service",
    "Provider",
    "Deployment",
    "Plan",
    "Endpoint hosts",
    "Models",
    "Regions",
    "Description",
    "Retired on",
)
CHUNK = 500


class ServiceFilter(django_filters.FilterSet):
    """Services across vendors; `on` is the day on which they are offered or not."""

    OFFERED = [("yes", "Offered"), ("no", "Retired")]

    q = django_filters.CharFilter(method="search", label="Search", max_length=80)
    deployment = django_filters.ChoiceFilter(choices=Service.Deployment, empty_label="Any")
    offered = django_filters.ChoiceFilter(
        method="by_offer", choices=OFFERED, label="Offer", empty_label="Any"
    )
    sort = django_filters.OrderingFilter(
        fields={"vendor__name": "vendor", "name": "name", "provider": "provider"}
    )

    class Meta:
        model = Service
        fields: list[str] = []

    def __init__(self, *args: Any, on: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on = on
        self.form.fields["q"].widget.attrs["placeholder"] = "Service, vendor, provider or model"

    def search(self, found: QuerySet[Service], _name: str, value: str) -> QuerySet[Service]:
        """Services with the text in their name, their vendor's, their provider's or a model's."""
        models = ServiceModel.objects.filter(service=OuterRef("pk"), pattern__icontains=value)
        return found.filter(
            Q(name__icontains=value)
            | Q(vendor__name__icontains=value)
            | Q(provider__icontains=value)
            | Exists(models)
        )

    def by_offer(self, found: QuerySet[Service], _name: str, value: str) -> QuerySet[Service]:
        offered = Q(pk__in=Service.objects.offered(self.on).values("pk"))
        return found.filter(offered if value == "yes" else ~offered)


def read() -> QuerySet[Service]:
    return Service.objects.select_related("vendor").prefetch_related("offered_models", "regions")


@require_safe
@permission_required("vendors.view_service", raise_exception=True)
def service_list(request: HttpRequest) -> HttpResponse:
    """All services, narrowed by the address."""
    chosen = ServiceFilter(request.GET, read(), on=as_of.reading_day())
    page = Paginator(chosen.qs, PER_PAGE).get_page(request.GET.get("page"))
    context = {"filter": chosen, "page_obj": page, "on": as_of.reading_day()}
    return render(request, "vendors/service_list.html", context)


@require_safe
@permission_required("vendors.view_service", raise_exception=True)
def service_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it; the headings are those of the import."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    chosen = ServiceFilter(request.GET, read(), on=as_of.reading_day())
    return table_response(kind, "services", HEADERS, _rows(chosen.qs))


def _rows(services: QuerySet[Service]) -> Iterator[list[Cell]]:
    for service in services.iterator(chunk_size=CHUNK):
        models = [f"{m.pattern} = {m.lifecycle}" for m in service.offered_models.all()]
        regions = [f"{r.region} = {r.purpose}, {r.guarantee}" for r in service.regions.all()]
        yield [
            service.vendor.name,
            service.name,
            service.provider,
            service.get_deployment_display(),
            service.plan,
            "; ".join(service.endpoint_hosts),
            "; ".join(models),
            "; ".join(regions),
            service.description,
            service.retired_on,
        ]
