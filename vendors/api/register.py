"""Vendors and their services."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from msgspec import UNSET
from rest_framework.request import Request

from vendors.api import answers, describing, filtering, naming
from vendors.api.base import Made, RegisterView
from vendors.bodies.register import (
    OfferedModel,
    OfferedRegion,
    ServiceBody,
    ServiceChange,
    VendorBody,
    VendorChange,
)
from vendors.models import Service, ServiceModel, ServiceRegion, Vendor
from vendors.services.register import save_service
from vendors.services.saving import save_checked
from vendors.services.slugs import checked_slug

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

VENDOR_FILTERS = {
    "state": filtering.word_of("state", Vendor.State.values, "Where it stands with us."),
    "criticality": filtering.word_of("criticality", Vendor.Criticality.values, "How critical."),
    "review_due_before": filtering.day("next_review_on__lt", "Next review before this day."),
}
SERVICE_FILTERS = {
    "vendor": filtering.slug("vendor__slug", "Slug of a vendor."),
    "provider": filtering.slug("provider", "Provider, as OpenTelemetry names it."),
    "deployment": filtering.word_of("deployment", Service.Deployment.values, "How it is run."),
}
VENDOR_EXAMPLE = {
    "name": "Larkspur AI",
    "legal_name": "Larkspur AI, Inc.",
    "website": "https://larkspur.example",
    "criticality": "high",
}
SERVICE_EXAMPLE = {
    "vendor": "larkspur-ai",
    "name": "Larkspur API",
    "provider": "larkspur",
    "models": [{"pattern": "lark-*"}],
    "regions": [{"region": "us-east-1", "guarantee": "contract"}],
}


def set_members(row: Any, body: msgspec.Struct, *beside: str) -> None:
    """Set what the body gives on the row; the owner by address; `beside` is not the row's."""
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if value is UNSET or name in beside:
            continue
        setattr(row, name, naming.owner(value) if name == "owner" else value)


class VendorListView(RegisterView):
    subject = "vendors.vendor"
    permissions = {"GET": "vendors.view_vendor", "POST": "vendors.add_vendor"}

    @extend_schema(
        operation_id="list_vendors",
        summary="List vendors",
        description="Newest first. Every read is recorded. There are no totals.",
        parameters=[describing.REQUEST_ID, *filtering.parameters(VENDOR_FILTERS)],
        **describing.told(answers.VendorList, "A page; Link names the next one.", "vendors"),
    )
    def get(self, request: Request) -> HttpResponse:
        rows = Vendor.objects.select_related("owner")
        return self.listed(
            request,
            rows,
            VENDOR_FILTERS,
            lambda found: answers.VendorList([answers.vendor_answer(row) for row in found]),
        )

    @extend_schema(
        operation_id="create_vendor",
        summary="Add a vendor",
        description="It begins as a prospect: state and reviews are steps of people.",
        **describing.stored(VendorBody, answers.VendorAnswer, "vendors", example=VENDOR_EXAMPLE),
    )
    def post(self, request: Request) -> HttpResponse:
        return self.create(request, VendorBody, self._make)

    @staticmethod
    def _make(body: VendorBody, by: User, on: dt.date) -> Made:
        row = Vendor()
        set_members(row, body, "slug")
        row.slug = checked_slug(Vendor, body.name, None if body.slug is UNSET else body.slug)
        save_checked(row)
        return Made(
            answers.vendor_answer(row), reverse("vendors-api:vendor-detail", args=[row.slug])
        )


