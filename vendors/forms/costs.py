"""The form of a cost: what a source says today of a capability."""

from __future__ import annotations

from typing import Any

from django import forms

from vendors.models import CostFact, Service, Vendor


class CostFactForm(forms.ModelForm):
    """A new look at a source; vendor and service are named by their slugs, there may be many."""

    vendor = forms.ModelChoiceField(
        Vendor.objects,
        to_field_name="slug",
        required=False,
        widget=forms.TextInput,
        help_text="The last part of its page's address, such as openai; empty for any vendor.",
    )
    service = forms.ModelChoiceField(
        Service.objects,
        to_field_name="slug",
        required=False,
        widget=forms.TextInput,
        help_text="As above, such as openai-api; instead of the vendor, not beside it.",
    )

    class Meta:
        model = CostFact
        fields = (
            "capability",
            "basis",
            "low",
            "high",
            "currency",
            "vendor",
            "service",
            "grade",
            "source",
            "as_of",
            "detail",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["detail"].widget.attrs["rows"] = 3
        for name in ("vendor", "service"):
            missing = "There is none of this name."
            self.fields[name].error_messages["invalid_choice"] = missing

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()
