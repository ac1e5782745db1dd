"""Where messages wait for the next page: Django's cookie, under a name of ours."""

from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class FlashCookie(CookieStorage):
    """Named by MESSAGES_COOKIE_NAME; Django knows no setting for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cookie_name = settings.MESSAGES_COOKIE_NAME


class Flashes(FallbackStorage):
    """In the cookie, or in the session where they are too long for one."""

    storage_classes = (FlashCookie, SessionStorage)
