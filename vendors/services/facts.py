"""What is known of a service: every look at a source is a row of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from vendors.models import Fact, FactAssignment, Service, Vendor
from vendors.models.facts import FACT_SCOPE
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

OUTDATED = "Somebody recorded a newer answer meanwhile. Look at it, then decide again."


@transaction.atomic
def record_fact(fact: Fact, *, by: User | None, on: dt.date, seen: int | None = None) -> Fact:
    """Store a fact, given unsaved, as verified and recorded on the day `on`.

    It takes the place of the last fact with the same service, dimension and scope; that one stays
    in the history, and whoever was to look at it has done so. `seen` is the number of that last
    fact as the person saw it, where they did.
    Raises: ValidationError, also if another came between.
    """
    if seen is not None:
        _lock([fact.service])
        newest = _of_scope(fact).order_by("-recorded_on", "-pk").first()
        if newest is not None and newest.pk > seen:
            raise ValidationError(OUTDATED)
    fact.verified_by, fact.verified_on, fact.recorded_on = by, on, on
    save_checked(fact)
    if by is not None:
        _looked_at([fact])
    return fact


@transaction.atomic
def record_for_services(
    fact: Fact, services: Sequence[Service], *, by: User, on: dt.date
) -> list[Fact]:
    """Record the same answer of one source, given unsaved, for each service.

    Raises: ValidationError; nothing is stored then.
    """
    if not services:
        raise ValidationError({"services": "Choose the services that the source speaks of."})
    return [record_fact(_copy(fact, service), by=by, on=on) for service in services]


@transaction.atomic
def still_the_same(facts: Sequence[Fact], *, by: User, on: dt.date) -> list[Fact]:
    """Record that the source of these facts says on the day `on` what it said before.

    Each becomes a new fact; nothing but who and when differs. They are of one source, since one
    source was read. Raises: ValidationError if they are not, if a newer one came between, or if
    one has run out by its own day; then nothing is stored.
    """
    if not facts:
        raise ValidationError("Tick what you have verified.")
    if len({fact.source for fact in facts}) > 1:
        raise ValidationError("Verify one source at a time: these are of several.")
    _lock([fact.service for fact in facts])
    standing = set(
        Fact.objects.filter(service__in={fact.service_id for fact in facts})
        .current(on)
        .values_list("pk", flat=True)
    )
    if not {fact.pk for fact in facts} <= standing:
        raise ValidationError(OUTDATED)
    for fact in facts:
        if fact.expires_on and fact.expires_on <= on:
            raise ValidationError(
                f"{fact.get_dimension_display()} of {fact.service} ran out on "
                f"{fact.expires_on:%-d %b %Y}: record what holds now."
            )
    return [record_fact(_copy(fact, fact.service), by=by, on=on) for fact in facts]


def _copy(fact: Fact, service: Service) -> Fact:
    said = {
        field.attname: getattr(fact, field.attname)
        for field in Fact._meta.concrete_fields
        if not field.primary_key and field.name != "service"
    }
    return Fact(service=service, **said)


def _of_scope(fact: Fact) -> QuerySet[Fact]:
    return Fact.objects.filter(**{name: getattr(fact, name) for name in FACT_SCOPE})


def _lock(services: Iterable[Service]) -> None:
    """Until the transaction ends nobody else records against what they saw of these vendors."""
    ids = sorted({service.vendor_id for service in services})
    list(Vendor.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))


def _looked_at(facts: Collection[Fact]) -> None:
    for fact in facts:
        for row in FactAssignment.objects.filter(service=fact.service, dimension=fact.dimension):
            row.delete()


@transaction.atomic
def assign_facts(
    facts: Iterable[Fact], *, assignee: User | None, look_by: dt.date | None, by: User, on: dt.date
) -> int:
    """Say who looks next at the dimensions of these facts; nobody if `assignee` is None.

    Returns: of how many dimensions of services. Raises: ValidationError.
    """
    wanted = {(fact.service_id, fact.dimension): fact for fact in facts}
    if not wanted:
        raise ValidationError("Tick what somebody should look at.")
    for fact in wanted.values():
        rows = FactAssignment.objects.filter(service=fact.service, dimension=fact.dimension)
        row = rows.first() or FactAssignment(service=fact.service, dimension=fact.dimension)
        if assignee is None:
            if row.pk:
                row.delete()
            continue
        row.assignee, row.look_by, row.assigned_by, row.assigned_on = assignee, look_by, by, on
        save_checked(row)
    return len(wanted)
