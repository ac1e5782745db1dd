"""Forms of providers' counts: the source, whose counts are whose, and a file."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from audits.models import UsageMapping, UsageSource
from policies.models import Integration
from vendors import outbound


class UsageSourceForm(forms.ModelForm):
    """Where counts come from."""

    class Meta:
        model = UsageSource
        fields = (
            "name",
            "provider",
            "kind",
            "base_url",
            "key_name",
            "due_after_days",
            "owner",
            "is_active",
        )
        widgets = {"kind": forms.RadioSelect}

    def clean_base_url(self) -> str:
        url = str(self.cleaned_data["base_url"]).rstrip("/")
        if url:
            try:
                parts = outbound.checked(url)
            except outbound.Refused as refused:
                raise ValidationError(f"Not this address: {refused}.") from None
            if parts.query:
                raise ValidationError("The address of the API alone, without a query.")
        return url

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if cleaned.get("kind") == UsageSource.Kind.OPENAI:
            for name in ("base_url", "key_name"):
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, "The usage API needs this.")
        return cleaned


class UsageMappingForm(forms.ModelForm):
    """Whose counts these are; the source is fixed by the page."""

    # On the form though fixed: a form skips each constraint that uses a field it lacks.
    source = forms.ModelChoiceField(UsageSource.objects, disabled=True, widget=forms.HiddenInput)
    integration = forms.ModelChoiceField(
        Integration.objects.order_by("name"), required=False, empty_label="None"
    )

    class Meta:
        model = UsageMapping
        fields = (
            "source",
            "project",
            "api_key",
            "model_pattern",
            "treatment",
            "integration",
            "note",
        )
        widgets = {"treatment": forms.RadioSelect}


class UsageFileForm(forms.Form):
    """A file of counts, and the days it speaks of if they are more than its lines name."""

    file = forms.FileField(
        label="CSV or XLSX file",
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,text/csv"}),
        help_text="Headings in the first line. You see what it says before anything is stored.",
    )
    first_day = forms.DateField(
        required=False, help_text="Empty: the first day that a line names. Days are in UTC."
    )
    last_day = forms.DateField(
        required=False, help_text="Days up to here without a line count as days without use."
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_last_day(self) -> dt.date | None:
        day: dt.date | None = self.cleaned_data["last_day"]
        if day and day > self.today:
            raise ValidationError("This day has not come yet.")
        return day
