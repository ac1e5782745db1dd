"""The register of CUECs narrowed, and forms of what is left to us after a review."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from vendors.forms.papers import PdfField
from vendors.forms.register import people
from vendors.models import Cuec, ReportCondition, Vendor


class AssessForm(forms.Form):
    """How we do what a report takes for granted on our side."""

    state = forms.ChoiceField(choices=Cuec.State, widget=forms.RadioSelect, label="On our side")
    our_control = forms.CharField(
        max_length=500,
        required=False,
        label="Our control",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="How we do it, or why it does not concern us.",
    )
    owner = forms.ModelChoiceField(people().none(), required=False, empty_label="Nobody yet")
    evidence = forms.CharField(
        max_length=500, required=False, help_text="What shows it, and where. Never patient data."
    )
    document = PdfField(label="Evidence (PDF)")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        there = cleaned.get("state") in (Cuec.State.IN_PLACE, Cuec.State.PARTLY)
        if there and not cleaned.get("our_control"):
            self.add_error("our_control", "Say which control of ours does it.")
        return cleaned


class CloseForm(forms.Form):
    """What became of a condition."""

    state = forms.ChoiceField(
        choices=[c for c in ReportCondition.State.choices if c[0] != "open"],
        widget=forms.RadioSelect,
        label="It is",
    )
    note = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What shows that it is met, or why it is waived. Never patient data.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        waived = cleaned.get("state") == ReportCondition.State.WAIVED
        if waived and not cleaned.get("note"):
            self.add_error("note", "Say why it is waived.")
        return cleaned


class CuecFilter(django_filters.FilterSet):  # type: ignore[misc]  # has no types
    """The register of CUECs, narrowed and sorted by the address."""

    OWNER = [("me", "Me"), ("nobody", "Nobody")]

    q = django_filters.CharFilter(method="search", label="Search", max_length=80)
    vendor = django_filters.ModelChoiceFilter(
        field_name="report__vendor",
        to_field_name="slug",
        queryset=Vendor.objects.filter(reports__cuecs__isnull=False).distinct(),
        empty_label="Any",
    )
    state = django_filters.ChoiceFilter(choices=Cuec.State, empty_label="Any")
    owner = django_filters.ChoiceFilter(method="by_owner", choices=OWNER, empty_label="Anybody")
    sort = django_filters.OrderingFilter(
        fields={
            "report__vendor__name": "vendor",
            "state": "state",
            "assessed_on": "assessed",
            "owner__email": "owner",
        }
    )

    class Meta:
        model = Cuec
        fields: list[str] = []

    @property
    def qs(self) -> QuerySet[Cuec]:
        """In the order asked for; the vendor and the place in the report decide among equals."""
        found: QuerySet[Cuec] = super().qs
        if not found.query.order_by:
            found = found.order_by("report__vendor__name")
        return found.order_by(*found.query.order_by, "report_id", "pk")

    def search(self, found: QuerySet[Cuec], _name: str, value: str) -> QuerySet[Cuec]:
        return found.filter(
            Q(text__icontains=value)
            | Q(our_control__icontains=value)
            | Q(reference__icontains=value)
            | Q(evidence__icontains=value)
        )

    def by_owner(self, found: QuerySet[Cuec], _name: str, value: str) -> QuerySet[Cuec]:
        if value == "me":
            return found.filter(owner_id=self.request.user.pk)
        return found.filter(owner__isnull=True)
