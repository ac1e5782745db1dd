from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models

from policies.reasons import REASONS
from vendors.models.register import REGION, Service, ServiceRegion


def reason_choices() -> list[tuple[str, str]]:
    """Code and title of every reason the gate can give."""
    return [(code, reason.title) for code, reason in REASONS.items()]


class DataClass(models.Model):
    """A kind of data that prompts may hold, with the limits that go with it."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80, unique=True)
    description = models.TextField(blank=True, max_length=1000)
    is_phi = models.BooleanField(
        "is PHI", default=False, help_text="Individually identifiable health information (HIPAA)."
    )
    max_retention_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Longest time the vendor may keep it; empty for any."
    )
    allowed_regions = ArrayField(
        models.CharField(max_length=40, validators=[REGION]),
        default=list,
        blank=True,
        help_text="Empty for any.",
    )
    minimum_guarantee = models.CharField(
        max_length=12,
        choices=[c for c in ServiceRegion.Guarantee.choices if c[0] != "none"],
        blank=True,
        help_text="How firmly the vendor must promise where data is; empty for any.",
    )
    allowed_deployments = ArrayField(
        models.CharField(max_length=16, choices=Service.Deployment),
        default=list,
        blank=True,
        help_text="Empty for any.",
    )
    position = models.PositiveSmallIntegerField(default=100, validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "data classes"

    def __str__(self) -> str:
        return self.name


class Requirement(models.Model):
    """What one of the gate's reasons does to a call with data of one class."""

    class Effect(models.TextChoices):
        BLOCK = "block", "Block"
        WARN = "warn", "Warn"
        OFF = "off", "Does not apply"

    data_class = models.ForeignKey(DataClass, on_delete=models.CASCADE, related_name="requirements")
    reason = models.CharField(max_length=32, choices=reason_choices)
    effect = models.CharField(max_length=5, choices=Effect)

    class Meta:
        ordering = ["data_class", "reason"]
        constraints = [
            models.UniqueConstraint(
                fields=["data_class", "reason"], name="requirement_once_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.data_class}: {self.reason} {self.effect}"
