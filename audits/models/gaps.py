from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from policies.models import Integration, IntegrationKey


class Gap(models.Model):
    """That a client in observe mode made calls without a record: how many, and when; append-only.

    What the calls were nobody knows. `received_at` is the portal's clock, the rest the client's.
    """

    event_id = models.UUIDField(unique=True)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    key = models.ForeignKey(IntegrationKey, on_delete=models.PROTECT, related_name="+")
    livemode = models.BooleanField()
    calls = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(help_text="The last of them counts itself.")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["received_at"], name="gap_received_at")]
        constraints = [
            models.CheckConstraint(name="gap_has_calls", condition=Q(calls__gte=1)),
            models.CheckConstraint(
                name="gap_ends_after_it_begins", condition=Q(last_at__gte=F("first_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calls} from {self.first_at:%Y-%m-%d %H:%M}"
