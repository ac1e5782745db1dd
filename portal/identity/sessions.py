"""Settings of sessions and their cookies; decision 0029 has the reason of each time."""

from __future__ import annotations

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

IDLE_SECONDS = 15 * 60
ABSOLUTE_SECONDS = 12 * 60 * 60
STEP_UP_SECONDS = 15 * 60


def sessions(env: environ.Env, *, https: bool) -> dict[str, Any]:
    """Django's settings of sessions and of the cookies, from the environment.

    Raises: ImproperlyConfigured if the times contradict each other.
    """
    # A browser takes a cookie of this prefix over HTTPS alone, for this host and all of its paths.
    prefix = "__Host-" if https else "countersign-"
    idle = env.int("SESSION_IDLE_SECONDS", default=IDLE_SECONDS)
    absolute = env.int("SESSION_ABSOLUTE_SECONDS", default=ABSOLUTE_SECONDS)
    step_up = env.int("STEP_UP_SECONDS", default=STEP_UP_SECONDS)
    if idle < 1 or absolute < idle:
        raise ImproperlyConfigured(
            "SESSION_IDLE_SECONDS is at least 1, and SESSION_ABSOLUTE_SECONDS no less than it."
        )
    if step_up < 0:
        raise ImproperlyConfigured("STEP_UP_SECONDS is a number of seconds, or 0 for never.")
    return {
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_NAME": f"{prefix}session",
        "CSRF_COOKIE_NAME": f"{prefix}csrf",
        # No secrets, but what another host of the domain must not plant here all the same.
        "THEME_COOKIE_NAME": f"{prefix}theme",
        "MESSAGES_COOKIE_NAME": f"{prefix}messages",
        "MESSAGE_STORAGE": "portal.identity.flashes.Flashes",
        # How long a session lasts unused. The cookie itself ends with the browser; the server tells
        # when it is too old (portal/idle.py), and so can say why.
        "SESSION_COOKIE_AGE": idle,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        "SESSION_ABSOLUTE_SECONDS": absolute,
        "STEP_UP_SECONDS": step_up,
        # Read from Redis, kept in the database: a page asks no query for it (portal/idle.py).
        "SESSION_ENGINE": "portal.identity.session_store",
    }
