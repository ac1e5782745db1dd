"""What people fill in for the ledger's archive: legal holds, and searches of the archive."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone

from audits.models import Call, Completion, Ledger, LegalHold, LegalHoldRelease
from audits.services.archive_search import Asked
from policies.models import Integration
from policies.reasons import REASONS
from vendors.as_of import end_of

# The field that says which records a scope means.
SCOPE_FIELDS = {
    LegalHold.Scope.ALL: (),
    LegalHold.Scope.LEDGER: ("ledger",),
    LegalHold.Scope.PERIOD: ("starts_on", "ends_on"),
    LegalHold.Scope.INTEGRATION: ("integration",),
    LegalHold.Scope.VENDOR: ("vendor",),
}
YES_NO = [("", "Any"), ("true", "Yes"), ("false", "No")]


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        required=False, label=label, widget=forms.DateInput(attrs={"type": "date"})
    )


def _word(pattern: str) -> dict[str, Any]:
    return {"required": False, "validators": [RegexValidator(pattern)], "max_length": 120}


class LegalHoldForm(forms.ModelForm):
    """A new hold: its scope, the one field that belongs to it, and why."""

    # Without the empty choice that a field of a model has before one is made.
    scope = forms.ChoiceField(
        choices=LegalHold.Scope.choices,
        widget=forms.RadioSelect,
        help_text="Then fill in the field that belongs to it, and no other.",
    )

    class Meta:
        model = LegalHold
        fields = [
            "scope",
            "ledger",
            "starts_on",
            "ends_on",
            "integration",
            "vendor",
            "reason",
            "reference",
        ]
        labels = {"starts_on": "First day", "ends_on": "Last day"}
        help_texts = {
            "starts_on": "For a period; both days count.",
        }
        widgets = {
            "starts_on": forms.DateInput(attrs={"type": "date"}),
            "ends_on": forms.DateInput(attrs={"type": "date"}),
        }

    def clean(self) -> dict[str, Any]:
        """Refuses a hold whose scope and fields do not fit together."""
        cleaned = super().clean() or {}
        scope = cleaned.get("scope")
        if scope is None:
            return cleaned
        wanted = SCOPE_FIELDS[LegalHold.Scope(scope)]
        for names in SCOPE_FIELDS.values():
            for name in names:
                if name in wanted and not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, "This scope needs it.")
                elif name not in wanted and cleaned.get(name):
                    self.add_error(name, "Another scope has this; leave it empty.")
        return cleaned


class LegalHoldReleaseForm(forms.ModelForm):
    """Why a hold ends."""

    class Meta:
        model = LegalHoldRelease
        fields = ["reason"]


class ArchiveSearchForm(forms.Form):
    """Which calls to look for in the archive; days are the organization's, both count."""

    ledger = forms.ChoiceField(
        choices=[("live", "Live"), ("test", "Test")], required=False, label="Log"
    )
    start = _day("From")
    end = _day("To")
    call_id = forms.UUIDField(required=False, label="Call id")
    integration = forms.ModelChoiceField(
        Integration.objects.order_by("name"),
        to_field_name="slug",
        required=False,
        empty_label="All",
    )
    provider = forms.CharField(**_word(r"^[a-z0-9][a-z0-9._-]{0,59}\Z"))
    model = forms.CharField(**_word(r"^[A-Za-z0-9][A-Za-z0-9.:/_@-]{0,119}\Z"))
    decision = forms.ChoiceField(choices=[("", "Any"), *Call.Decision.choices], required=False)
    reason = forms.ChoiceField(
        choices=[("", "Any"), *((code, reason.title) for code, reason in REASONS.items())],
        required=False,
    )
    phi_present = forms.ChoiceField(choices=YES_NO, required=False, label="PHI")
    outcome = forms.ChoiceField(choices=[("", "Any"), *Completion.Outcome.choices], required=False)

    def clean(self) -> dict[str, Any]:
        """Refuses a period that ends before it begins."""
        cleaned = super().clean() or {}
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and end < start:
            self.add_error("end", "The period ends before it begins.")
        return cleaned

    def asked(self) -> Asked:
        """The search that the form asks for."""
        cleaned = self.cleaned_data
        slug = cleaned["ledger"] or "live"
        filters: dict[str, Any] = {
            name: str(cleaned[name])
            for name in ("call_id", "provider", "model", "decision", "reason", "outcome")
            if cleaned[name]
        }
        if cleaned["integration"]:
            filters["integrations"] = [cleaned["integration"].pk]
        if cleaned["phi_present"]:
            filters["phi_present"] = cleaned["phi_present"] == "true"
        start, end = cleaned["start"], cleaned["end"]
        return Asked(
            ledger_id=Ledger.objects.get(slug=slug).pk,
            start=_midnight(start) if start else None,
            end=end_of(end) if end else None,
            filters=filters,
        )

    def applied(self) -> dict[str, str]:
        """The filters that were checked and set, for the record of the read."""
        return {
            name: getattr(value, "slug", str(value))
            for name, value in self.cleaned_data.items()
            if value not in (None, "")
        }


def _midnight(day: dt.date) -> dt.datetime:
    """When the organization's day begins."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))
