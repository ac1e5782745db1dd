"""Shows what a service refused where the person typed it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError


def show_refusal(form: forms.Form | forms.ModelForm[Any], error: ValidationError) -> None:
    """Add each message to its field, or above the form where the form has no such field."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error.messages)
        return
    for name, messages in error.message_dict.items():
        form.add_error(name if name in form.fields else None, messages)
