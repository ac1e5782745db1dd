"""Forms of assurance reports and bridge letters."""

from __future__ import annotations

from typing import Any

from django import forms

from vendors.models import (
    AssuranceReport,
    BridgeLetter,
    ReportScope,
    Vendor,
)

PDF = forms.FileInput(attrs={"accept": "application/pdf,.pdf"})


class PdfField(forms.FileField):
    """A paper as PDF; the service that keeps it looks inside."""

    widget = PDF

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "required": False,
                "label": "Document (PDF)",
                "help_text": "Without programs, attachments or a password.",
                "max_length": 200,
                **kwargs,
            }
        )


class ReportForm(forms.ModelForm):
    """A report with what it says of each of the vendor's services."""

    vendor = forms.ModelChoiceField(Vendor.objects, disabled=True, widget=forms.HiddenInput)
    document = PdfField()
    categories = forms.MultipleChoiceField(
        choices=AssuranceReport.Category,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Trust services categories",
    )

    class Meta:
        model = AssuranceReport
        fields = (
            "vendor",
            "kind",
            "auditor",
            "period_start",
            "period_end",
            "as_of",
            "issued_on",
            "opinion",
            "categories",
            "exception_count",
            "certificate_number",
            "valid_until",
            "scope_statement",
        )
        widgets = {"scope_statement": forms.Textarea(attrs={"rows": 3})}
        labels = {
            "period_start": "Period from",
            "period_end": "Period to",
            "as_of": "As of",
            "exception_count": "Exceptions noted",
        }
        help_texts = {
            "period_start": "First day that a type II covers.",
            "period_end": "Last day that a type II covers.",
        }

    def __init__(self, *args: Any, vendor: Vendor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["vendor"].initial = vendor
        stated = {}
        if self.instance.pk:
            stated = {scope.service_id: scope.in_scope for scope in self.instance.scopes.all()}
        self.services = list(vendor.services.all())
        for service in self.services:
            self.fields[f"scope_{service.pk}"] = forms.ChoiceField(
                choices=[("", "Not said"), *ReportScope.InScope.choices],
                required=False,
                label=f"{service.name} in scope",
                initial=stated.get(service.pk, ""),
            )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        certificate = cleaned.get("kind") in (
            AssuranceReport.Kind.ISO27001,
            AssuranceReport.Kind.HITRUST,
        )
        if certificate and not cleaned.get("valid_until"):
            self.add_error("valid_until", "A certificate has a last day: give it.")
        return cleaned

    def scope_fields(self) -> list[forms.BoundField]:
        """The fields that ask for each service."""
        return [self[f"scope_{service.pk}"] for service in self.services]

    def scopes(self) -> list[ReportScope]:
        """What the report says of each service, unsaved."""
        answers = [(s, self.cleaned_data[f"scope_{s.pk}"]) for s in self.services]
        return [ReportScope(service=s, in_scope=answer) for s, answer in answers if answer]


class ReportReviewForm(forms.Form):
    """Whether we rely on a report."""

    review = forms.ChoiceField(
        label="Verdict",
        widget=forms.RadioSelect,
        choices=[c for c in AssuranceReport.Review.choices if c[0] != "pending"],
    )
    review_note = forms.CharField(
        required=False,
        max_length=2000,
        label="Note",
        help_text="Conditions, or why it is rejected.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    type2_due_on = forms.DateField(
        required=False,
        label="Type II due",
        help_text="The day by which a type II must have arrived.",
    )

    def __init__(self, *args: Any, report: AssuranceReport, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if report.kind != AssuranceReport.Kind.SOC2_TYPE1:
            del self.fields["type2_due_on"]


class BridgeForm(forms.ModelForm):
    report = forms.ModelChoiceField(
        AssuranceReport.objects, disabled=True, widget=forms.HiddenInput
    )
    document = PdfField()

    class Meta:
        model = BridgeLetter
        fields = (
            "report",
            "covers_from",
            "covers_to",
            "signer",
            "signer_role",
            "signed_on",
            "discloses_changes",
            "changes",
            "incidents",
        )
        widgets = {
            "changes": forms.Textarea(attrs={"rows": 2}),
            "incidents": forms.Textarea(attrs={"rows": 2}),
        }
        labels = {"covers_from": "Covers from", "covers_to": "Covers to"}
