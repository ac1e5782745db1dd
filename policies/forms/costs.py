"""The form of a cost plan."""

from __future__ import annotations

from typing import Any

from django import forms

from policies.models import CostPlan, Integration
from vendors.models import Capability

CHOSEN = [(c.value, c.label) for c in Capability if c != Capability.OVERALL]


class CostPlanForm(forms.ModelForm):
    """A plan of one integration; which one is fixed by the page."""

    # On the form though fixed: a form skips each constraint that uses a field it lacks.
    integration = forms.ModelChoiceField(
        Integration.objects, disabled=True, widget=forms.HiddenInput
    )
    capabilities = forms.MultipleChoiceField(
        choices=CHOSEN, widget=forms.CheckboxSelectMultiple, required=False
    )

    class Meta:
        model = CostPlan
        fields = (
            "integration",
            "name",
            "monthly_spend",
            "currency",
            "hourly_rate",
            "capabilities",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["monthly_spend"].help_text = "What the API alone costs in a month."
        self.fields["hourly_rate"].help_text = "Hours count as money at this rate."
        self.fields["currency"].widget.attrs["maxlength"] = "3"

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()
