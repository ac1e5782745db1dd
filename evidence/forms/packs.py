from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

from evidence.models import EvidencePack
from evidence.pack.datasets import DATASETS
from evidence.services import packs
from policies.models import Integration
from vendors.models import Vendor


class PackForm(forms.Form):
    """What a pack is to hold; `today` is the day its period may reach."""

    title = forms.CharField(
        max_length=EvidencePack._meta.get_field("title").max_length,
        help_text="Stands on the cover. No names of patients.",
    )
    period_start = forms.DateField(label="First day", help_text="Counts.")
    period_end = forms.DateField(label="Last day", help_text="Counts; today at the latest.")
    vendors = forms.ModelMultipleChoiceField(
        Vendor.objects.order_by("name"),
        required=False,
        help_text="Choose none for all. A vendor brings its integrations.",
    )
    integrations = forms.ModelMultipleChoiceField(
        Integration.objects.select_related("service").order_by("name"),
        required=False,
        help_text="Choose none for all of the vendors above.",
    )
    datasets = forms.MultipleChoiceField(
        choices=[(dataset.name, dataset.title) for dataset in DATASETS],
        initial=[dataset.name for dataset in DATASETS],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "in-row"}),
        help_text="Each becomes a population with its sheet.",
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["period_end"].widget.attrs["max"] = today.isoformat()

    def clean(self) -> dict[str, Any]:
        known = super().clean() or {}
        if {"period_start", "period_end"} <= set(known):
            packs.check_period(known["period_start"], known["period_end"], today=self.today)
        if {"vendors", "integrations"} <= set(known):
            packs.check_scope(known["vendors"], known["integrations"])
        return known
