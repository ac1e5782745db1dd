"""What officers and owners are asked when they take a step."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model

from policies.models import IntegrationKey
from policies.services.grants import GRANTS
from policies.services.keys import KeyTerms
from policies.services.secret_texts import LONGEST


class DecisionForm(forms.Form):
    """A decision on an integration; `terms` is the digest of what the officer reads."""

    terms = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    expires_on = forms.DateField(
        label="Approved until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Last day; used for an approval alone.",
        required=False,
    )
    note = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The engineer reads it; needed to ask for changes or to reject.",
    )


class ReasonForm(forms.Form):
    """Why an integration is suspended."""

    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}))


class KeyForm(forms.Form):
    """A new key; `on` is today."""

    name = forms.CharField(max_length=80, help_text="Where it will be used, such as api-server-1.")
    livemode = forms.TypedChoiceField(
        label="Mode",
        choices=[("live", "Live"), ("test", "Test: writes to a log of its own")],
        coerce=lambda value: value == "live",
        widget=forms.RadioSelect(attrs={"class": "in-row"}),
    )
    scopes = forms.MultipleChoiceField(
        choices=IntegrationKey.Scope,
        widget=forms.CheckboxSelectMultiple,
        help_text="A key that only writes cannot read anything back.",
        error_messages={"invalid_choice": "Choose scopes from the list."},
    )
    cidrs = forms.CharField(
        label="Networks",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One a line, such as 10.20.0.0/16; empty for any.",
    )
    expires_on = forms.DateField(
        label="Ends on",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="First day it no longer works; a year ahead at most.",
    )

    def __init__(self, *args: Any, on: dt.date, live: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on = on
        if not live:
            mode = self.fields["livemode"]
            assert isinstance(mode, forms.TypedChoiceField)
            mode.choices = [("test", "Test: writes to a log of its own")]
        self.initial = {
            "livemode": "live" if live else "test",
            "scopes": [IntegrationKey.Scope.CALLS_WRITE, IntegrationKey.Scope.BUNDLE_READ],
            "expires_on": on + LONGEST,
            **self.initial,
        }

    def clean_expires_on(self) -> dt.date:
        ends: dt.date = self.cleaned_data["expires_on"]
        if not self.on < ends <= self.on + LONGEST:
            raise forms.ValidationError("A key ends after today and within a year.")
        return ends

    def terms(self, midnight: dt.datetime) -> KeyTerms:
        """What is asked for; `midnight` is the moment the chosen day begins."""
        cleaned = self.cleaned_data
        return KeyTerms(
            name=cleaned["name"],
            livemode=cleaned["livemode"],
            scopes=tuple(cleaned["scopes"]),
            cidrs=tuple(cleaned["cidrs"].split()),
            expires_at=midnight,
        )


class RotationForm(forms.Form):
    """How long the old key works beside the new one."""

    grace_hours = forms.TypedChoiceField(
        label="The old key works for",
        choices=[(0, "0 hours: ends now"), (1, "1 hour"), (24, "24 hours"), (72, "72 hours")],
        coerce=int,
        initial=24,
    )


class PersonField(forms.ModelChoiceField):
    """An active person, by e-mail; an answer that is no such person is not repeated."""

    def __init__(self, **kwargs: Any) -> None:
        people = get_user_model().objects.filter(is_active=True).order_by("email")
        errors = {"invalid_choice": "Choose a person from the list."}
        super().__init__(people, error_messages=errors, empty_label="Choose a person", **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.full_name} ({obj.email})" if obj.full_name else str(obj.email)


class GrantForm(forms.Form):
    """Who may do what with one integration."""

    person = PersonField()
    names = forms.MultipleChoiceField(
        label="May",
        choices=list(GRANTS.items()),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "in-row"}),
        error_messages={"invalid_choice": "Choose what is granted from the list."},
    )
    purpose = forms.CharField(
        label="What for",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="An auditor reads it. No patient's data.",
    )
    last_day = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="It ends with this day by itself.",
    )

    def __init__(self, *args: Any, on: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on = on
        self.longest = on + dt.timedelta(days=settings.GRANT_DAYS - 1)
        self.initial = {"last_day": self.longest, **self.initial}

    def clean_last_day(self) -> dt.date:
        last: dt.date = self.cleaned_data["last_day"]
        if not self.on <= last <= self.longest:
            raise forms.ValidationError(
                f"Choose a day from today on, within {settings.GRANT_DAYS} days."
            )
        return last


class OwnerForm(forms.Form):
    """Who answers for an integration from now on."""

    owner = PersonField(label="New owner")
