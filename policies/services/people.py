"""Groups and their permissions, written from the catalogue of roles."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Group, Permission
from django.db import transaction
from django.db.models import QuerySet

from policies.roles import OFFICER, ROLES


def officers() -> QuerySet[AbstractBaseUser]:
    """The active compliance officers: who answers for what nobody else owns."""
    return get_user_model().objects.filter(groups__name=OFFICER, is_active=True).order_by("email")


@transaction.atomic
def sync_roles() -> None:
    """Make each role's group hold exactly the permissions of the catalogue; safe to repeat.

    Raises: LookupError naming the permission strings that no model declares.
    """
    known = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in Permission.objects.select_related("content_type")
    }
    missing = {name for names in ROLES.values() for name in names} - set(known)
    if missing:
        raise LookupError(f"no such permission: {', '.join(sorted(missing))}")
    for role, names in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(known[name] for name in names)