class VendorView(RegisterView):
    subject = "vendors.vendor"
    permissions = {"GET": "vendors.view_vendor", "PATCH": "vendors.change_vendor"}

    @extend_schema(
        operation_id="get_vendor",
        summary="Show a vendor",
        **describing.shown(answers.VendorAnswer, "The vendor.", "vendors", by_slug=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        row = get_object_or_404(Vendor.objects.select_related("owner"), slug=slug)
        self.read(request, "detail", 1, subject_id=slug[:40])
        return self.shown(request, answers.vendor_answer(row))

    @extend_schema(
        operation_id="change_vendor",
        summary="Change a vendor",
        description="What is left out stays. The ETag of what you have seen goes into If-Match.",
        **describing.changed(VendorChange, answers.VendorAnswer, "vendors"),
    )
    def patch(self, request: Request, slug: str) -> HttpResponse:
        def locked() -> Vendor:
            rows = Vendor.objects.select_for_update(of=("self",), no_key=True)
            return get_object_or_404(rows.select_related("owner"), slug=slug)

        def apply(row: Vendor, body: VendorChange) -> Vendor:
            set_members(row, body)
            save_checked(row)
            return row

        return self.change(request, VendorChange, locked, answers.vendor_answer, apply)


def services_read() -> QuerySet[Service]:
    return Service.objects.select_related("vendor").prefetch_related("offered_models", "regions")


def _models(given: list[OfferedModel]) -> list[ServiceModel]:
    return [ServiceModel(pattern=m.pattern, lifecycle=m.lifecycle) for m in given]


def _regions(given: list[OfferedRegion]) -> list[ServiceRegion]:
    return [ServiceRegion(region=r.region, purpose=r.purpose, guarantee=r.guarantee) for r in given]


class ServiceListView(RegisterView):
    subject = "vendors.service"
    permissions = {"GET": "vendors.view_service", "POST": "vendors.add_service"}

    @extend_schema(
        operation_id="list_services",
        summary="List services",
        description="Newest first, with their models and regions.",
        parameters=[describing.REQUEST_ID, *filtering.parameters(SERVICE_FILTERS)],
        **describing.told(answers.ServiceList, "A page; Link names the next one.", "services"),
    )
    def get(self, request: Request) -> HttpResponse:
        return self.listed(
            request,
            services_read(),
            SERVICE_FILTERS,
            lambda found: answers.ServiceList([answers.service_answer(row) for row in found]),
        )

    @extend_schema(
        operation_id="create_service",
        summary="Add a service of a vendor",
        **describing.stored(
            ServiceBody, answers.ServiceAnswer, "services", example=SERVICE_EXAMPLE
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        return self.create(request, ServiceBody, self._make)

    @staticmethod
    def _make(body: ServiceBody, by: User, on: dt.date) -> Made:
        row = Service(vendor=naming.vendor(body.vendor))
        set_members(row, body, "vendor", "slug", "models", "regions")
        row.slug = checked_slug(Service, body.name, None if body.slug is UNSET else body.slug)
        save_service(row, _models(body.models), _regions(body.regions))
        return Made(
            answers.service_answer(services_read().get(pk=row.pk)),
            reverse("vendors-api:service-detail", args=[row.slug]),
        )


class ServiceView(RegisterView):
    subject = "vendors.service"
    permissions = {"GET": "vendors.view_service", "PATCH": "vendors.change_service"}

    @extend_schema(
        operation_id="get_service",
        summary="Show a service",
        **describing.shown(answers.ServiceAnswer, "The service.", "services", by_slug=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        row = get_object_or_404(services_read(), slug=slug)
        self.read(request, "detail", 1, subject_id=slug[:40])
        return self.shown(request, answers.service_answer(row))

    @extend_schema(
        operation_id="change_service",
        summary="Change a service",
        description="What is left out stays; models and regions given take the place of all.",
        **describing.changed(ServiceChange, answers.ServiceAnswer, "services"),
    )
    def patch(self, request: Request, slug: str) -> HttpResponse:
        def locked() -> Service:
            return get_object_or_404(
                services_read().select_for_update(of=("self",), no_key=True), slug=slug
            )

        def apply(row: Service, body: ServiceChange) -> Service:
            set_members(row, body, "models", "regions")
            models, regions = body.models, body.regions
            save_service(
                row,
                list(row.offered_models.all()) if models is UNSET else _models(models),
                list(row.regions.all()) if regions is UNSET else _regions(regions),
            )
            return services_read().get(pk=row.pk)

        return self.change(request, ServiceChange, locked, answers.service_answer, apply)
