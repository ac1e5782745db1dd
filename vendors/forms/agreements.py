"""Forms of agreements: their terms, what they cover, how they end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError

from vendors.forms.papers import PdfField
from vendors.forms.register import DistinctRows, people
from vendors.models import Agreement, AgreementRequest, CoveredScope, Service, Vendor
from vendors.models.register import HOST, MODEL_PATTERN, REGION, WORD
from vendors.numbers import whole

# The terms that an amendment begins with; what is signed anew does not stay.
KEPT = (
    "kind",
    "reference",
    "counterparty",
    "our_role",
    "account",
    "notice_days",
    "breach_notice_days",
    "transfer_mechanism",
    "scc_modules",
    "subprocessor_notice_days",
    "subprocessor_list",
    "owner",
    "vendor",
)
MOST_SCOPES = 60


class AgreementForm(forms.ModelForm):
    """A signed agreement with the services it covers as a whole."""

    # On the form though fixed: a form skips each constraint that uses a field it lacks.
    vendor = forms.ModelChoiceField(Vendor.objects, disabled=True, widget=forms.HiddenInput)
    document = PdfField()
    subprocessor_list = forms.URLField(
        required=False,
        max_length=300,
        assume_scheme="https",
        label="Address of the subprocessor list",
    )
    scc_modules = forms.MultipleChoiceField(
        choices=Agreement.Module,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "in-row"}),
        label="SCC modules",
    )
    covers = forms.ModelMultipleChoiceField(
        Service.objects,
        required=False,
        label="Covers, with all models and regions",
        widget=forms.CheckboxSelectMultiple,
    )
    closes = forms.ModelChoiceField(
        AgreementRequest.objects,
        required=False,
        label="Answers the request",
        empty_label="None",
        help_text="Recording the agreement closes it.",
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
            "signed_on",
            "signed_by_vendor",
            "vendor_signed_on",
            "starts_on",
            "ends_on",
            "notice_days",
            "breach_notice_days",
            "transfer_mechanism",
            "scc_modules",
            "subprocessor_notice_days",
            "subprocessor_list",
            "owner",
        )
        labels = {"breach_notice_days": "Days to report a breach"}

    def __init__(self, *args: Any, vendor: Vendor, fixed: tuple[str, ...] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["vendor"].initial = vendor
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]
        self.fields["covers"].queryset = vendor.services.all()  # type: ignore[attr-defined]
        waiting = vendor.agreement_requests.open().select_related("renews")
        self.fields["closes"].queryset = waiting  # type: ignore[attr-defined]
        for name in fixed:
            self.fields[name].disabled = True

    @property
    def errors_in_groups(self) -> bool:
        """Whether a field outside the ones always shown is wrong: the groups open then."""
        folded = {"account", "owner", "closes", *Agreement.DPA_FIELDS}
        signed = {"signed_by_us", "signed_on", "signed_by_vendor", "vendor_signed_on"}
        return bool((folded | signed) & set(self.errors)) if self.is_bound else False

    def clean(self) -> dict[str, Any] | None:
        """Source: 45 CFR 164.410(b)."""
        cleaned = super().clean() or {}
        days = cleaned.get("breach_notice_days")
        if cleaned.get("kind") == Agreement.Kind.BAA and days is not None and days > 60:
            self.add_error("breach_notice_days", "45 CFR 164.410 allows at most 60 days.")
        closes = cleaned.get("closes")
        if closes and closes.kind != cleaned.get("kind"):
            self.add_error("closes", "This request is for another kind of agreement.")
        return cleaned


class WordsField(SimpleArrayField):
    """Words with commas between them, as the API takes features and settings."""

    def __init__(self, **kwargs: Any) -> None:
        word = forms.CharField(max_length=60, validators=[WORD])
        super().__init__(word, required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = ",".join(part for word in value.split(",") if (part := word.strip()))
        return super().to_python(value)


class ScopeForm(forms.Form):
    """Part of a service that an agreement covers; an empty field means any."""

    service = forms.ModelChoiceField(Service.objects, required=False, empty_label="None")
    model_pattern = forms.CharField(
        required=False, max_length=120, validators=[MODEL_PATTERN], label="Model or pattern"
    )
    region = forms.CharField(required=False, max_length=40, validators=[REGION])
    page = forms.CharField(required=False, max_length=40, label="Page")
    plan = forms.CharField(required=False, max_length=80, label="Plan or tier")
    account = forms.CharField(required=False, max_length=80, label="Account or project id")
    endpoint = forms.CharField(
        required=False, max_length=253, validators=[HOST], label="Endpoint host"
    )
    features = WordsField(label="Features allowed", help_text="Only these; empty for any.")
    features_excluded = WordsField(label="Features left out")
    settings_required = WordsField(label="Settings required", help_text="Such as zero-retention.")
    general_availability_only = forms.BooleanField(
        required=False, label="No models in preview", help_text="Generally available ones only."
    )

    NARROWING = (
        "model_pattern",
        "region",
        "plan",
        "account",
        "endpoint",
        "features",
        "features_excluded",
        "settings_required",
        "general_availability_only",
    )
    MORE = NARROWING[2:]

    def __init__(self, *args: Any, vendor: Vendor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["service"].queryset = vendor.services.all()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if not cleaned.get("service") and any(cleaned.get(name) for name in self.NARROWING):
            self.add_error("service", "Choose the service that this part is of.")
        return cleaned

    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("service", "model_pattern", "region", "page")]

    def more_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.MORE]

    @property
    def narrowed(self) -> bool:
        """Whether any of the folded fields is filled in or wrong."""
        return any(field.value() or field.errors for field in self.more_fields())


class ScopeRows(DistinctRows):
    key = ("service", *ScopeForm.NARROWING)


def scope_rows(extra: int) -> Any:
    """The formset class of covered parts, with `extra` empty rows."""
    return forms.formset_factory(
        ScopeForm, formset=ScopeRows, extra=extra, max_num=MOST_SCOPES, absolute_max=MOST_SCOPES
    )


def rows_as_typed(posted: Mapping[str, str], prefix: str) -> list[dict[str, Any]]:
    """The rows of a formset as they were typed, without the one that `remove` names."""
    count = min(whole(posted.get(f"{prefix}-TOTAL_FORMS"), digits=5), MOST_SCOPES)
    gone = posted.get("remove", "")
    return [
        {name: posted.get(f"{prefix}-{number}-{name}", "") for name in ScopeForm.base_fields}
        for number in range(count)
        if str(number) != gone
    ]


def covered_scopes(form: AgreementForm, rows: ScopeRows) -> list[CoveredScope]:
    """The scopes that the form and its rows name, unsaved."""
    whole = [CoveredScope(service=service) for service in form.cleaned_data["covers"]]
    return whole + [CoveredScope(**row) for row in rows.filled()]


class TerminateForm(forms.Form):
    terminated_on = forms.DateField(
        label="No longer holds from", help_text="First day on which the gate stops counting on it."
    )
    reason = forms.CharField(max_length=300, help_text="Why, in a sentence. Never patient data.")
    return_due_on = forms.DateField(
        required=False,
        label="Proof of return or destruction due",
        help_text="45 CFR 164.504(e)(2)(ii)(J). Empty: none is asked for.",
    )


class OwnerForm(forms.ModelForm):
    """Who answers for an agreement; the rest of it stays as it was signed."""

    class Meta:
        model = Agreement
        fields = ("owner",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]


class ReturnDueForm(forms.Form):
    """By when the proof that data came back or was destroyed must be there."""

    return_due_on = forms.DateField(label="Proof due on")


class ReturnForm(forms.Form):
    """What happened to the data of an agreement that ended."""

    return_state = forms.ChoiceField(
        label="What happened to the data",
        widget=forms.RadioSelect,
        choices=[c for c in Agreement.ReturnState.choices if c[0] != "pending"],
    )
    document = PdfField(label="Proof (PDF)", help_text="A letter or certificate of the vendor.")
    confirmed_on = forms.DateField(label="Confirmed on")
    return_note = forms.CharField(
        required=False,
        max_length=300,
        label="Note",
        help_text="Why neither is feasible, and which protections go on. Never patient data.",
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["confirmed_on"].initial = today

    def clean_confirmed_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["confirmed_on"]
        if day > self.today:
            raise ValidationError("It cannot have been confirmed in the future.")
        return day


class AgreementRequestForm(forms.ModelForm):
    """An agreement that is wanted, before its signature."""

    vendor = forms.ModelChoiceField(Vendor.objects, disabled=True, widget=forms.HiddenInput)
    services = forms.ModelMultipleChoiceField(
        Service.objects,
        required=False,
        label="Wanted for",
        widget=forms.CheckboxSelectMultiple,
        help_text="The services it should cover.",
    )

    class Meta:
        model = AgreementRequest
        fields = ("vendor", "kind", "services", "owner", "due_on", "contact", "renews", "note")
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, vendor: Vendor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["vendor"].initial = vendor
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]
        self.fields["services"].queryset = vendor.services.all()  # type: ignore[attr-defined]
        newest = vendor.agreements.filter(amended_by__isnull=True)
        self.fields["renews"].queryset = newest  # type: ignore[attr-defined]
        self.fields["renews"].empty_label = "None: a new one"  # type: ignore[attr-defined]
