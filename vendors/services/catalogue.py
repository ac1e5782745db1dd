"""What public sources say of ten offerings: loaded once, then it ages like every other fact."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from vendors.models import Fact, Service, ServiceModel, ServiceRegion, Vendor
from vendors.services.costs import load_costs
from vendors.services.register import save_service
from vendors.services.saving import save_checked

CATALOGUE = Path(__file__).resolve().parent.parent / "catalogue.json"


@dataclass(slots=True)
class Loaded:
    """How many rows a load added; all zero when there was nothing new."""

    vendors: int = 0
    services: int = 0
    facts: int = 0
    costs: int = 0


@transaction.atomic
def load_catalogue(*, on: dt.date) -> Loaded:
    """Put the catalogue into the register on the day `on`; safe to repeat.

    Vendors come as prospects: the catalogue says what is offered, not what we signed. What people
    changed stays. A fact whose source was read after `on` is left out, and so is one that would
    take the place of what a person verified later. Facts of the article keep their day of 2025, so
    they are the history of what was found since; so do its costs.
    """
    content = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    loaded = Loaded()
    for entry in content["vendors"]:
        loaded.vendors += _add_vendor(entry)
    for entry in content["services"]:
        loaded.services += _add_service(entry)
    services = {s.slug: s for s in Service.objects.filter(slug__in=_slugs(content["services"]))}
    article = dt.date.fromisoformat(content["article"]["recorded_on"])
    for entry in content["article"]["facts"]:
        loaded.facts += _add_fact(services[entry["service"]], entry, recorded_on=article)
    for entry in content["facts"]:
        loaded.facts += _add_fact(services[entry["service"]], entry, recorded_on=on)
    loaded.costs = load_costs()
    return loaded


def _slugs(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["slug"] for entry in entries]


def _add_vendor(entry: dict[str, Any]) -> bool:
    if Vendor.objects.filter(slug=entry["slug"]).exists():
        return False
    save_checked(Vendor(**entry))
    return True


def _add_service(entry: dict[str, Any]) -> bool:
    if Service.objects.filter(slug=entry["slug"]).exists():
        return False
    fields = {**entry, "vendor": Vendor.objects.get(slug=entry["vendor"])}
    models = [ServiceModel(pattern=pattern) for pattern in fields.pop("models")]
    regions = [ServiceRegion(**region) for region in fields.pop("regions")]
    save_service(Service(**fields), models, regions)
    return True


def _add_fact(service: Service, entry: dict[str, Any], *, recorded_on: dt.date) -> bool:
    day = entry["verified_on"]
    fact = Fact(
        service=service,
        dimension=entry["dimension"],
        value=entry["value"],
        number=entry.get("number"),
        model_pattern=entry.get("model_pattern", ""),
        detail=entry["detail"],
        source=entry["source"],
        grade=entry["grade"],
        verified_on=dt.date.fromisoformat(day) if day else None,
        recorded_on=recorded_on,
    )
    if fact.verified_on is not None and fact.verified_on > recorded_on:
        return False
    same_scope = Fact.objects.filter(
        service=service,
        dimension=fact.dimension,
        model_pattern=fact.model_pattern,
        region="",
        endpoint="",
        plan="",
    )
    known = same_scope.filter(source=fact.source, verified_on=fact.verified_on, value=fact.value)
    by_a_person = same_scope.filter(
        verified_by__isnull=False, verified_on__gte=fact.verified_on or dt.date.min
    )
    if known.exists() or by_a_person.filter(recorded_on__lte=recorded_on).exists():
        return False
    save_checked(fact)
    return True
