"""The door behind a link: no account, a secret in the address, little work for strangers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from vendors.models import Inquiry
from vendors.network import network_of, peer_of
from vendors.services.inquiries import find_inquiry

P = ParamSpec("P")
# A body with the files of one section; past it nothing is read.
BODY_BYTES = 32 * 1024 * 1024
# In a minute: secrets that a network may try in vain, and requests that a link answers.
TRIES, REQUESTS = 30, 240
# Files that are looked at for a link in a minute, refused ones among them: each costs a process.
UPLOADS = 20
SECONDS = 60
HEADERS = {
    "Cache-Control": "no-store, private",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    # The address is a secret. `no-referrer` would be stricter by nothing that leaves this site,
    # and would have browsers send `Origin: null` with a form, which CSRF protection refuses.
    "Referrer-Policy": "same-origin",
}

Behind = Callable[Concatenate[HttpRequest, Inquiry, str, P], HttpResponseBase]
Door = Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]


def by_link(view: Behind[P]) -> Door[P]:
    """A view that takes the inquiry and the secret of the link in its address.

    Who has no valid secret gets the page of an unknown address, and after some tries of the same
    network nothing but a refusal.
    """
    # Exempt outside, protected inside: else the body would be read before its size is known.
    protected: Any = csrf_protect(view)

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def door(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> Any:
        response = _answer(
            request, token, lambda inq: protected(request, inq, token, *args, **kwargs)
        )
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return cast("Door[P]", door)


def _answer(
    request: HttpRequest, token: str, answer: Callable[[Inquiry], HttpResponseBase]
) -> HttpResponseBase:
    network = network_of(peer_of(request.META)) or "unknown"
    if _count(f"link-tries-{network}", 0) >= TRIES:
        return _refusal(request, 429)
    inquiry = find_inquiry(token)
    if inquiry is None:
        _count(f"link-tries-{network}", 1)
        return render(request, "404.html", status=404)
    if _count(f"link-requests-{inquiry.pk}", 1) > REQUESTS:
        return _refusal(request, 429)
    if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_BYTES:
        return _refusal(request, 413)
    return answer(inquiry)


def _refusal(request: HttpRequest, status: int) -> HttpResponse:
    return render(request, "vendors/answer_refused.html", {"status": status}, status=status)


def _count(key: str, step: int) -> int:
    """Add to a number that lasts a minute. Returns: the number."""
    cache.add(key, 0, SECONDS)
    try:
        return int(cache.incr(key, step)) if step else int(cache.get(key, 0))
    except ValueError:  # it ended between the two
        return step


def may_upload(inquiry: Inquiry, request: HttpRequest) -> bool:
    """Whether the files of a request are looked at; they count whatever becomes of them."""
    number = len(request.FILES)
    return not number or _count(f"link-files-{inquiry.pk}", number) <= UPLOADS


def closed(inquiry: Inquiry) -> bool:
    """Whether the link opens nothing: it ended, or was taken back, before answers came."""
    return inquiry.state == Inquiry.State.WITHDRAWN or inquiry.expired(timezone.now())
