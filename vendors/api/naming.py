"""Finds what a body names; what is not there is refused by the field's name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from vendors.models import Service, Vendor

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


def owner(mail: str | None) -> User | None:
    """The active person of this address. Raises: ValidationError."""
    if mail is None:
        return None
    found = get_user_model().objects.filter(email__iexact=mail, is_active=True).first()
    if found is None:
        raise ValidationError({"owner": "No active person has this address."})
    return found


def vendor(slug: str) -> Vendor:
    """Raises: ValidationError."""
    found = Vendor.objects.filter(slug=slug).first()
    if found is None:
        raise ValidationError({"vendor": "No vendor has this slug."})
    return found


def services(of: Vendor, slugs: Iterable[str], field: str) -> dict[str, Service]:
    """The vendor's services by slug. Raises: ValidationError if one is not the vendor's."""
    wanted = set(slugs)
    found = {service.slug: service for service in of.services.filter(slug__in=wanted)}
    if set(found) < wanted:
        raise ValidationError({field: "This vendor has no service of one of these slugs."})
    return found
