from __future__ import annotations

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Exists, OuterRef, Q

from audits.models.ledger import Ledger
from policies.models import Integration, IntegrationKey

# Every column takes ids, numbers, words of a list or text of a narrow pattern: what gets into an
# append-only table can never be removed, so nothing that could be content is let in.


# What belongs to a call, in a subquery: ids alone would be looked for in the other log too.
_OF_CALL = {"ledger_id": OuterRef("ledger_id"), "call_id": OuterRef("call_id")}


class CallQuerySet(models.QuerySet["Call"]):
    def of_ledger(self, ledger_id: int) -> CallQuerySet:
        """Calls of one log; what is read page by page must be of one."""
        return self.filter(ledger_id=ledger_id)

    def live(self) -> CallQuerySet:
        """Calls of live keys; those of test keys are a log of their own."""
        return self.of_ledger(Ledger.LIVE)

    def within(self, start: dt.datetime, end: dt.datetime) -> CallQuerySet:
        """Calls received from `start` on and before `end`."""
        return self.filter(received_at__gte=start, received_at__lt=end)

    def unfinished(self) -> CallQuerySet:
        """Allowed calls that nothing has closed."""
        closed = Completion.objects.filter(**_OF_CALL)
        return self.filter(~Exists(closed), decision=Call.Decision.ALLOW)

    def unanswered(self, at: dt.datetime) -> CallQuerySet:
        """Allowed calls whose lease had passed at `at` and whose caller never said how they ended.

        What the sweep closed counts: its entry says only that nothing came.
        """
        said = Completion.objects.filter(**_OF_CALL, swept=False)
        extended = Lease.objects.filter(**_OF_CALL, lease_until__gt=at)
        return self.filter(
            ~Exists(said), ~Exists(extended), decision=Call.Decision.ALLOW, lease_until__lte=at
        )


