from __future__ import annotations

from django.conf import settings
from django.db import models

from policies.models import IntegrationKey


class ReadEvent(models.Model):
    """That somebody looked at records: who, what, with which filter, how many rows; append-only.

    Source: 45 CFR 164.312(b), audit controls.
    """

    class Action(models.TextChoices):
        LIST = "list", "List"
        DETAIL = "detail", "Detail"
        EXPORT = "export", "Export"
        DOWNLOAD = "download", "Download"
        SEARCH = "search", "Search"

    at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    key = models.ForeignKey(IntegrationKey, on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=8, choices=Action)
    subject = models.CharField(max_length=40, help_text="What kind of thing, such as audits.call.")
    subject_id = models.CharField(max_length=40, blank=True)
    filters = models.JSONField(default=dict, help_text="The checked filters that were applied.")
    row_count = models.PositiveIntegerField()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.action} {self.subject} {self.at:%Y-%m-%d %H:%M}"
