"""What `manage.py check` refuses beside Django's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.utils.module_loading import import_string

from portal.identity.breached import NotAList, check_list


@register(Tags.caches)
def shared_cache(**_options: Any) -> list[CheckMessage]:
    """Counts of failed sign-ins lie in the cache: one of each process would multiply them."""
    backend = import_string(settings.CACHES["default"]["BACKEND"])
    if issubclass(backend, RedisCache):
        return []
    return [
        Error(
            "The cache is not shared by all processes.",
            hint=(
                "Limits of failed sign-ins and codes count in it. Let CACHES['default'] be "
                "Django's RedisCache, at REDIS_URL."
            ),
            id="portal.E001",
        )
    ]


@register(Tags.security, deploy=True)
def asking_again(**_options: object) -> list[CheckMessage]:
    """Warn where nobody is asked again before keys, approvals, grants and settings."""
    if settings.STEP_UP_SECONDS:
        return []
    return [
        Warning(
            "STEP_UP_SECONDS is 0: whoever sits down at an open session makes keys and grants.",
            hint="Leave it out, or set a number of seconds.",
            id="portal.W001",
        )
    ]


@register(Tags.security)
def list_of_breached_passwords(**_options: object) -> list[CheckMessage]:
    """No password could be set with a list that cannot be read or is in another order."""
    named = settings.PASSWORD_BREACHED_FILE
    try:
        if named:
            check_list(Path(named))
    except (OSError, NotAList):
        return [
            Error(
                "PASSWORD_BREACHED_FILE is no list of SHA-1 hashes in order.",
                hint="A line is 40 hexadecimal digits, then a colon and a count, or nothing.",
                id="portal.E002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def breached_passwords_asked(**_options: object) -> list[CheckMessage]:
    """Warn where passwords are not looked up among those of known breaches."""
    if settings.PASSWORD_BREACHED_FILE or not settings.PASSWORD_SIGN_IN:
        return []
    return [
        Warning(
            "Passwords that leaked elsewhere are taken, beyond the bundled list of common ones.",
            hint="Name a list in PASSWORD_BREACHED_FILE; docs/operating.md says where it is from.",
            id="portal.W002",
        )
    ]
