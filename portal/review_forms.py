"""Forms of access reviews: begin one, decide on a line, keep a few, sign off."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Q

from policies.models import AccessReviewDecision, AccessReviewEntry
from portal.models import User
from portal.services.ending_access import HANDLING, narrower_roles
from portal.services.reviewing import Choice, Plan, Together, offered

NO_NULLS = ProhibitNullCharactersValidator()
Decision = AccessReviewDecision.Decision
WORDS = {
    Decision.KEEP: "Keep: it is needed as it is",
    Decision.REVOKE: "Revoke: take it away now",
    Decision.CHANGE: "Change: narrow it or hand it over",
}
BECOMES = {
    "role": ("Instead", "A role that gives less."),
    "person": ("New owner", "Somebody active, who then answers for the integration."),
    "day": ("Ends after", "The last day it works; earlier than it ends now."),
}


def note_field(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=500,
        validators=[NO_NULLS],
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=help_text,
    )


def deciders() -> Any:
    """Active people who may decide in access reviews, by role."""
    holds = Permission.objects.filter(codename="decide_accessreview")
    return User.objects.filter(
        Q(groups__permissions__in=holds) | Q(is_superuser=True), is_active=True
    ).distinct()


class StartForm(forms.Form):
    """What a campaign is begun with."""

    title = forms.CharField(max_length=120, validators=[NO_NULLS])
    due_on = forms.DateField(
        label="Due",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Last day to decide on every line.",
    )
    reviewer = forms.ModelChoiceField(User.objects.none(), help_text="Who is reminded.")
    escalate_to = forms.ModelChoiceField(
        User.objects.none(), help_text="Who is told once it is overdue: another person."
    )

    def __init__(self, *args: Any, by: User, on: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on = on
        for name in ("reviewer", "escalate_to"):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = deciders()
        self.initial = {
            "title": f"Access review of {on:%B %Y}",
            "due_on": on + dt.timedelta(days=14),
            "reviewer": by.pk,
        }

    def clean_due_on(self) -> dt.date:
        due_on: dt.date = self.cleaned_data["due_on"]
        if due_on < self.on:
            raise forms.ValidationError("The last day to decide lies in the past.")
        return due_on

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if cleaned.get("reviewer") and cleaned.get("reviewer") == cleaned.get("escalate_to"):
            self.add_error("escalate_to", "Choose another person than the reviewer.")
        return cleaned

    def plan(self) -> Plan:
        """What was filled in."""
        return Plan(**{name: self.cleaned_data[name] for name in self.fields})


class DecideForm(forms.Form):
    """A decision on one line: what its kind offers."""

    decision = forms.ChoiceField(widget=forms.RadioSelect)
    note = note_field("Why", "What you looked at. It stays in the review for good.")

    def __init__(self, *args: Any, entry: AccessReviewEntry, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["decision"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(name, WORDS[Decision(name)]) for name in offered(entry)]
        becomes = HANDLING[AccessReviewEntry.Kind(entry.kind)].becomes
        if becomes == "role" and not narrower_roles(entry.what):
            choice.choices = [(n, w) for n, w in choice.choices if n != Decision.CHANGE]
        elif becomes:
            self.fields["change_to"] = _becomes(becomes, entry)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        changes = cleaned.get("decision") == Decision.CHANGE
        if changes and not cleaned.get("change_to") and "change_to" not in self.errors:
            self.add_error("change_to", "Say what it becomes.")
        return cleaned

    def choice(self) -> Choice:
        """What was decided."""
        change_to = self.cleaned_data.get("change_to") or ""
        if isinstance(change_to, dt.date):
            change_to = change_to.isoformat()
        changes = self.cleaned_data["decision"] == Decision.CHANGE
        return Choice(
            self.cleaned_data["decision"],
            self.cleaned_data["note"],
            str(change_to) if changes else "",
        )


def _becomes(kind: str, entry: AccessReviewEntry) -> forms.Field:
    name, help_text = BECOMES[kind]
    label = f"If changed: {name.lower()}"
    if kind == "day":
        widget = forms.DateInput(attrs={"type": "date"})
        return forms.DateField(label=label, help_text=help_text, required=False, widget=widget)
    if kind == "role":
        named = [(role, role) for role in narrower_roles(entry.what)]
    else:
        people = User.objects.filter(is_active=True)
        named = [(each.email, str(each)) for each in people if each.pk != entry.user_id]
    return forms.ChoiceField(
        label=label, help_text=help_text, required=False, choices=[("", "Choose"), *named]
    )


class KeepForm(forms.Form):
    """Lines of one page that are kept with one note; the page says which it showed."""

    number = forms.TypedMultipleChoiceField(coerce=int, required=True)
    seen = forms.CharField(max_length=2000)
    note = note_field("Why", "")

    def __init__(self, *args: Any, count: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["number"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [(number, number) for number in range(1, count + 1)]
        field.error_messages["invalid_choice"] = "Choose lines of this review."

    def together(self) -> Together:
        """What was ticked."""
        given = self.cleaned_data
        return Together(given["number"], given["seen"], given["note"])


class SignForm(forms.Form):
    """Signing off: what the second person looked at."""

    note = note_field("What you looked at", "Stored with your name and the moment.")
