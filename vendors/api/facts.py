"""Facts of services: each look at a source is a row of its own."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from vendors.api import answers, describing, filtering
from vendors.api.base import Made, RegisterView
from vendors.api.register import set_members
from vendors.bodies.register import FactBody
from vendors.models import Dimension, Fact, Grade, Service
from vendors.services.facts import record_fact

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

FILTERS = {
    "service": filtering.slug("service__slug", "Slug of a service."),
    "vendor": filtering.slug("service__vendor__slug", "Slug of a vendor."),
    "dimension": filtering.word_of("dimension", Dimension.values, "What is asked."),
    "grade": filtering.word_of("grade", Grade.values, "How firmly it stands."),
    "recorded_after": filtering.day("recorded_on__gt", "Recorded after this day."),
}
EXAMPLE = {
    "service": "larkspur-api",
    "dimension": "retention_days",
    "value": "days",
    "number": 30,
    "grade": "public",
    "source": "https://larkspur.example/terms",
}


class FactListView(RegisterView):
    subject = "vendors.fact"
    permissions = {"GET": "vendors.view_fact", "POST": "vendors.add_fact"}

    @extend_schema(
        operation_id="list_facts",
        summary="List facts about services",
        description="Newest first; older facts of the same scope are the history.",
        parameters=[describing.REQUEST_ID, *filtering.parameters(FILTERS)],
        **describing.told(answers.FactList, "A page; Link names the next one.", "facts"),
    )
    def get(self, request: Request) -> HttpResponse:
        return self.listed(
            request,
            Fact.objects.select_related("service", "verified_by"),
            FILTERS,
            lambda found: answers.FactList([answers.fact_answer(row) for row in found]),
        )

    @extend_schema(
        operation_id="create_fact",
        summary="Record what a source says of a service",
        description="As verified by you today. It takes the place of the last of its scope.",
        **describing.stored(FactBody, answers.FactAnswer, "facts", example=EXAMPLE),
    )
    def post(self, request: Request) -> HttpResponse:
        return self.create(request, FactBody, self._make)

    @staticmethod
    def _make(body: FactBody, by: User, on: dt.date) -> Made:
        service = Service.objects.filter(slug=body.service).first()
        if service is None:
            raise ValidationError({"service": "No service has this slug."})
        row = Fact(service=service)
        set_members(row, body, "service")
        record_fact(row, by=by, on=on)
        return Made(answers.fact_answer(row), reverse("vendors-api:fact-detail", args=[row.pk]))


class FactView(RegisterView):
    subject = "vendors.fact"
    permissions = {"GET": "vendors.view_fact"}

    @extend_schema(
        operation_id="get_fact",
        summary="Show a fact",
        **describing.shown(answers.FactAnswer, "The fact.", "facts"),
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        row = get_object_or_404(Fact.objects.select_related("service", "verified_by"), pk=pk)
        self.read(request, "detail", 1, subject_id=str(pk))
        return self.shown(request, answers.fact_answer(row))
