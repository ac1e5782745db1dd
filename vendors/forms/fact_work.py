"""Forms of the work on facts: narrowing the list, assigning, recording for several services."""

from __future__ import annotations

import datetime as dt
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet

from vendors import as_of
from vendors.forms.facts import FactForm
from vendors.forms.register import people
from vendors.models import Dimension, Fact, FactAssignment, Grade, Service, Vendor

SOON_DAYS = 14


class FactFilter(django_filters.FilterSet):
    """Current facts of offered services; without a choice, those that are stale or soon will be."""

    DUE = [("stale", "Verify now"), ("all", "All that counts today")]
    LOOKS = [("me", "Me"), ("nobody", "Nobody"), ("somebody", "Somebody")]

    due = django_filters.ChoiceFilter(
        choices=DUE, method="by_due", label="Due", empty_label=f"Now or within {SOON_DAYS} days"
    )
    vendor = django_filters.ModelChoiceFilter(
        field_name="service__vendor",
        queryset=Vendor.objects.all(),
        to_field_name="slug",
        empty_label="Any",
    )
    dimension = django_filters.ChoiceFilter(choices=Dimension, empty_label="Any")
    grade = django_filters.ChoiceFilter(choices=Grade, empty_label="Any")
    looks = django_filters.ChoiceFilter(
        choices=LOOKS, method="by_looks", label="Who looks", empty_label="Anybody"
    )

    class Meta:
        model = Fact
        fields: list[str] = []

    @property
    def qs(self) -> QuerySet[Fact]:
        found: QuerySet[Fact] = super().qs
        if not self.form.cleaned_data.get("due"):
            found = self.by_due(found, "due", "soon")
        # One source after the other, since one is read at a time.
        return found.order_by("source", "service__vendor__name", "service__name", "dimension", "pk")

    def by_due(self, found: QuerySet[Fact], _name: str, value: str) -> QuerySet[Fact]:
        on = as_of.reading_day()
        if value == "all":
            offered = Service.objects.offered(on)
            current = Fact.objects.current(on).values("pk")
            return found.filter(service__in=offered, pk__in=current)
        until = on + dt.timedelta(days=SOON_DAYS if value == "soon" else 0)
        return found.filter(
            pk__in=Fact.objects.stale(until, fresh_days=settings.FACT_FRESH_DAYS)
            .order_by()
            .values("pk")
        )

    def by_looks(self, found: QuerySet[Fact], _name: str, value: str) -> QuerySet[Fact]:
        assigned = FactAssignment.objects.filter(
            service=OuterRef("service"), dimension=OuterRef("dimension")
        )
        if value == "me":
            assigned = assigned.filter(assignee_id=self.request.user.pk)
        wanted = Q(Exists(assigned))
        return found.filter(~wanted if value == "nobody" else wanted)


class AssignForm(forms.Form):
    """Who looks at the ticked facts next; empty takes the assignment away."""

    assignee = forms.ModelChoiceField(
        get_user_model().objects, required=False, label="Who looks next", empty_label="Nobody"
    )
    look_by = forms.DateField(required=False, label="By")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assignee"].queryset = people()  # type: ignore[attr-defined]


class SeveralForm(FactForm):
    """One answer of one source for several services."""

    services = forms.ModelMultipleChoiceField(
        Service.objects, widget=forms.CheckboxSelectMultiple, label="Services the source speaks of"
    )

    field_order = ("services",)

    def __init__(self, *args: Any, on: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = Service.objects.offered(on).select_related("vendor")
        field: Any = self.fields["services"]
        field.queryset = services.order_by("vendor__name", "name")
        field.label_from_instance = lambda each: f"{each.vendor.name}: {each.name}"
