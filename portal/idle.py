"""Automatic logoff after inactivity: 45 CFR 164.312(a)(2)(iii).

A session ends SESSION_COOKIE_AGE seconds after its last use. Use is noted once a minute, not with
every request, so a page costs no write of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

NOTED = "used_at"
EVERY_SECONDS = 60


class IdleMiddleware:
    """Renews the session of a person who does something; after SessionMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time.time())
            if now - request.session.get(NOTED, 0) >= EVERY_SECONDS:
                request.session[NOTED] = now
        return self.get_response(request)
