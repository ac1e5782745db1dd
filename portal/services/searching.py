"""Finds what the register names; everybody finds only what they may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import F, Q

from evidence.models import Finding
from policies.models import Integration
from portal.context import address
from portal.models import User
from vendors.models import Agreement, Service, Vendor

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Hit:
    title: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where is searched, by people with `permission`."""

    title: str
    icon: str
    permission: str
    find: Callable[[str], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Group:
    """What one place gave: at most SHOWN hits, and whether there are more."""

    title: str
    icon: str
    hits: tuple[Hit, ...]
    more: bool


def search(text: str, viewer: User) -> list[Group]:
    """What names `text`, whatever its case, by place; one query a place. Nothing is kept of it."""
    groups = []
    for place in PLACES:
        if viewer.has_perm(place.permission):
            hits = tuple(place.find(text))
            if hits:
                groups.append(Group(place.title, place.icon, hits[:SHOWN], len(hits) > SHOWN))
    return groups


def vendors(text: str) -> Iterable[Hit]:
    rows = Vendor.objects.filter(Q(name__icontains=text) | Q(legal_name__icontains=text))
    for each in rows[: SHOWN + 1]:
        yield Hit(each.name, each.get_state_display(), address("vendors:vendor-detail", each.slug))


def services(text: str) -> Iterable[Hit]:
    rows = Service.objects.filter(
        Q(name__icontains=text) | Q(provider__icontains=text) | Q(plan__icontains=text)
    )
    for each in rows.select_related("vendor")[: SHOWN + 1]:
        yield Hit(each.name, each.vendor.name, address("vendors:service-detail", each.slug))


def agreements(text: str) -> Iterable[Hit]:
    rows = Agreement.objects.filter(Q(reference__icontains=text) | Q(counterparty__icontains=text))
    for each in rows.select_related("vendor")[: SHOWN + 1]:
        yield Hit(
            f"{each}, version {each.version}",
            each.counterparty,
            address("vendors:agreement-detail", each.pk),
        )


def integrations(text: str) -> Iterable[Hit]:
    rows = Integration.objects.filter(
        Q(name__icontains=text)
        | Q(slug__icontains=text)
        | Q(purpose__icontains=text)
        | Q(service__name__icontains=text)
    )
    for each in rows.select_related("service")[: SHOWN + 1]:
        yield Hit(
            each.name,
            f"{each.service}, {each.get_state_display().lower()}",
            address("policies:integration-detail", each.slug),
        )


def findings(text: str) -> Iterable[Hit]:
    """Open ones first."""
    rows = Finding.objects.filter(
        Q(subject_label__icontains=text) | Q(detail__icontains=text)
    ).order_by(F("closed_at").desc(nulls_first=True), "-opened_at")
    for each in rows[: SHOWN + 1]:
        yield Hit(
            f"{each.title}: {each.subject_label}",
            f"Closed {each.closed_at:%-d %b %Y}" if each.closed_at else "Open",
            address("evidence:finding-detail", each.pk),
        )


PLACES = [
    Place("Vendors", "building-bank", "vendors.view_vendor", vendors),
    Place("Services", "cpu", "vendors.view_service", services),
    Place("Agreements", "signature", "vendors.view_agreement", agreements),
    Place("Integrations", "plug-connected", "policies.view_integration", integrations),
    Place("Findings", "alert-triangle", "evidence.view_finding", findings),
]
