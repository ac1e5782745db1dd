from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from policies.models import Integration, IntegrationKey


class Observation(models.Model):
    """A call that telemetry told of afterwards: ids, words of lists and numbers; append-only.

    Its tier is `observed`: it shows that something was called, and no gate was asked. Of what else
    the span carried only a count is kept, and `content` says which kinds of content were sent here.
    """

    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    key = models.ForeignKey(IntegrationKey, on_delete=models.PROTECT, related_name="+")
    livemode = models.BooleanField()
    received_at = models.DateTimeField()
    trace_id = models.CharField(max_length=32, help_text="As OpenTelemetry has it, in hex.")
    span_id = models.CharField(max_length=16)
    operation = models.CharField(max_length=40, blank=True)
    provider = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=120, blank=True)
    response_model = models.CharField(max_length=120, blank=True)
    endpoint_host = models.CharField(max_length=253, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    finish_reason = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=80, blank=True, help_text="The class of an error alone.")
    provider_request_id = models.CharField(max_length=120, blank=True)
    dropped = models.PositiveIntegerField(help_text="Attributes that came and were not kept.")
    content = ArrayField(
        models.CharField(max_length=40),
        default=list,
        help_text="Kinds of content that the span carried; none of it was kept.",
    )

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "trace_id", "span_id"], name="observation_once_a_span"
            ),
        ]
        indexes = [
            models.Index(fields=["integration", "received_at"], name="observation_by_integration"),
        ]

    def __str__(self) -> str:
        return f"{self.trace_id}:{self.span_id}"
