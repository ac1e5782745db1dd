"""What is said of a version of a data policy: by who submits it, and by who decides."""

from __future__ import annotations

from django import forms

from policies.models.rules import LONGEST_BREAK_HOURS


class SubmitForm(forms.Form):
    note = forms.CharField(
        max_length=300,
        label="What changes, and why",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For who decides, and for the record. No data of patients.",
    )


class VersionDecisionForm(forms.Form):
    starts_at = forms.DateTimeField(
        required=False,
        label="In force from",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        help_text="Empty: at once. The version in force until then ends at that moment.",
    )
    note = forms.CharField(
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Needed to reject. No data of patients.",
    )


class BreakGlassForm(forms.Form):
    hours = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_BREAK_HOURS,
        initial=1,
        label="For how many hours",
        help_text=f"{LONGEST_BREAK_HOURS} at most. It can be ended before.",
    )
    reason = forms.CharField(
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It stays in the record for good. No data of patients.",
    )
