from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from vendors.models.agreements import Agreement
from vendors.models.register import HOST, WORD, Service


class CoveredScope(models.Model):
    """What an agreement covers; an agreement without a row covers nothing.

    Empty fields mean any. The commonest hole is a BAA that does not name the service in use.
    """

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="scopes")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="agreement_scopes")
    model_pattern = models.CharField(max_length=120, blank=True)
    region = models.CharField(max_length=40, blank=True)
    plan = models.CharField("plan or tier", max_length=80, blank=True)
    account = models.CharField("account or project id", max_length=80, blank=True)
    endpoint = models.CharField("endpoint host", max_length=253, blank=True, validators=[HOST])
    features = ArrayField(
        models.CharField(max_length=60, validators=[WORD]),
        verbose_name="features allowed",
        default=list,
        blank=True,
        help_text="Only these are covered; empty for any that is not excluded.",
    )
    features_excluded = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    settings_required = ArrayField(
        models.CharField(max_length=60, validators=[WORD]),
        default=list,
        blank=True,
        help_text="Settings of the vendor that must be made, such as zero-retention.",
    )
    general_availability_only = models.BooleanField(
        default=False, help_text="Models in preview are not covered."
    )
    page = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["service__name", "model_pattern", "region"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "agreement",
                    "service",
                    "model_pattern",
                    "region",
                    "plan",
                    "account",
                    "endpoint",
                    "features",
                    "features_excluded",
                    "settings_required",
                    "general_availability_only",
                ],
                name="covered_scope_once",
                violation_error_message="This scope is listed already.",
            ),
        ]

    def __str__(self) -> str:
        return " · ".join([str(self.service), *self.narrowed_to()])

    def narrowed_to(self) -> list[str]:
        """What it is narrowed to besides the service, in words; empty if it covers all of it."""
        words = [
            self.model_pattern,
            self.region,
            self.plan and f"plan {self.plan}",
            self.account and f"account {self.account}",
            self.endpoint,
            self.general_availability_only and "no preview",
            self.features and f"only {', '.join(self.features)}",
            self.features_excluded and f"not {', '.join(self.features_excluded)}",
            self.settings_required and f"with {', '.join(self.settings_required)}",
        ]
        return [word for word in words if word]
