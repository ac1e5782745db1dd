from __future__ import annotations

from django.conf import settings
from django.db import models


class Document(models.Model):
    """An uploaded file as it was received; never changed, named by its content."""

    file = models.FileField(upload_to="%Y/%m", max_length=200)
    name = models.CharField(max_length=200, help_text="The file's name as it was uploaded.")
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=100)
    page_count = models.PositiveIntegerField(null=True, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-uploaded_at"]

    def __str__(self) -> str:
        return self.name
