"""`{% history object %}`: who changed what of an object, and when."""

from __future__ import annotations

from typing import Any

from django import template
from django.core.paginator import Paginator
from django.db.models import Model
from django.template.context import RequestContext

from vendors.services.history import describe, entries

register = template.Library()

PER_PAGE = 20
PARAMETER = "history"


@register.inclusion_tag("components/_history.html", takes_context=True)
def history(context: RequestContext, subject: Model) -> dict[str, Any]:
    """The entries of an object and of its parts, newest first, a page at a time.

    The page's number is the query parameter `history`; whoever may not see a part sees no entry
    of it.
    """
    request = context["request"]
    paginator = Paginator(entries(subject, viewer=request.user), PER_PAGE)
    page = paginator.get_page(request.GET.get(PARAMETER))
    return {
        "request": request,
        "csp_nonce": context.get("csp_nonce", ""),
        "page": page,
        "entries": describe(page.object_list, subject),
        "total": paginator.count,
    }
