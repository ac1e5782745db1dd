from __future__ import annotations

from django.conf import settings
from django.db import models


class RegisterImport(models.Model):
    """A file that was uploaded to fill the register: who, when, what came of it.

    `mapping` is our column's name to the place of the file's column, from 0. `counts` has the
    lines of each outcome; `touched` the rows that were stored.
    """

    class Kind(models.TextChoices):
        VENDORS = "vendors", "Vendors"
        SERVICES = "services", "Services"
        AGREEMENTS = "agreements", "Agreements"
        REPORTS = "reports", "Assurance reports"
        FACTS = "facts", "Facts"

    class State(models.TextChoices):
        DRAFT = "draft", "Not confirmed"
        APPLYING = "applying", "Being applied"
        APPLIED = "applied", "Applied"
        DISCARDED = "discarded", "Discarded"

    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT, editable=False)
    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveIntegerField()
    sheet = models.CharField(max_length=120, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    touched = models.JSONField(default=list, blank=True)
    plan_sha256 = models.CharField(max_length=64, blank=True)
    refusal = models.CharField(max_length=400, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [("import_register", "Can import into the register")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.created_at:%-d %b %Y}"


class ImportFile(models.Model):
    """The bytes of an import's file, until they are dropped: in the database, which web server and
    worker share, and beside no document that is kept."""

    register_import = models.OneToOneField(
        RegisterImport, on_delete=models.CASCADE, related_name="file"
    )
    content = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"File of import {self.register_import_id}"
