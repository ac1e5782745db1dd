"""Entries that are no record of a call: who read, what changed, which paper came."""

from __future__ import annotations

from django.db import models

from audits.models.ledger import Ledger


class Event(models.Model):
    """An entry of any type but those of calls; append-only by trigger."""

    pk = models.CompositePrimaryKey("ledger_id", "index")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    index = models.PositiveBigIntegerField()
    type = models.CharField(max_length=40)
    received_at = models.DateTimeField()
    subject = models.CharField(max_length=120, blank=True)
    payload = models.JSONField(default=dict)

    class Meta:
        ordering = ["ledger_id", "-index"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["ledger", "type", "index"], name="event_by_type")]

    def __str__(self) -> str:
        return f"{self.ledger_id}: {self.index} {self.type}"


class Pending(models.Model):
    """What a transaction did and the ledger does not say yet; gone when its commit sealed it."""

    at = models.DateTimeField()
    type = models.CharField(max_length=40)
    subject = models.CharField(max_length=120, blank=True)
    payload = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"
