"""Short names for addresses."""

from __future__ import annotations

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.text import slugify

from vendors.models import Service, Vendor
from vendors.models.register import TAKEN_SLUGS


def free_slug(
    model: type[Model],
    name: str,
    *,
    taken: Collection[str] = TAKEN_SLUGS,
    otherwise: str = "unnamed",
    longest: int = 70,
) -> str:
    """A slug of the name that no other row has.

    Not one of `taken`, which addresses mean otherwise; `otherwise` stands for a name of which
    nothing is left. `longest`: characters, without the number behind it.
    """
    stem = slugify(name)[:longest].strip("-") or otherwise
    slug, number = stem, 1
    while slug in taken or QuerySet(model).filter(slug=slug).exists():
        number += 1
        slug = f"{stem}-{number}"
    return slug


def checked_slug(model: type[Vendor | Service], name: str, asked: str | None) -> str:
    """The slug that is asked for, or a free one of the name. Raises: ValidationError."""
    if asked is None:
        return free_slug(model, name)
    if asked in TAKEN_SLUGS or model.objects.filter(slug=asked).exists():
        raise ValidationError({"slug": "This slug is taken."})
    return asked
