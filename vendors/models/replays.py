from __future__ import annotations

from django.conf import settings
from django.db import models


class ApiReplay(models.Model):
    """The answer to a request of the API that carried an Idempotency-Key, kept for a day."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=128)
    request_sha256 = models.CharField(max_length=64)
    body = models.BinaryField()
    location = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="api_replay_once_a_key")
        ]

    def __str__(self) -> str:
        return f"Answer of {self.created_at:%-d %b %Y}"
