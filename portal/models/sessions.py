from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase


class PersonSession(AbstractBaseSession):
    """A session: whose it is, since when, when and from where it was last used.

    Before somebody has signed in it is nobody's. `portal.identity.session_store` alone writes it.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="sessions"
    )
    public_id = models.UUIDField(
        unique=True, null=True, help_text="By which pages name it: the key itself opens it."
    )
    started_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True, help_text="To the minute.")
    network = models.CharField(max_length=45, blank=True, help_text="It names no household.")
    client = models.CharField(max_length=60, blank=True, help_text="Browser and system, in words.")

    objects: ClassVar[BaseSessionManager] = BaseSessionManager()

    class Meta:
        ordering = ["-used_at"]
        default_permissions = ("view",)
        permissions = [("end_personsession", "Can end anybody's sessions")]

    def __str__(self) -> str:
        return self.client or "Unknown browser"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from portal.identity.session_store import SessionStore  # noqa: PLC0415 - imports this

        return SessionStore
