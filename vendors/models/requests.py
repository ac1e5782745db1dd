from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from vendors.models.agreements import Agreement
from vendors.models.register import Service, Vendor


class AgreementRequestQuerySet(models.QuerySet["AgreementRequest"]):
    def open(self) -> AgreementRequestQuerySet:
        """Requests that still lead to an agreement."""
        return self.filter(state__in=AgreementRequest.OPEN)

    def due(self, until: dt.date) -> AgreementRequestQuerySet:
        """Open requests whose agreement was wanted by `until`."""
        return self.open().filter(due_on__lte=until)


class AgreementRequest(models.Model):
    """An agreement before its signature: needed, asked for, or being negotiated."""

    class State(models.TextChoices):
        NEEDED = "needed", "Needed"
        REQUESTED = "requested", "Requested"
        NEGOTIATING = "negotiating", "Negotiating"
        SIGNED = "signed", "Signed"
        DROPPED = "dropped", "Dropped"

    OPEN = (State.NEEDED, State.REQUESTED, State.NEGOTIATING)

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="agreement_requests")
    kind = models.CharField(max_length=3, choices=Agreement.Kind)
    services = models.ManyToManyField(Service, blank=True, related_name="agreement_requests")
    state = models.CharField(max_length=11, choices=State, default=State.NEEDED, db_index=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    opened_on = models.DateField()
    due_on = models.DateField(
        null=True, blank=True, help_text="The day by which it should be signed."
    )
    contact = models.CharField(
        "counterparty's contact",
        max_length=200,
        blank=True,
        help_text="Who answers for the vendor: a name or an address.",
    )
    note = models.CharField(max_length=500, blank=True, help_text="Never patient data.")
    renews = models.ForeignKey(
        Agreement, on_delete=models.PROTECT, null=True, blank=True, related_name="renewals"
    )
    agreement = models.OneToOneField(
        Agreement,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="request",
        help_text="The signed agreement it led to.",
    )

    objects = AgreementRequestQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        default_permissions = ("add", "change", "view")
        constraints = [
            models.CheckConstraint(
                name="agreement_request_signed_with_its_agreement",
                condition=Q(state="signed", agreement__isnull=False)
                | (~Q(state="signed") & Q(agreement__isnull=True)),
                violation_error_message="Record the signed agreement: that closes the request.",
            ),
            models.CheckConstraint(
                name="agreement_request_due_after_it_opened",
                condition=Q(due_on__isnull=True) | Q(due_on__gte=F("opened_on")),
                violation_error_message="It cannot be due before it was opened.",
            ),
            models.UniqueConstraint(
                fields=["renews"],
                condition=Q(state__in=["needed", "requested", "negotiating"]),
                name="agreement_renewed_once_at_a_time",
                violation_error_message="A renewal of this agreement is under way.",
            ),
        ]

    def __str__(self) -> str:
        what = "Renewal of" if self.renews_id else "Request for"
        of = self.renews.reference if self.renews else f"a {self.get_kind_display()}"
        return f"{what} {of}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
