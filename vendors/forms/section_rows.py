"""The rows of the workbench's grids: exceptions, subservices, CUECs, letters, conditions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.utils import ErrorDict

from vendors.forms.papers import PdfField
from vendors.forms.register import people
from vendors.models import AssuranceReport, Cuec, ReportException, Subservice
from vendors.services.report_answers import plain

WIDE = {"rows": 3}
# Takes the whole width of its row.
LONG = {"class": "long"}


class PageField(forms.IntegerField):
    """The page of the PDF on which something stands, counted from 1."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            min_value=1,
            max_value=5000,
            label="Page",
            widget=forms.NumberInput(attrs={"class": "page-no", "inputmode": "numeric"}),
        )


class Quiet(forms.Form):
    """A form that can show what was typed so far without finding fault with it."""

    def hush(self) -> None:
        """Say nothing of errors: the person asked for something else than to save."""
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}

    def stored(self) -> dict[str, Any]:
        """The checked values as JSON holds them."""
        return {
            name: plain(value)
            for name, value in self.cleaned_data.items()
            if not isinstance(self.fields[name], forms.FileField)
        }


class ExceptionRow(Quiet):
    control = forms.CharField(max_length=60)
    criterion = forms.CharField(max_length=60, required=False)
    page = PageField()
    failed = forms.CharField(
        max_length=2000, label="What failed", widget=forms.Textarea(attrs=WIDE)
    )
    sample_failed = forms.IntegerField(required=False, min_value=0, label="Failed")
    sample_size = forms.IntegerField(required=False, min_value=0, label="Of a sample of")
    response = forms.CharField(
        max_length=2000,
        required=False,
        label="Management's response",
        widget=forms.Textarea(attrs=WIDE),
    )
    relevant = forms.BooleanField(required=False, initial=True, label="Concerns our use")
    compensating = forms.CharField(
        max_length=500,
        required=False,
        label="Compensating control of ours",
        widget=forms.TextInput(attrs=LONG),
    )
    disposition = forms.ChoiceField(choices=[("", "Choose"), *ReportException.Disposition.choices])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        failed, size = cleaned.get("sample_failed"), cleaned.get("sample_size")
        if failed is not None and size is not None and failed > size:
            self.add_error("sample_failed", "More failed than were looked at.")
        compensated = cleaned.get("disposition") == ReportException.Disposition.COMPENSATED
        if compensated and not cleaned.get("compensating"):
            self.add_error("compensating", "Name the control that compensates.")
        return cleaned


def _named(report: AssuranceReport) -> str:
    return f"{report.vendor}: {report}"


class SubserviceRow(Quiet):
    name = forms.CharField(max_length=120)
    method = forms.ChoiceField(choices=Subservice.Method, initial=Subservice.Method.CARVE_OUT)
    page = PageField()
    function = forms.CharField(
        max_length=200,
        required=False,
        help_text="What it does for the vendor.",
        widget=forms.TextInput(attrs=LONG),
    )
    needs_own_report = forms.BooleanField(
        required=False,
        initial=True,
        label="We rely on it",
        help_text="Carved out, it then needs a SOC 2 report of its own.",
    )
    own_report = forms.ModelChoiceField(
        AssuranceReport.objects.none(),
        required=False,
        label="Its own report",
        empty_label="None recorded",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["own_report"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = AssuranceReport.objects.standing().select_related("vendor")
        field.label_from_instance = _named  # type: ignore[method-assign,assignment]


class CuecRow(Quiet):
    reference = forms.CharField(max_length=40, required=False, label="Number")
    page = PageField()
    text = forms.CharField(max_length=2000, widget=forms.Textarea(attrs=WIDE))
    state = forms.ChoiceField(choices=Cuec.State, initial=Cuec.State.OPEN, label="On our side")
    our_control = forms.CharField(
        max_length=500, required=False, label="Our control", widget=forms.TextInput(attrs=LONG)
    )
    owner = forms.ModelChoiceField(people().none(), required=False, empty_label="Nobody yet")
    evidence = forms.CharField(
        max_length=500,
        required=False,
        help_text="What shows it, and where. Never patient data.",
        widget=forms.TextInput(attrs=LONG),
    )
    carried_from = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        there = cleaned.get("state") in (Cuec.State.IN_PLACE, Cuec.State.PARTLY)
        if there and not cleaned.get("our_control"):
            self.add_error("our_control", "Say which control of ours does it.")
        return cleaned


class BridgeRow(Quiet):
    covers_from = forms.DateField(label="Covers from")
    covers_to = forms.DateField(label="Covers to", help_text="Last day; it counts.")
    signer = forms.CharField(
        max_length=160, help_text="Who signs for the vendor's management, never the auditor."
    )
    signer_role = forms.CharField(max_length=120, required=False, label="Role")
    signed_on = forms.DateField(required=False, label="Signed on")
    changes = forms.CharField(
        max_length=1000,
        required=False,
        label="Changes disclosed",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    incidents = forms.CharField(
        max_length=1000,
        required=False,
        label="Incidents disclosed",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    document = PdfField(label="The letter (PDF)")
    document_id = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("covers_from"), cleaned.get("covers_to")
        if first and last and last < first:
            self.add_error("covers_to", "The last day is before the first.")
        return cleaned


class ConditionRow(Quiet):
    text = forms.CharField(max_length=500, label="Condition", widget=forms.TextInput(attrs=LONG))
    due_on = forms.DateField(label="Due on", help_text="Last day on which it may be open.")
    owner = forms.ModelChoiceField(people().none(), required=False, empty_label="Officers")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]
