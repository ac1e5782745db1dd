from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Value
from django.db.models.functions import Least

from vendors.models.documents import Document
from vendors.models.register import HOST, WORD, Service, Vendor

REFERENCE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,79}$", "Use letters, digits and . _ / - without spaces."
)

# The first day counts, the second value does not: the day after the last, the day of the
# termination, or the day a newer version takes over, whichever comes first.
DAYS_IN_FORCE = Func(
    F("starts_on"),
    Least(
        Func(
            F("ends_on"), template="((%(expressions)s)::date + 1)", output_field=models.DateField()
        ),
        F("terminated_on"),
        F("superseded_on"),
    ),
    Value("[)"),
    function="daterange",
    output_field=DateRangeField(),
)


# The last day in force, whatever ends it; null if nothing does yet.
LAST_DAY = Least(
    F("ends_on"),
    Func(F("terminated_on"), template="(%(expressions)s - 1)", output_field=models.DateField()),
    Func(F("superseded_on"), template="(%(expressions)s - 1)", output_field=models.DateField()),
    output_field=models.DateField(),
)


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def in_force(self, on: dt.date) -> AgreementQuerySet:
        """Agreements that hold on the day `on`; the first and the last day count."""
        return self.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gte=on),
            Q(terminated_on__isnull=True) | Q(terminated_on__gt=on),
            Q(superseded_on__isnull=True) | Q(superseded_on__gt=on),
            starts_on__lte=on,
        )

    def ending(self, on: dt.date, *, within_days: int) -> AgreementQuerySet:
        """Agreements in force on `on` whose last day is at most `within_days` away."""
        return self.in_force(on).filter(ends_on__lte=on + dt.timedelta(days=within_days))

    def lapsing(self, on: dt.date, *, until: dt.date) -> AgreementQuerySet:
        """Agreements in force on `on` that end on or before `until` and that nothing follows.

        Whatever ends them counts; each row has its last day as `last_on`. What follows is of the
        same vendor, kind and account, leaves no gap and holds longer.
        """
        second_day_after = Func(
            OuterRef("last_on"), template="(%(expressions)s + 2)", output_field=models.DateField()
        )
        follower = (
            Agreement.objects.filter(
                vendor=OuterRef("vendor"), kind=OuterRef("kind"), account=OuterRef("account")
            )
            .exclude(pk=OuterRef("pk"))
            .alias(end=LAST_DAY)
            .filter(
                Q(end__isnull=True) | Q(end__gt=OuterRef("last_on")),
                starts_on__lt=second_day_after,
            )
        )
        ending = self.in_force(on).annotate(last_on=LAST_DAY).filter(last_on__lte=until)
        return ending.filter(~Exists(follower))

    def ended(self, on: dt.date) -> AgreementQuerySet:
        """Agreements that ran out or were terminated before `on`, with nothing in their place.

        A version that another replaced has not ended; neither has one whose vendor, kind and
        account have another agreement in force on `on`.
        """
        in_its_place = Agreement.objects.in_force(on).filter(
            vendor=OuterRef("vendor"), kind=OuterRef("kind"), account=OuterRef("account")
        )
        return self.filter(
            Q(ends_on__lt=on) | Q(terminated_on__lte=on),
            Q(superseded_on__isnull=True) | Q(superseded_on__gt=on),
            ~Exists(in_its_place),
        )


