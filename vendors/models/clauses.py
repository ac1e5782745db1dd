from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from vendors.clauses import TITLES, Reading
from vendors.models.agreements import Agreement


class AgreementClauseQuerySet(models.QuerySet["AgreementClause"]):
    def confirmed(self) -> AgreementClauseQuerySet:
        """Readings that a person made in this version, carried proposals left out."""
        return self.filter(read_on__isnull=False)


class AgreementClause(models.Model):
    """What one version of an agreement says of a clause of its checklist.

    Without a reader and a day it is a proposal, carried over from the version before: it counts
    for nothing until a person confirms it.
    """

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="clauses")
    code = models.CharField("clause", max_length=40, choices=sorted(TITLES.items()))
    reading = models.CharField(
        max_length=7, choices=[(each.value, each.value.capitalize()) for each in Reading]
    )
    page = models.CharField(max_length=40, blank=True)
    days = models.PositiveSmallIntegerField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    read_on = models.DateField(null=True, blank=True)

    objects = AgreementClauseQuerySet.as_manager()

    class Meta:
        ordering = ["agreement", "pk"]
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "code"],
                name="agreement_clause_once",
                violation_error_message="This clause is read already.",
            ),
            models.CheckConstraint(
                name="agreement_clause_read_by_somebody",
                condition=Q(read_by__isnull=True, read_on__isnull=True)
                | Q(read_by__isnull=False, read_on__isnull=False),
                violation_error_message="A reading has a reader and a day, a proposal neither.",
            ),
        ]

    def __str__(self) -> str:
        return TITLES.get(self.code, self.code)

    @property
    def proposed(self) -> bool:
        return self.read_on is None
