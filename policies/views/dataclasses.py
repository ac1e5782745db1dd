"""Data classes, and what the gate asks of each."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from policies.forms.requirements import DataClassForm
from policies.gate import effect
from policies.models import DataClass, Integration
from policies.reasons import REASONS, UNCONDITIONAL
from policies.services.deciding import class_rows, class_terms
from policies.services.requirements import impact, save_class, strictness
from policies.services.starter import CHOICES
from vendors import as_of
from vendors.exports import Cell, table_response
from vendors.models import Service

EFFECT_PILLS = {"block": ("bad", "Blocks"), "warn": ("soon", "Warns"), "off": ("neutral", "Off")}
EXPORT_HEADERS = (
    "Class",
    "PHI",
    "Description",
    "Retention, days",
    "Regions",
    "Deployments",
    "Integrations",
)
TABS = {"requirements": "Requirements", "integrations": "Integrations", "history": "History"}


@require_safe
@permission_required("policies.view_requirement", raise_exception=True)
def dataclass_list(request: HttpRequest) -> HttpResponse:
    """Every data class with its limits, and the whole matrix of reasons and effects."""
    rows = class_rows()
    terms = class_terms(rows)
    uses = _uses()
    context = {
        "classes": [
            {
                "row": row,
                "counts": strictness(t),
                "uses": uses.get(row.slug, 0),
                "deployments": deployment_names(row),
            }
            for row, t in zip(rows, terms, strict=True)
        ],
        "matrix": [
            {"reason": REASONS[code], "cells": [EFFECT_PILLS[effect(t, code)] for t in terms]}
            for code in CHOICES
        ],
        "always": [REASONS[code] for code in UNCONDITIONAL],
    }
    return render(request, "policies/dataclass_list.html", context)


def _uses() -> dict[str, int]:
    """How many open integrations carry each class."""
    return dict(
        DataClass.objects.filter(integrations__in=Integration.objects.open())
        .order_by()
        .annotate(count=Count("integrations"))
        .values_list("slug", "count")
    )


@require_safe
@permission_required("policies.view_requirement", raise_exception=True)
def dataclass_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The list as a file: each data class with its limits and what each reason does."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    headers = (*EXPORT_HEADERS, *(REASONS[code].title for code in CHOICES))
    name = f"data-classes-{as_of.reading_day().isoformat()}"
    return table_response(kind, name, headers, _export_rows())


def _export_rows() -> Iterator[list[Cell]]:
    rows, uses = class_rows(), _uses()
    for row, terms in zip(rows, class_terms(rows), strict=True):
        days = row.max_retention_days
        yield [
            row.name,
            row.is_phi,
            row.description,
            "any" if days is None else days,
            "; ".join(row.allowed_regions) or "any",
            "; ".join(deployment_names(row)) or "any",
            uses.get(row.slug, 0),
            *(EFFECT_PILLS[effect(terms, code)][1] for code in CHOICES),
        ]


def deployment_names(row: DataClass) -> list[str]:
    """The kinds of deployment a class allows, as people read them."""
    names = dict(Service.Deployment.choices)
    return [names[kind] for kind in row.allowed_deployments]


@require_safe
@permission_required("policies.view_requirement", raise_exception=True)
def dataclass_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One class: description, limits, effects, the integrations that carry it, history."""
    row = get_object_or_404(DataClass, slug=slug)
    terms = next(t for t in class_terms() if t.slug == slug)
    tab = request.GET.get("tab", "requirements")
    tab = tab if tab in TABS else "requirements"
    context = {
        "row": row,
        "tab": tab,
        "tabs": [
            {"label": label, "url": f"?tab={name}", "current": name == tab}
            for name, label in TABS.items()
        ],
        "deployments": deployment_names(row),
        "effects": [
            {"reason": REASONS[code], "pill": EFFECT_PILLS[effect(terms, code)]} for code in CHOICES
        ],
        "integrations": row.integrations.open().select_related("service", "owner")[:100]
        if tab == "integrations"
        else (),
    }
    return render(request, "policies/dataclass_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(
    ["policies.add_dataclass", "policies.change_requirement"], raise_exception=True
)
def dataclass_create(request: HttpRequest) -> HttpResponse:
    """A new class; every reason blocks until somebody chooses otherwise."""
    return _edit(request, DataClass())


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(
    ["policies.change_dataclass", "policies.change_requirement"], raise_exception=True
)
def dataclass_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a class: first what that would do, then the change itself."""
    return _edit(request, get_object_or_404(DataClass, slug=slug))


def _edit(request: HttpRequest, row: DataClass) -> HttpResponse:
    form = DataClassForm(request.POST or None, instance=row)
    context: dict[str, object] = {"form": form, "row": row, "is_new": row.pk is None}
    if request.method == "POST" and form.is_valid():
        changed: DataClass = form.save(commit=False)
        if request.POST.get("action") == "save":
            save_class(changed, form.effects())
            messages.success(request, f"{changed.name} saved. It is in force from now on.")
            return redirect("policies:dataclass-detail", changed.slug)
        context["impact"] = impact(changed, form.effects(), timezone.localdate())
    return render(request, "policies/dataclass_form.html", context)
