"""Forms of agreements, assurance reports and bridge letters."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError

from vendors.forms.register import DistinctRows, people
from vendors.models import (
    Agreement,
    AssuranceReport,
    BridgeLetter,
    CoveredScope,
    ReportScope,
    Service,
    Vendor,
)
from vendors.models.register import MODEL_PATTERN, REGION

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


class AgreementForm(forms.ModelForm):
    """A signed agreement with the services it covers as a whole."""

    # On the form though fixed: a form skips each constraint that uses a field it lacks.
    vendor = forms.ModelChoiceField(Vendor.objects, disabled=True, widget=forms.HiddenInput)
    document = PdfField()
    covers = forms.ModelMultipleChoiceField(
        Service.objects,
        required=False,
        label="Covers, with all models and regions",
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Agreement
        fields = (
            "vendor",
            "kind",
            "reference",
            "counterparty",
            "our_role",
            "account",
            "signed_by_us",
            "signed_by_vendor",
            "signed_on",
            "starts_on",
            "ends_on",
            "notice_days",
            "breach_notice_days",
            "owner",
        )

    def __init__(self, *args: Any, vendor: Vendor, fixed: tuple[str, ...] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["vendor"].initial = vendor
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]
        self.fields["covers"].queryset = vendor.services.all()  # type: ignore[attr-defined]
        for name in fixed:
            self.fields[name].disabled = True

    def clean_breach_notice_days(self) -> int | None:
        """Source: 45 CFR 164.410(b)."""
        days: int | None = self.cleaned_data["breach_notice_days"]
        if days is not None and days > 60:
            raise ValidationError("45 CFR 164.410 allows at most 60 days.")
        return days


class ScopeForm(forms.Form):
    """Part of a service that an agreement covers."""

    service = forms.ModelChoiceField(Service.objects, required=False, empty_label="None")
    model_pattern = forms.CharField(
        required=False, max_length=120, validators=[MODEL_PATTERN], label="Model or pattern"
    )
    region = forms.CharField(required=False, max_length=40, validators=[REGION])
    features_excluded = SimpleArrayField(
        forms.CharField(max_length=60), required=False, label="Features left out"
    )
    page = forms.CharField(required=False, max_length=40, label="Page")

    def __init__(self, *args: Any, vendor: Vendor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["service"].queryset = vendor.services.all()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        narrowed = ("model_pattern", "region", "features_excluded")
        if not cleaned.get("service") and any(cleaned.get(name) for name in narrowed):
            self.add_error("service", "Choose the service that this part is of.")
        return cleaned


class ScopeRows(DistinctRows):
    key = ("service", "model_pattern", "region")


def scope_rows(extra: int) -> Any:
    """The formset class of covered parts, with `extra` empty rows."""
    return forms.formset_factory(ScopeForm, formset=ScopeRows, extra=extra, max_num=60)


def covered_scopes(form: AgreementForm, rows: ScopeRows) -> list[CoveredScope]:
    """The scopes that the form and its rows name, unsaved."""
    whole = [CoveredScope(service=service) for service in form.cleaned_data["covers"]]
    return whole + [CoveredScope(**row) for row in rows.filled()]


class TerminateForm(forms.Form):
    terminated_on = forms.DateField(
        label="No longer holds from", help_text="First day on which the gate stops counting on it."
    )
    reason = forms.CharField(max_length=300, help_text="Why, in a sentence. Never patient data.")


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
        )
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
        fields = ("report", "covers_from", "covers_to", "signer", "discloses_changes")
        labels = {"covers_from": "Covers from", "covers_to": "Covers to"}
