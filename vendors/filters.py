"""Filters and order of the vendor list; each one is a query, none reads more than it needs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import django_filters
from django import forms
from django.core.validators import RegexValidator
from django.db.models import (
    Case,
    DateField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from vendors import as_of
from vendors.lifecycle import RECORDED, SOON_DAYS, AgreementState
from vendors.models import (
    Agreement,
    AssuranceReport,
    Dimension,
    Inquiry,
    Questionnaire,
    Service,
    ServiceModel,
    Vendor,
)
from vendors.models.agreements import LAST_DAY, AgreementQuerySet
from vendors.models.questionnaires import WITH_US, WITH_VENDOR
from vendors.models.register import MODEL_PATTERN, REGION
from vendors.services.report_facts import current_reports

NO_END = dt.date(9999, 12, 31)


def baas() -> QuerySet[Agreement]:
    """BAAs of the vendor that the outer query stands on."""
    return Agreement.objects.filter(vendor=OuterRef("pk"), kind=Agreement.Kind.BAA)


def reports(kind: str = AssuranceReport.Kind.SOC2_TYPE2) -> QuerySet[AssuranceReport]:
    """Reports that count, of the vendor that the outer query stands on."""
    return AssuranceReport.objects.counted().filter(vendor=OuterRef("pk"), kind=kind)


class VendorOrder(django_filters.OrderingFilter):
    """Sorts by what the columns show; the name decides among equals."""

    def filter(self, qs: QuerySet[Vendor], value: list[str] | None) -> QuerySet[Vendor]:
        if not value:
            return qs.order_by("name")
        name = value[0].lstrip("-")
        key = {"baa": _baa_until, "report": _report_end, "criticality": _rank}.get(name)
        if key:
            qs = qs.annotate(sort_key=key())
        column = F("sort_key" if key else self.param_map[name])
        order = column.desc if value[0].startswith("-") else column.asc
        return qs.order_by(order(nulls_last=True), "name")


def _baa_until() -> Subquery:
    """The last day of the BAA in force that lasts longest; without an end, the last of days."""
    on = as_of.reading_day()
    last = Coalesce(LAST_DAY, Value(NO_END), output_field=DateField())
    in_force = Agreement.objects.in_force(on).filter(vendor=OuterRef("pk"), kind=Agreement.Kind.BAA)
    return Subquery(in_force.annotate(end=last).order_by("-end").values("end")[:1])


def _report_end() -> Subquery:
    return Subquery(reports().order_by("-period_end").values("period_end")[:1])


def _rank() -> Case:
    ranks = [When(criticality=c, then=Value(i)) for i, c in enumerate(Vendor.Criticality)]
    return Case(*ranks, output_field=IntegerField())


class VendorFilter(django_filters.FilterSet):
    """The vendor list, narrowed and sorted by the address."""

    BAA = [
        ("in_force", "In force"),
        ("ending", f"Ends within {SOON_DAYS} days"),
        ("ended", "Ended"),
        ("none", "None"),
    ]
    SOC2 = [
        ("current", "Type II current"),
        ("not_current", "Type II not current"),
        ("type1", "Type I only"),
        ("none", "None accepted"),
    ]
    OWNER = [("me", "Me"), ("nobody", "Nobody")]

    q = django_filters.CharFilter(method="search", label="Search", max_length=80)
    state = django_filters.ChoiceFilter(choices=Vendor.State, empty_label="Any")
    criticality = django_filters.ChoiceFilter(choices=Vendor.Criticality, empty_label="Any")
    baa = django_filters.ChoiceFilter(method="by_baa", choices=BAA, label="BAA", empty_label="Any")
    soc2 = django_filters.ChoiceFilter(
        method="by_soc2", choices=SOC2, label="SOC 2", empty_label="Any"
    )
    owner = django_filters.ChoiceFilter(method="by_owner", choices=OWNER, empty_label="Anybody")
    sort = VendorOrder(
        fields={
            "name": "name",
            "state": "state",
            "criticality": "criticality",
            "baa": "baa",
            "report": "report",
            "next_review_on": "review",
            "owner__email": "owner",
        }
    )

    class Meta:
        model = Vendor
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.form.fields["q"].widget.attrs["placeholder"] = "Vendor, service, model or owner"

    def search(self, found: QuerySet[Vendor], _name: str, value: str) -> QuerySet[Vendor]:
        """Vendors with the text in a name of their own, of a service, a model or the owner."""
        services = Service.objects.filter(vendor=OuterRef("pk"), name__icontains=value)
        models = ServiceModel.objects.filter(
            service__vendor=OuterRef("pk"), pattern__icontains=value
        )
        return found.filter(
            Q(name__icontains=value)
            | Q(legal_name__icontains=value)
            | Q(owner__email__icontains=value)
            | Q(owner__full_name__icontains=value)
            | Exists(services)
            | Exists(models)
        )

    def by_baa(self, found: QuerySet[Vendor], _name: str, value: str) -> QuerySet[Vendor]:
        on = as_of.reading_day()
        in_force = Exists(
            Agreement.objects.in_force(on).filter(vendor=OuterRef("pk"), kind=Agreement.Kind.BAA)
        )
        if value == "in_force":
            return found.filter(in_force)
        if value == "ending":
            until = on + dt.timedelta(days=SOON_DAYS)
            lapsing = Agreement.objects.lapsing(on, until=until).filter(kind=Agreement.Kind.BAA)
            return found.filter(pk__in=lapsing.values("vendor"))
        if value == "ended":
            return found.filter(~in_force, Exists(baas().filter(starts_on__lte=on)))
        return found.filter(~Exists(baas()))

    def by_soc2(self, found: QuerySet[Vendor], _name: str, value: str) -> QuerySet[Vendor]:
        on = as_of.reading_day()
        is_current = Q(pk__in=current_reports(on).values("vendor"))
        type2, type1 = Exists(reports()), Exists(reports(AssuranceReport.Kind.SOC2_TYPE1))
        return {
            "current": found.filter(is_current),
            "not_current": found.filter(~is_current, type2),
            "type1": found.filter(~type2, type1),
            "none": found.filter(~type2, ~type1),
        }[value]

    def by_owner(self, found: QuerySet[Vendor], _name: str, value: str) -> QuerySet[Vendor]:
        if value == "me":
            return found.filter(owner_id=self.request.user.pk)
        return found.filter(owner__isnull=True)


class SlugsField(forms.Field):
    """Slugs from the address, such as `?service=a&service=b`; kept in hidden inputs."""

    widget = forms.MultipleHiddenInput
    default_validators = [RegexValidator(r"^[A-Za-z0-9_-]{1,80}\Z", "Choose from the list.")]

    def to_python(self, value: Any) -> list[str]:
        return list(dict.fromkeys(value or ()))

    def run_validators(self, value: Any) -> None:
        for slug in value:
            super().run_validators(slug)


class SlugsFilter(django_filters.Filter):
    """Rows whose slug is one of those in the address; all of them where none is."""

    field_class = SlugsField

    def filter(self, qs: QuerySet[Service], value: list[str] | None) -> QuerySet[Service]:
        return qs.filter(slug__in=value) if value else qs


class ComparisonFilter(django_filters.FilterSet):
    """Which services are compared, in which dimensions, for which model and region."""

    SHOW = [("gate", "What the gate needs"), ("differ", "Where they differ")]
    OF = [("approved", "Approved vendors"), ("all", "All vendors")]

    q = django_filters.CharFilter(method="search", label="Search", max_length=80)
    of = django_filters.ChoiceFilter(
        method="of_vendors", choices=OF, label="Vendors", empty_label="All but turned down"
    )
    deployment = django_filters.ChoiceFilter(choices=Service.Deployment, empty_label="Any")
    model = django_filters.CharFilter(
        method="as_asked", label="For model", max_length=120, validators=[MODEL_PATTERN]
    )
    region = django_filters.CharFilter(
        method="as_asked", label="For region", max_length=40, validators=[REGION]
    )
    show = django_filters.ChoiceFilter(
        method="as_asked", choices=SHOW, label="Dimensions", empty_label="All, or as chosen"
    )
    dimension = django_filters.MultipleChoiceFilter(
        method="as_asked",
        choices=Dimension,
        label="Chosen dimensions",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "in-row"}),
    )
    service = SlugsFilter()

    class Meta:
        model = Service
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.form.fields["q"].widget.attrs["placeholder"] = "Service, vendor or model"
        self.form.fields["model"].widget.attrs["placeholder"] = "Any"
        self.form.fields["region"].widget.attrs["placeholder"] = "Any"

    def filter_queryset(self, queryset: QuerySet[Service]) -> QuerySet[Service]:
        """Services chosen one by one are shown whatever became of their vendor."""
        if not self.form.cleaned_data["of"] and not self.form.cleaned_data["service"]:
            engaged = Vendor.objects.engaged()
            queryset = queryset.filter(vendor__in=engaged)
        found: QuerySet[Service] = super().filter_queryset(queryset)
        return found

    def search(self, found: QuerySet[Service], _name: str, value: str) -> QuerySet[Service]:
        models = ServiceModel.objects.filter(service=OuterRef("pk"), pattern__icontains=value)
        named = Q(name__icontains=value) | Q(vendor__name__icontains=value)
        return found.filter(named | Exists(models))

    def of_vendors(self, found: QuerySet[Service], _name: str, value: str) -> QuerySet[Service]:
        if value == "all":
            return found
        return found.filter(vendor__state__in=[Vendor.State.APPROVED, Vendor.State.CONDITIONS])

    def as_asked(self, found: QuerySet[Service], _name: str, _value: Any) -> QuerySet[Service]:
        """What is shown of the services, not which."""
        return found


class AgreementFilter(django_filters.FilterSet):
    """The agreements of all vendors; replaced versions only where they are asked for."""

    ENDING = [("30", "Within 30 days"), ("60", "Within 60 days"), ("90", "Within 90 days")]
    OWNER = [("me", "Me"), ("nobody", "Nobody")]

    q = django_filters.CharFilter(method="search", label="Search", max_length=80)
    kind = django_filters.ChoiceFilter(choices=Agreement.Kind, empty_label="Any")
    state = django_filters.ChoiceFilter(
        choices=[*((each.value, each.label) for each in RECORDED), ("all", "All versions")],
        method="by_state",
        label="State",
        empty_label="Newest versions",
    )
    vendor = django_filters.ModelChoiceFilter(
        queryset=Vendor.objects.all(), to_field_name="slug", empty_label="Any"
    )
    ending = django_filters.ChoiceFilter(
        choices=ENDING, method="by_ending", label="Ending", empty_label="Any day"
    )
    owner = django_filters.ChoiceFilter(method="by_owner", choices=OWNER, empty_label="Anybody")
    sort = django_filters.OrderingFilter(
        fields={
            "vendor__name": "vendor",
            "kind": "kind",
            "starts_on": "starts",
            "ends_on": "ends",
            "owner__email": "owner",
        }
    )

    class Meta:
        model = Agreement
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.form.fields["q"].widget.attrs["placeholder"] = "Reference, vendor or account"

    @property
    def qs(self) -> AgreementQuerySet:
        """Without a state, versions that another has replaced are left out."""
        found: AgreementQuerySet = super().qs
        if not self.form.cleaned_data.get("state"):
            found = self.by_state(found, "state", "")
        return found.order_by(*found.query.order_by, "-pk")

    def search(self, found: QuerySet[Agreement], _name: str, value: str) -> QuerySet[Agreement]:
        return found.filter(
            Q(reference__icontains=value)
            | Q(vendor__name__icontains=value)
            | Q(counterparty__icontains=value)
            | Q(account__icontains=value)
        )

    def by_state(self, found: AgreementQuerySet, _name: str, value: str) -> AgreementQuerySet:
        if value == "all":
            return found
        stated = found.with_state(as_of.reading_day())
        wanted = Q(state=value) if value else ~Q(state=AgreementState.REPLACED.value)
        return stated.filter(wanted)

    def by_ending(self, found: AgreementQuerySet, _name: str, value: str) -> AgreementQuerySet:
        return found.ending(as_of.reading_day(), within_days=int(value))

    def by_owner(self, found: QuerySet[Agreement], _name: str, value: str) -> QuerySet[Agreement]:
        if value == "me":
            return found.filter(owner_id=self.request.user.pk)
        return found.filter(owner__isnull=True)


class InquiryFilter(django_filters.FilterSet):
    """Questionnaires that were sent, the latest first."""

    WAITING = [
        ("vendor", "For the vendor"),
        ("ended", "Link ended unanswered"),
        ("us", "For our review"),
        ("done", "Reviewed"),
        ("withdrawn", "Withdrawn"),
    ]

    q = django_filters.CharFilter(method="search", label="Search", max_length=80)
    waiting = django_filters.ChoiceFilter(
        method="by_waiting", choices=WAITING, label="Waiting", empty_label="Any"
    )
    questionnaire = django_filters.ModelChoiceFilter(
        queryset=Questionnaire.objects.exclude(state=Questionnaire.State.DRAFT), empty_label="Any"
    )
    sort = django_filters.OrderingFilter(
        fields={
            "vendor__name": "vendor",
            "questionnaire__title": "questionnaire",
            "sent_at": "sent",
            "expires_at": "until",
            "submitted_at": "submitted",
        }
    )

    class Meta:
        model = Inquiry
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.form.fields["q"].widget.attrs["placeholder"] = "Vendor, service or contact"

    def search(self, found: QuerySet[Inquiry], _name: str, value: str) -> QuerySet[Inquiry]:
        return found.filter(
            Q(vendor__name__icontains=value)
            | Q(service__name__icontains=value)
            | Q(contact__icontains=value)
        )

    def by_waiting(self, found: QuerySet[Inquiry], _name: str, value: str) -> QuerySet[Inquiry]:
        at = as_of.reading_moment()
        with_vendor = Q(state__in=WITH_VENDOR)
        return {
            "vendor": found.filter(with_vendor, expires_at__gt=at),
            "ended": found.filter(with_vendor, expires_at__lte=at),
            "us": found.filter(state__in=WITH_US),
            "done": found.filter(state=Inquiry.State.ACCEPTED),
            "withdrawn": found.filter(state=Inquiry.State.WITHDRAWN),
        }[value]
