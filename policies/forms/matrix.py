"""What the matrix of access can be narrowed by."""

from __future__ import annotations

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from policies.models import Principal


def _text(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=80,
        validators=[ProhibitNullCharactersValidator()],
    )


class MatrixForm(forms.Form):
    """Which people and which integrations are shown."""

    who = _text("Name, address or id")
    integration = _text("Integration")
    kind = forms.ChoiceField(
        label="Kind", required=False, choices=[("", "Anybody"), *Principal.Kind.choices]
    )
    show = forms.ChoiceField(
        label="Show",
        required=False,
        choices=[("", "Who may do something"), ("all", "Everybody")],
    )
