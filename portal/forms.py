"""What an administrator fills in about people, and what anybody types to search."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.validators import ProhibitNullCharactersValidator

from policies.roles import ROLES, SUMMARIES
from portal.models import PersonalToken, User


def role_choices() -> list[tuple[str, str]]:
    """Every role of the catalogue with what it is for."""
    return [(role, f"{role}: {SUMMARIES[role]}") for role in ROLES]


class ResetForm(forms.Form):
    """How an administrator knows whom they speak to, before they take somebody's factors."""

    proof = forms.ChoiceField(
        label="How you know that it is them",
        choices=[
            ("proved-in-person", "They stand here, and I know them or saw their ID"),
            ("proved-by-call-back", "I called back on a number that we knew before"),
            ("proved-on-video", "I see them on video, and know them or saw their ID"),
        ],
        widget=forms.RadioSelect,
        help_text="As good as when the account was made; it stands in the record.",
    )


class PersonForm(forms.ModelForm):
    """An account with its roles; `by` is the administrator who fills it in.

    Nobody changes their own roles or ends their own access, so those fields are locked there.
    """

    roles = forms.MultipleChoiceField(
        choices=role_choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Without a role a person sees nothing but their own account.",
    )

    class Meta:
        model = User
        fields = ["email", "full_name", "is_active"]
        labels = {"full_name": "Name", "is_active": "May sign in"}
        help_texts = {
            "email": "The name to sign in with.",
            "is_active": (
                "Cleared when a person leaves: they are signed out at once. "
                "If they come back, a mail lets them set a new password."
            ),
        }

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["full_name"].required = True
        if self.instance.pk is None:
            del self.fields["is_active"]
            return
        # The address is the name in every record: a new address is a new person.
        self.fields["email"].disabled = True
        groups = Group.objects.filter(user=self.instance, name__in=ROLES)
        self.initial["roles"] = list(groups.values_list("name", flat=True))
        if self.instance == by:
            for name in ("roles", "is_active"):
                self.fields[name].disabled = True
                self.fields[name].help_text = "Another administrator changes yours."


class SearchForm(forms.Form):
    """What somebody looks for; it travels in the body of a POST alone (decision 0006)."""

    q = forms.CharField(
        label="Search",
        min_length=2,
        max_length=100,
        validators=[ProhibitNullCharactersValidator()],
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )


class NetworksForm(forms.Form):
    """From where a token may be used, the last thing that is asked of a new one."""

    cidrs = forms.CharField(
        required=False,
        max_length=800,
        label="Networks it may be used from",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One on each line, such as 10.20.0.0/16; empty for any.",
    )

    field_order = ("name", "scopes", "days", "cidrs")

    def networks(self) -> list[str]:
        """The networks, as they were written."""
        return [line.strip() for line in self.cleaned_data["cidrs"].splitlines() if line.strip()]


class TokenForm(NetworksForm):
    """A personal access token: where it is used, what it opens, for how long."""

    name = forms.CharField(
        max_length=80,
        validators=[ProhibitNullCharactersValidator()],
        help_text="Where it will be used, such as the nightly export.",
    )
    scopes = forms.MultipleChoiceField(
        choices=PersonalToken.Scope,
        widget=forms.CheckboxSelectMultiple,
        help_text="It never opens more than you may do yourself on the day it is used.",
    )
    days = forms.TypedChoiceField(
        label="Ends after",
        coerce=int,
        choices=[(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "A year")],
        initial=90,
    )
