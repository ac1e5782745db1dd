"""Forms of leaving a vendor."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from vendors.forms.papers import PdfField
from vendors.forms.states import NEVER_PHI
from vendors.models import Offboarding, OffboardingStep


class StartForm(forms.Form):
    reason = forms.CharField(max_length=300, help_text=NEVER_PHI)
    planned_last_day = forms.DateField(
        label="Planned last day", help_text="The last day we want to depend on the vendor."
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_planned_last_day(self) -> dt.date:
        day: dt.date = self.cleaned_data["planned_last_day"]
        if day < self.today:
            raise ValidationError("This day has passed.")
        return day


class StepForm(forms.Form):
    """That a step was done; the one of our data says what became of it, with the proof."""

    disposal = forms.ChoiceField(
        choices=Offboarding.Disposal, widget=forms.RadioSelect, label="Our data"
    )
    done_on = forms.DateField(label="Done on")
    note = forms.CharField(required=False, max_length=500, help_text=NEVER_PHI)
    document = PdfField(label="Evidence (PDF)")

    def __init__(self, *args: Any, step: OffboardingStep, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["done_on"].initial = step.done_on or today
        self.fields["note"].initial = step.note
        if step.kind != OffboardingStep.Kind.DATA:
            del self.fields["disposal"]
        else:
            self.fields["disposal"].initial = step.offboarding.disposal
            self.fields["document"].label = "Proof (PDF)"
            self.fields["document"].required = step.document is None

    def clean_done_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["done_on"]
        if day > self.today:
            raise ValidationError("It cannot have been done in the future.")
        return day


class CallOffForm(forms.Form):
    reason = forms.CharField(max_length=300, label="Why we stay", help_text=NEVER_PHI)
