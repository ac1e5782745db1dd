"""Addresses of allauth that this portal does not open."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse


def closed(_request: HttpRequest, **_parts: str) -> HttpResponse:
    """The address is the name of a person in every record, so nobody changes their own."""
    raise Http404