class Verdict(models.Model):
    """What verdicts rested on, once for all calls that it was the same for; append-only by trigger.

    The columns are those of the gate's answer that are no list of reasons.
    """

    sha256 = models.BinaryField(max_length=32, unique=True, help_text="Of all that follows.")
    agreement_id = models.BigIntegerField(null=True, help_text="The BAA it rests on.")
    baa_reference = models.CharField(max_length=80, blank=True)
    report_id = models.BigIntegerField(null=True, help_text="The SOC 2 report it rests on.")
    fact_ids = ArrayField(models.BigIntegerField(), default=list)
    valid_until = models.DateField(null=True, help_text="Last day the verdict could stand.")
    terms_digest = models.CharField(max_length=64, help_text="Of the integration's terms.")
    policy_digest = models.CharField(max_length=64, help_text="Of the requirements applied.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return bytes(self.sha256).hex()


class Call(models.Model):
    """The record of an AI call, stored before the call is made; append-only by trigger.

    A denial is a record too. Source: 45 CFR 164.312(b), audit controls.
    """

    class Decision(models.TextChoices):
        ALLOW = "allow", "Allowed"
        DENY = "deny", "Denied"

    class Source(models.TextChoices):
        CALLS = "calls", "POST /calls"
        RECORDS = "records", "POST /records"
        EVENTS = "events", "POST /events"

    pk = models.CompositePrimaryKey("ledger_id", "index")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    index = models.PositiveBigIntegerField()
    # Its batch is stored only while this epoch stands: see the trigger in migration 0004.
    epoch = models.BigIntegerField()
    # Unique in truth though not by a constraint, which no table in partitions can have: the writer
    # looks for it while it holds the ledger's head.
    call_id = models.UUIDField()
    body_sha256 = models.BinaryField(max_length=32, help_text="Of what was posted, for replays.")
    received_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    livemode = models.BooleanField(default=True)
    source = models.CharField(max_length=7, choices=Source, default=Source.CALLS)

    # As the caller says
    operation_id = models.UUIDField(null=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    provider = models.CharField(max_length=60)
    operation = models.CharField(max_length=40)
    endpoint_host = models.CharField(max_length=253, blank=True)
    region = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    stream = models.BooleanField(default=False)
    features = ArrayField(models.CharField(max_length=60), default=list)
    data_classes = ArrayField(models.CharField(max_length=40), default=list)
    phi_present = models.BooleanField()
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=120)
    session_id = models.CharField(max_length=120, blank=True)
    purpose = models.CharField(max_length=40, blank=True)
    input_digest = models.CharField(max_length=160, blank=True)
    sent_digest = models.CharField(max_length=160, blank=True)
    input_bytes = models.PositiveBigIntegerField(null=True)
    masked = models.JSONField(default=dict, help_text="Rule id: how often it hid something.")
    bundle = models.CharField(max_length=80, blank=True)
    mode = models.CharField(max_length=7, blank=True)
    enforcement = models.CharField(max_length=8, blank=True)
    started_at = models.DateTimeField(null=True)
    client = models.CharField(max_length=80, blank=True)
    claimed_baa_reference = models.CharField(
        max_length=80, blank=True, help_text="What the seeds' record names; nothing rests on it."
    )

    # As the portal adds. Foreign keys without a database constraint: integrations and keys are
    # never deleted, and a constraint would lock their rows with every record.
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    key = models.ForeignKey(
        IntegrationKey,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    decision = models.CharField(max_length=5, choices=Decision)
    reasons = ArrayField(models.CharField(max_length=32), default=list)
    warnings = ArrayField(models.CharField(max_length=32), default=list)
    verdict = models.ForeignKey(
        Verdict, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["ledger_id", "-index"]
        default_permissions = ("view",)
        permissions = [("export_call", "Can export call records")]
        indexes = [
            models.Index(fields=["call_id"], name="call_by_call_id"),
            models.Index(fields=["ledger", "integration", "index"], name="call_by_integration"),
            models.Index(
                fields=["lease_until"], condition=Q(decision="allow"), name="call_allowed_lease"
            ),
            models.Index(
                fields=["ledger", "index"], condition=Q(decision="deny"), name="call_denied"
            ),
            BrinIndex(fields=["received_at"], name="call_received_at"),
        ]

    def __str__(self) -> str:
        return str(self.call_id)


class Completion(models.Model):
    """How a call ended, as its caller says or as the sweep found; append-only by trigger.

    The sweep's entry and the caller's later one both stay: the latter is marked late.
    """

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        TIMEOUT = "timeout", "Timed out"
        CANCELLED = "cancelled", "Cancelled"
        BLOCKED = "blocked", "Blocked"
        UNKNOWN = "unknown", "Unknown"

    class UsageSource(models.TextChoices):
        PROVIDER = "provider", "Provider"
        ESTIMATED = "estimated", "Estimated"
        NONE = "none", "None"

    pk = models.CompositePrimaryKey("ledger_id", "index")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    index = models.PositiveBigIntegerField()
    event_id = models.UUIDField()
    call_id = models.UUIDField()
    call_index = models.PositiveBigIntegerField(null=True, help_text="Of the call, if it is known.")
    body_sha256 = models.BinaryField(max_length=32)
    received_at = models.DateTimeField()
    swept = models.BooleanField(default=False, help_text="Closed by the sweep, not by its caller.")
    late = models.BooleanField(default=False, help_text="Came after its lease had passed.")
    without_call = models.BooleanField(default=False, help_text="No record of the call was here.")
    livemode = models.BooleanField(default=True)
    key = models.ForeignKey(
        IntegrationKey,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    outcome = models.CharField(max_length=9, choices=Outcome)
    http_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=80, blank=True, help_text="The error's class alone.")
    finish_reason = models.CharField(max_length=40, blank=True)
    input_tokens = models.PositiveBigIntegerField(null=True)
    output_tokens = models.PositiveBigIntegerField(null=True)
    cache_tokens = models.PositiveBigIntegerField(null=True)
    reasoning_tokens = models.PositiveBigIntegerField(null=True)
    usage_source = models.CharField(max_length=9, choices=UsageSource, default=UsageSource.NONE)
    ttfb_ms = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    provider_request_id = models.CharField(max_length=120, blank=True)
    response_model = models.CharField(max_length=120, blank=True)
    output_digest = models.CharField(max_length=160, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["ledger_id", "-index"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["call_id"], name="completion_by_call_id"),
            models.Index(fields=["event_id"], name="completion_by_event_id"),
        ]

    def __str__(self) -> str:
        return f"{self.call_id}: {self.outcome}"


class Lease(models.Model):
    """A long stream's sign of life; append-only by trigger."""

    pk = models.CompositePrimaryKey("ledger_id", "index")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    index = models.PositiveBigIntegerField()
    call_id = models.UUIDField()
    call_index = models.PositiveBigIntegerField(null=True, help_text="Of the call, if it is known.")
    received_at = models.DateTimeField()
    lease_until = models.DateTimeField()

    class Meta:
        ordering = ["ledger_id", "-index"]
        default_permissions = ()
        indexes = [models.Index(fields=["call_id"], name="lease_by_call_id")]

    def __str__(self) -> str:
        return f"{self.call_id} until {self.lease_until:%Y-%m-%d %H:%M}"
