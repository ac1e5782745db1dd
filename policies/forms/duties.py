"""What an officer fills in to keep two duties apart."""

from __future__ import annotations

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from policies.services import duties


def _choices() -> list[tuple[str, str]]:
    return [("", "Choose"), *duties.choices()]


class PairForm(forms.Form):
    """Two roles, or a role and a granted permission, that one person may not hold at once."""

    first = forms.ChoiceField(
        label="Who holds",
        choices=_choices,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    second = forms.ChoiceField(
        label="may not hold",
        choices=_choices,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    reason = forms.CharField(
        min_length=10,
        max_length=300,
        validators=[ProhibitNullCharactersValidator()],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="A sentence; it is shown to whom it stops.",
    )
