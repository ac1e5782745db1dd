from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model

from evidence.models import Finding, FindingEvent


class AssignForm(forms.ModelForm):
    """Who answers for a finding; empty gives it back to the owner of its subject."""

    class Meta:
        model = Finding
        fields = ["owner"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.assigned_at:
            self.initial["owner"] = None  # the checks chose, nobody did
        people = get_user_model().objects.filter(is_active=True, groups__isnull=False).distinct()
        self.fields["owner"] = forms.ModelChoiceField(
            people,
            required=False,
            label="Owner",
            empty_label="Whoever owns its subject",
            help_text="Gets the notices. The daily checks keep the person chosen here.",
        )


class NoteForm(forms.ModelForm):
    class Meta:
        model = FindingEvent
        fields = ["note"]
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "note": (
                "Stays for good, and everybody who may see findings reads it, auditors included. "
                "No patient data, no prompts, no outputs."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = True
