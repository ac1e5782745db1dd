"""Reads the register into the facts that the gate decides on."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypedDict

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from vendors.models import Agreement, CoveredScope, Fact, Service, ServiceModel, ServiceRegion
from vendors.posture import AgreementFacts, FactValue, Place, Scope, ServicePosture
from vendors.services.report_facts import limits, service_reports


def postures(services: Collection[Service], on: dt.date) -> dict[int, ServicePosture]:
    """The posture of each service on the day `on`, by the service's id; four queries in all."""
    models = ServiceModel.objects.filter(service=OuterRef("pk")).values(
        found=JSONObject(pattern="pattern", lifecycle="lifecycle")
    )
    regions = ServiceRegion.objects.filter(service=OuterRef("pk")).values(
        found=JSONObject(region="region", purpose="purpose", guarantee="guarantee")
    )
    rows = list(
        Service.objects.filter(pk__in={s.pk for s in services})
        .select_related("vendor")
        .annotate(offered=ArraySubquery(models), recorded=ArraySubquery(regions))
    )
    ids = {row.pk for row in rows}
    baas = _baas({row.vendor_id for row in rows}, ids)
    reports = service_reports(ids)
    facts = _facts(ids, on)
    rules = limits()
    return {
        service.pk: ServicePosture(
            **_of_service(service),
            service_id=service.pk,
            service=service.name,
            vendor=service.vendor.name,
            vendor_state=service.vendor.state,
            review_due_on=service.vendor.next_review_on,
            deployment=service.deployment,
            baas=tuple(_for_service(baa, service.pk) for baa in baas[service.vendor_id]),
            reports=tuple(reports[service.pk]),
            facts=tuple(facts[service.pk]),
            limits=rules,
        )
        for service in rows
    }


class _Offer(TypedDict):
    """What a service offers, where, and until when."""

    regions: tuple[str, ...]
    models: tuple[str, ...]
    previews: tuple[str, ...]
    places: tuple[Place, ...]
    plan: str
    hosts: tuple[str, ...]
    retired_on: dt.date | None
    conditional_until: dt.date | None


def _of_service(service: Any) -> _Offer:
    places = tuple(Place(r["region"], r["purpose"], r["guarantee"]) for r in service.recorded)
    preview = ServiceModel.Lifecycle.PREVIEW
    return {
        "regions": tuple(p.region for p in places if p.purpose == ServiceRegion.Purpose.PROCESSING),
        "models": tuple(m["pattern"] for m in service.offered),
        "previews": tuple(m["pattern"] for m in service.offered if m["lifecycle"] == preview),
        "places": places,
        "plan": service.plan,
        "hosts": tuple(service.endpoint_hosts),
        "retired_on": service.retired_on,
        "conditional_until": service.vendor.conditional_until,
    }


class _Baa(TypedDict):
    """A BAA as `_baas` reads it, with the scopes that name one of the services asked for."""

    facts: AgreementFacts
    scopes: list[dict[str, Any]]


def _baas(vendor_ids: set[int], service_ids: set[int]) -> dict[int, list[_Baa]]:
    scopes = CoveredScope.objects.filter(
        agreement=OuterRef("pk"), service_id__in=service_ids
    ).values(
        found=JSONObject(
            service="service_id",
            model_pattern="model_pattern",
            region="region",
            features_excluded="features_excluded",
            plan="plan",
            account="account",
            endpoint="endpoint",
            features="features",
            settings_required="settings_required",
            general_availability_only="general_availability_only",
        )
    )
    found: dict[int, list[_Baa]] = defaultdict(list)
    for agreement in Agreement.objects.filter(
        vendor_id__in=vendor_ids, kind=Agreement.Kind.BAA
    ).annotate(named=ArraySubquery(scopes)):
        facts = AgreementFacts(
            agreement_id=agreement.pk,
            reference=agreement.reference,
            first_day=agreement.starts_on,
            last_day=agreement.last_day(),
            scopes=(),
            account=agreement.account,
        )
        found[agreement.vendor_id].append({"facts": facts, "scopes": agreement.named})
    return found


def _for_service(baa: _Baa, service_id: int) -> AgreementFacts:
    scopes = tuple(_scope(s) for s in baa["scopes"] if s["service"] == service_id)
    return replace(baa["facts"], scopes=scopes)


def _scope(row: dict[str, Any]) -> Scope:
    lists = ("features", "features_excluded", "settings_required")
    fields: dict[str, Any] = {name: tuple(v) if name in lists else v for name, v in row.items()}
    del fields["service"]
    return Scope(**fields)


def _facts(service_ids: set[int], on: dt.date) -> dict[int, list[FactValue]]:
    found: dict[int, list[FactValue]] = defaultdict(list)
    for fact in Fact.objects.filter(service_id__in=service_ids).current(on):
        found[fact.service_id].append(
            FactValue(
                fact_id=fact.pk,
                dimension=fact.dimension,
                value=fact.value,
                number=fact.number,
                grade=fact.grade,
                stale_on=fact.stale_on(fresh_days=settings.FACT_FRESH_DAYS),
                model_pattern=fact.model_pattern,
                region=fact.region,
                endpoint=fact.endpoint,
                plan=fact.plan,
            )
        )
    return found
