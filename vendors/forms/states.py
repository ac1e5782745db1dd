"""Forms of a vendor's state: the next one with its reason, and conditions of an approval."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from vendors.forms.papers import PdfField
from vendors.forms.register import people
from vendors.models import Vendor, VendorCondition
from vendors.services.register import BY_OFFBOARDING, TRANSITIONS

NEVER_PHI = "In a sentence. Never patient data."
WHAT_FOLLOWS = {
    Vendor.State.PROSPECT: "Not looked at yet; no call with PHI passes.",
    Vendor.State.IN_REVIEW: "Somebody looks at it; no call with PHI passes meanwhile.",
    Vendor.State.APPROVED: "The gate may let PHI pass, if everything else holds.",
    Vendor.State.CONDITIONS: "As approved, until the first condition below is due.",
    Vendor.State.REJECTED: "Not to be used.",
    Vendor.State.SUSPENDED: "Calls with PHI stop at once; everything stays recorded.",
}


class VendorStateForm(forms.Form):
    """The states that may follow the present one, and why.

    Offboarding has steps of its own and is not among them.
    """

    state = forms.ChoiceField(label="New state", widget=forms.RadioSelect)
    reason = forms.CharField(max_length=300, help_text=NEVER_PHI)

    def __init__(self, *args: Any, vendor: Vendor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # From offboarding one comes back by calling it off.
        can = () if vendor.state == Vendor.State.OFFBOARDING else TRANSITIONS[vendor.state]
        choices = [
            (state.value, f"{state.label}: {WHAT_FOLLOWS[state]}")
            for state in can
            if state not in BY_OFFBOARDING
        ]
        self.fields["state"].choices = choices  # type: ignore[attr-defined]


class ConditionForm(forms.Form):
    """One condition of an approval."""

    text = forms.CharField(required=False, max_length=300, label="Condition", help_text=NEVER_PHI)
    due_on = forms.DateField(required=False, label="Due", help_text="Last day of the approval.")
    owner = forms.ModelChoiceField(get_user_model().objects, required=False, label="Who sees to it")

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        text, due = cleaned.get("text"), cleaned.get("due_on")
        if text and not due and "due_on" not in self.errors:
            self.add_error("due_on", "By when?")
        if not text and (due or cleaned.get("owner")) and "text" not in self.errors:
            self.add_error("text", "What has to be done?")
        if due and due < self.today:
            self.add_error("due_on", "This day has passed.")
        return cleaned


class ConditionRows(forms.BaseFormSet):
    def conditions(self) -> list[VendorCondition]:
        """The conditions of the rows that were filled in, unsaved."""
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data.get("text")]
        return [VendorCondition(**row) for row in rows]


def condition_rows(extra: int) -> Any:
    """The formset class of conditions, with `extra` empty rows."""
    return forms.formset_factory(
        ConditionForm, formset=ConditionRows, extra=extra, max_num=20, absolute_max=21
    )


class MeetForm(forms.Form):
    """That a condition was met, and what shows it."""

    met_on = forms.DateField(label="Met on")
    note = forms.CharField(required=False, max_length=300, help_text=NEVER_PHI)
    document = PdfField(label="Evidence (PDF)")

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["met_on"].initial = today

    def clean_met_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["met_on"]
        if day > self.today:
            raise ValidationError("It cannot have been met in the future.")
        return day


class WaiveForm(forms.Form):
    reason = forms.CharField(max_length=300, label="Why it is let go", help_text=NEVER_PHI)
