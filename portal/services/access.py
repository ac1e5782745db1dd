"""Who may do what, in words: roles from the catalogue, and permissions on single objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import Permission
from guardian.models import UserObjectPermission

from policies.models import Integration
from policies.roles import OWNER, ROLES
from portal.models import User

AREAS = {
    "vendors": "Vendors",
    "policies": "Integrations and policies",
    "audits": "Calls",
    "evidence": "Findings and evidence",
    "portal": "People",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One action and, in the order of the columns, whether each role may take it."""

    action: str
    allowed: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Area:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ObjectGrants:
    """What one person may do with one integration beyond their roles and beyond owning it."""

    integration: Integration
    owner: bool
    actions: tuple[str, ...]


def in_words(name: str) -> str:
    """A permission's name without its first words: Can view vendor -> View vendor."""
    words = name.removeprefix("Can ")
    return words[:1].upper() + words[1:]


def matrix() -> tuple[tuple[str, ...], list[Area]]:
    """The columns (each role, and the owner of an integration) and the actions by area.

    One query; the actions are those of the catalogue.
    """
    columns = {**ROLES, "Owner of an integration": OWNER}
    used = {name for names in columns.values() for name in names}
    found = [
        (f"{p.content_type.app_label}.{p.codename}", p)
        for p in Permission.objects.select_related("content_type").order_by(
            "content_type__model", "name"
        )
    ]
    areas = []
    for app, title in AREAS.items():
        rows = tuple(
            Row(in_words(p.name), tuple(string in names for names in columns.values()))
            for string, p in found
            if string in used and p.content_type.app_label == app
        )
        areas.append(Area(title, rows))
    return tuple(columns), areas


def allowed_to(roles: Collection[str]) -> list[tuple[str, tuple[str, ...]]]:
    """What the sum of these roles lets a person do everywhere, by area, in words; one query."""
    columns, areas = matrix()
    held = [number for number, column in enumerate(columns) if column in roles]
    found = [
        (area.title, tuple(row.action for row in area.rows if any(row.allowed[n] for n in held)))
        for area in areas
    ]
    return [(title, actions) for title, actions in found if actions]


def grants_of(person: User) -> list[ObjectGrants]:
    """The integrations a person owns or holds permissions on, by name; two queries."""
    held: dict[str, list[str]] = defaultdict(list)
    for grant in UserObjectPermission.objects.filter(
        user=person,
        content_type__app_label="policies",
        content_type__model="integration",
    ).select_related("permission"):
        if f"policies.{grant.permission.codename}" not in OWNER:
            held[grant.object_pk].append(in_words(grant.permission.name))
        else:
            held.setdefault(grant.object_pk, [])
    owned_or_held = Integration.objects.filter(pk__in=held) | Integration.objects.filter(
        owner=person
    )
    return [
        ObjectGrants(each, each.owner_id == person.pk, tuple(sorted(held[str(each.pk)])))
        for each in owned_or_held.distinct().order_by("name")
    ]