class Agreement(models.Model):
    """One signed version of a contract that governs data: a HIPAA BAA or a GDPR DPA.

    A new version is a new row that names the one it amends; a trigger lets only the fields of the
    life cycle change afterwards. Source: 45 CFR 164.504(e), 164.308(b).
    """

    class Kind(models.TextChoices):
        BAA = "baa", "BAA"
        DPA = "dpa", "DPA"

    class OurRole(models.TextChoices):
        COVERED_ENTITY = "covered_entity", "Covered entity"
        BUSINESS_ASSOCIATE = "business_associate", "Business associate"
        SUBCONTRACTOR = "subcontractor", "Subcontractor"
        CONTROLLER = "controller", "Controller"
        PROCESSOR = "processor", "Processor"

    # What may change in a stored row; the trigger in migration 0002 names the same fields.
    LIFE_CYCLE = ("terminated_on", "termination_reason", "superseded_on", "owner_id")

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="agreements")
    kind = models.CharField(max_length=3, choices=Kind)
    reference = models.CharField(
        max_length=80,
        validators=[REFERENCE],
        help_text="How this agreement is named in records, such as BAA-2026-014.",
    )
    version = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    amends = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="amended_by"
    )
    account = models.CharField(
        "account or organization id",
        max_length=80,
        blank=True,
        help_text="The account it was signed for, if it names one; empty for all of ours.",
    )
    our_role = models.CharField(max_length=18, choices=OurRole, default=OurRole.BUSINESS_ASSOCIATE)
    counterparty = models.CharField("counterparty's legal entity", max_length=200)
    signed_by_us = models.CharField("signed for us by", max_length=120, blank=True)
    signed_by_vendor = models.CharField("signed for the vendor by", max_length=120, blank=True)
    signed_on = models.DateField(null=True, blank=True)
    starts_on = models.DateField("effective", help_text="First day in force.")
    ends_on = models.DateField(
        "expires", null=True, blank=True, help_text="Last day in force; empty if evergreen."
    )
    notice_days = models.PositiveSmallIntegerField(
        default=0, help_text="Days of notice before it can be ended."
    )
    breach_notice_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="Days the vendor has to report a breach; 45 CFR 164.410 allows at most 60.",
    )
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    terminated_on = models.DateField(
        null=True, blank=True, help_text="First day on which it no longer holds."
    )
    termination_reason = models.CharField(max_length=300, blank=True)
    superseded_on = models.DateField(
        null=True, blank=True, help_text="First day of the version that replaces this one."
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(auto_now_add=True)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ["vendor__name", "kind", "-starts_on", "-version"]
        permissions = [("terminate_agreement", "Can terminate an agreement")]
        constraints = [
            models.UniqueConstraint(
                fields=["vendor", "reference", "version"],
                name="agreement_reference_once_a_version",
                violation_error_message="This vendor has an agreement of this reference.",
            ),
            models.CheckConstraint(
                name="agreement_ends_after_it_starts",
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                violation_error_message="The last day is before the first.",
            ),
            models.CheckConstraint(
                name="agreement_terminated_after_it_starts",
                condition=Q(terminated_on__isnull=True) | Q(terminated_on__gte=F("starts_on")),
                violation_error_message="It cannot be terminated before its first day.",
            ),
            models.CheckConstraint(
                name="agreement_superseded_after_it_starts",
                condition=Q(superseded_on__isnull=True) | Q(superseded_on__gte=F("starts_on")),
                violation_error_message="A new version cannot start before the old one.",
            ),
            ExclusionConstraint(
                name="agreement_one_of_a_kind_at_a_time",
                expressions=[
                    (F("vendor"), RangeOperators.EQUAL),
                    (F("kind"), RangeOperators.EQUAL),
                    (F("account"), RangeOperators.EQUAL),
                    (DAYS_IN_FORCE, RangeOperators.OVERLAPS),
                ],
                violation_error_message="This overlaps an agreement of the same kind and account.",
            ),
        ]

    def __str__(self) -> str:
        kind = self.get_kind_display()
        named = self.reference.upper().startswith(kind)
        return self.reference if named else f"{kind} {self.reference}"

    def last_day(self) -> dt.date | None:
        """The last day in force, whatever ends it; None if nothing does yet.

        A day before `starts_on` means that it never was in force.
        """
        ends = [self.ends_on] if self.ends_on else []
        ends += [
            day - dt.timedelta(days=1) for day in (self.terminated_on, self.superseded_on) if day
        ]
        return min(ends) if ends else None


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
