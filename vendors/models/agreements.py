from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Case, Exists, F, Func, OuterRef, Q, Value, When
from django.db.models.functions import Least

from vendors import lifecycle
from vendors.models.documents import Document
from vendors.models.register import Vendor

REFERENCE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,79}$", "Use letters, digits and . _ / - without spaces."
)

ONE_DAY = dt.timedelta(days=1)

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

    def with_state(self, on: dt.date) -> AgreementQuerySet:
        """Adds `state`, what `lifecycle.agreement_state` says of each on the day `on`."""
        state = lifecycle.AgreementState
        started = Q(starts_on__lte=on)
        replaced = Q(superseded_on__lte=on) | Q(superseded_on__lte=F("starts_on"))
        ended = Q(terminated_on__lte=on) | Q(terminated_on__lte=F("starts_on"))
        ended_before = Q(terminated_on__lt=F("superseded_on"))
        soon = Q(last_on__lte=on + dt.timedelta(days=lifecycle.SOON_DAYS))
        handed_over = Q(superseded_on__isnull=False, last_on=F("superseded_on") - ONE_DAY)
        return self.alias(last_on=LAST_DAY).annotate(
            state=Case(
                When(
                    replaced & (Q(terminated_on__isnull=True) | ~ended_before),
                    then=Value(state.REPLACED),
                ),
                When(ended, then=Value(state.TERMINATED)),
                When(ends_on__lt=on, then=Value(state.EXPIRED)),
                When(~started, then=Value(state.SIGNED)),
                When(soon & ~handed_over, then=Value(state.EXPIRING)),
                default=Value(state.IN_FORCE),
                output_field=models.CharField(),
            )
        )

    def notice_due(self, on: dt.date, *, until: dt.date) -> AgreementQuerySet:
        """Agreements in force on `on` whose notice must be given by `until`, each with `notice_on`.

        Left out is what something follows, what was terminated, and what is being renewed.
        """
        notice_on = Func(
            F("ends_on"),
            F("notice_days"),
            template="(%(expressions)s)",
            arg_joiner=" - ",
            output_field=models.DateField(),
        )
        return (
            self.lapsing(on, until=dt.date.max)
            .filter(notice_days__gt=0, terminated_on__isnull=True, ends_on__isnull=False)
            .exclude(renewals__state__in=("needed", "requested", "negotiating"))
            .annotate(notice_on=notice_on)
            .filter(notice_on__lte=until)
        )

    def to_return(self, until: dt.date) -> AgreementQuerySet:
        """Ended agreements whose return-or-destroy proof is due by `until` and did not come."""
        return self.filter(return_state=Agreement.ReturnState.PENDING, return_due_on__lte=until)


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

    class Transfer(models.TextChoices):
        NOT_NEEDED = "not_needed", "Not needed: data stays in the EEA"
        ADEQUACY = "adequacy", "Adequacy decision"
        DPF = "dpf", "EU-US Data Privacy Framework"
        SCC = "scc_2021", "Standard contractual clauses of 2021"
        UK = "uk", "UK IDTA or Addendum"
        BCR = "bcr", "Binding corporate rules"

    class Module(models.TextChoices):
        ONE = "1", "1: controller to controller"
        TWO = "2", "2: controller to processor"
        THREE = "3", "3: processor to processor"
        FOUR = "4", "4: processor to controller"

    class ReturnState(models.TextChoices):
        PENDING = "pending", "Pending"
        RETURNED = "returned", "Returned"
        DESTROYED = "destroyed", "Destroyed"
        INFEASIBLE = "infeasible", "Infeasible: protections go on"

    # What may change in a stored row; the trigger of migration agreement_depth names the same.
    LIFE_CYCLE = (
        "terminated_on",
        "termination_reason",
        "superseded_on",
        "owner_id",
        "return_state",
        "return_due_on",
        "return_document_id",
        "return_confirmed_by_id",
        "return_confirmed_on",
        "return_note",
    )
    ROLES = {
        Kind.BAA: (OurRole.COVERED_ENTITY, OurRole.BUSINESS_ASSOCIATE, OurRole.SUBCONTRACTOR),
        Kind.DPA: (OurRole.CONTROLLER, OurRole.PROCESSOR),
    }
    DPA_FIELDS = (
        "transfer_mechanism",
        "scc_modules",
        "subprocessor_notice_days",
        "subprocessor_list",
    )

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
    signed_on = models.DateField("signed for us on", null=True, blank=True)
    vendor_signed_on = models.DateField("signed for the vendor on", null=True, blank=True)
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
    transfer_mechanism = models.CharField(
        max_length=12,
        choices=Transfer,
        blank=True,
        help_text="What a transfer out of the EEA or the UK rests on; GDPR Art. 44 to 49.",
    )
    scc_modules = ArrayField(
        models.CharField(max_length=1, choices=Module),
        default=list,
        blank=True,
        verbose_name="SCC modules",
    )
    subprocessor_notice_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="Days between notice of a new subprocessor and its start; GDPR Art. 28(2).",
    )
    subprocessor_list = models.URLField(
        "address of the subprocessor list", blank=True, max_length=300
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
    return_state = models.CharField(
        "return or destruction", max_length=10, choices=ReturnState, blank=True
    )
    return_due_on = models.DateField(
        null=True, blank=True, help_text="Last day for the proof that data came back or is gone."
    )
    return_document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    return_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    return_confirmed_on = models.DateField(null=True, blank=True)
    return_note = models.CharField(max_length=300, blank=True)
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
            models.CheckConstraint(
                name="agreement_return_pending_has_a_day",
                condition=~Q(return_state="pending") | Q(return_due_on__isnull=False),
                violation_error_message="Give the day by which the proof is due.",
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

    def clean(self) -> None:
        """Each kind has its own roles and fields. Source: 45 CFR 160.103; GDPR Art. 4(7), (8)."""
        super().clean()
        if not self._state.adding:
            return  # the words of a stored row stay as they are; only its life goes on
        errors: dict[str, str] = {}
        # Here too, though it is a constraint: the days in force of such a row are no range at all.
        starts_on: dt.date | None = self.starts_on  # a form may leave it out
        if starts_on and self.ends_on and self.ends_on < starts_on:
            errors["ends_on"] = "The last day is before the first."
        roles = self.ROLES.get(self.Kind(self.kind), ()) if self.kind in self.Kind.values else ()
        if roles and self.our_role not in roles:
            named = " or ".join(role.label.lower() for role in roles)
            errors["our_role"] = f"In a {self.get_kind_display()} we are {named}."
        if self.kind == self.Kind.BAA:
            filled = [name for name in self.DPA_FIELDS if getattr(self, name) not in ("", None, [])]
            errors |= dict.fromkeys(filled, "This belongs to a DPA.")
        if bool(self.scc_modules) != (self.transfer_mechanism == self.Transfer.SCC):
            errors.setdefault(
                "scc_modules", "Modules and standard contractual clauses go together."
            )
        if errors:
            raise ValidationError(errors)

    def last_day(self) -> dt.date | None:
        """The last day in force, whatever ends it; None if nothing does yet.

        A day before `starts_on` means that it never was in force.
        """
        return lifecycle.last_day(self)
