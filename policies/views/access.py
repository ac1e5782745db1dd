"""Who asks, and whether they may: shared by the pages of an integration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse

from policies.models import Integration
from policies.services.grants import may
from policies.services.trail import Person, Refused

if TYPE_CHECKING:
    from collections.abc import Callable


def person(request: HttpRequest) -> Person:
    """The person who asks; LoginRequiredMiddleware lets nobody else through."""
    assert request.user.is_authenticated
    return request.user


def integration_for(request: HttpRequest, slug: str, permission: str) -> Integration:
    """The integration, for a person who holds the permission by role or on this object.

    Raises: Http404 if there is none, PermissionDenied without the permission.
    """
    found = get_object_or_404(
        Integration.objects.select_related(
            "service__vendor", "owner", "created_by", "deidentification_document"
        ).prefetch_related("data_classes"),
        slug=slug,
    )
    if not may(person(request), permission, found):
        raise PermissionDenied
    return found


def address(name: str, *args: object) -> str:
    """The address of a page of any app by its name, or nothing where it is not installed."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def tell(request: HttpRequest, step: Callable[[], object], done: str) -> bool:
    """Take a step; say on the next page that it is done, or why it was refused."""
    try:
        step()
    except Refused as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, done)
    return True
