from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from policies.models.uses import Integration
from vendors.models import Capability
from vendors.models.costs import CURRENCY


class CostPlan(models.Model):
    """What compliance is planned to cost for an integration; computed anew whenever it is read.

    Money is in whole units of `currency`. An integration may have several, to weigh one against
    the other.
    """

    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="cost_plans"
    )
    name = models.CharField(max_length=80, default="Plan")
    monthly_spend = models.DecimalField(
        "API spend a month", max_digits=12, decimal_places=2, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(max_length=3, default="USD", validators=[CURRENCY])
    hourly_rate = models.DecimalField(
        "an engineer's hour",
        max_digits=8,
        decimal_places=2,
        default=150,
        validators=[MinValueValidator(0)],
    )
    capabilities = ArrayField(models.CharField(max_length=24, choices=Capability), default=list)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["integration__name", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "name"],
                name="cost_plan_name_once_an_integration",
                violation_error_message="This integration has a plan of this name.",
            ),
            models.CheckConstraint(
                name="cost_plan_money_not_negative",
                condition=Q(monthly_spend__gte=0, hourly_rate__gte=0),
                violation_error_message="Spend and rate are not negative.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.integration}"
