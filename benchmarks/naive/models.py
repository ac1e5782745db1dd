"""A record as a table, once with auditlog's history and once without."""

from auditlog.registry import auditlog
from django.db import models


class Base(models.Model):
    call_id = models.UUIDField(unique=True)
    provider = models.CharField(max_length=60)
    operation = models.CharField(max_length=40)
    model = models.CharField(max_length=120, db_index=True)
    region = models.CharField(max_length=40)
    phi_present = models.BooleanField()
    data_classes = models.JSONField(default=list)
    actor = models.JSONField()
    session_id = models.CharField(max_length=120, blank=True)
    purpose = models.CharField(max_length=40, blank=True)
    input_digest = models.CharField(max_length=150, blank=True)
    input_bytes = models.BigIntegerField(null=True)
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        abstract = True


class Logged(Base):
    """With the history that django-auditlog keeps."""


class Single(Base):
    """Alone."""


auditlog.register(Logged)
