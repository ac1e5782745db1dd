"""Attributes by which the workbench's buttons change a part of the page instead of all of it.

Without JavaScript each is a submit button whose answer is the whole page, with nothing lost.
"""

from __future__ import annotations

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


def _swap(context: RequestContext, target: str) -> SafeString:
    draft, slug = context["draft"], context["slug"]
    return format_html(
        'hx-post="{0}" hx-target="#{1}" hx-select="#{1}" hx-swap="outerHTML" '
        'hx-encoding="multipart/form-data" hx-nonce="{2}"',
        reverse("vendors:reportdraft-section", args=[draft.pk, slug]),
        target,
        context.get("csp_nonce", ""),
    )


@register.simple_tag(takes_context=True)
def turn(context: RequestContext) -> SafeString:
    """Shows another page of the PDF; the form beside it stays as it is."""
    return _swap(context, "viewer")


@register.simple_tag(takes_context=True)
def rework(context: RequestContext) -> SafeString:
    """Changes the form: takes a proposal over, adds a row."""
    return _swap(context, "workbench")


@register.simple_tag(takes_context=True)
def look_again(context: RequestContext) -> SafeString:
    """Asks every two seconds whether the PDF has been read."""
    return format_html(
        'hx-get="{}" hx-trigger="every 2s" hx-target="#offers" hx-select="#offers" '
        'hx-swap="outerHTML" hx-nonce="{}"',
        reverse("vendors:reportdraft-section", args=[context["draft"].pk, context["slug"]]),
        context.get("csp_nonce", ""),
    )
