"""What is asked about principals and their groups."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from policies.models import Principal, PrincipalGroup
from policies.models.people import ACTOR_ID

LARGEST_FILE = 2 * 1024 * 1024


class PrincipalForm(forms.ModelForm):
    """Who is behind an actor that calls name."""

    class Meta:
        model = Principal
        fields = ["kind", "identifier", "name", "email", "state"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.pk is not None
        # The id is what calls say: another id is another principal.
        for name in ("kind", "identifier"):
            self.fields[name].disabled = stored
        if stored:
            self.fields["identifier"].validators = []
        state = self.fields["state"]
        assert isinstance(state, forms.TypedChoiceField)
        known = self.instance.state != Principal.State.UNKNOWN or not stored
        state.choices = [
            choice
            for choice in Principal.State.choices
            if not (known and choice[0] == Principal.State.UNKNOWN)
        ]

    def _get_validation_exclusions(self) -> set[str]:
        """An id that stays is not judged: an account's is its address, whatever that holds."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | ({"kind", "identifier"} if self.instance.pk is not None else set())


class ImportForm(forms.Form):
    """A file of principals."""

    file = forms.FileField(
        label="CSV file",
        help_text=(
            "In UTF-8, with the columns kind and identifier, and as you like name, email, state "
            "(active or left) and groups (names with ; between them)."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_file(self) -> bytes:
        uploaded = self.cleaned_data["file"]
        if uploaded.size > LARGEST_FILE:
            raise forms.ValidationError("A file has 2 MiB at most.")
        content: bytes = uploaded.read()
        return content


class GroupForm(forms.Form):
    """A new group of principals."""

    name = forms.CharField(max_length=120, validators=[ProhibitNullCharactersValidator()])

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if PrincipalGroup.objects.filter(name=name, ended_at__isnull=True).exists():
            raise forms.ValidationError("There is a group of this name.")
        return name


class MemberForm(forms.Form):
    """A principal that joins a group, as calls name it."""

    actor = forms.CharField(
        label="Who",
        max_length=128,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        help_text="As calls name it, such as user:u-1042 or service:claims-batch.",
    )

    def clean_actor(self) -> Principal:
        kind, _, identifier = self.cleaned_data["actor"].strip().partition(":")
        found = None
        if kind in Principal.Kind.values and re.match(ACTOR_ID, identifier):
            found = Principal.objects.filter(kind=kind, identifier=identifier).first()
        if found is None:
            raise forms.ValidationError("No principal is known by this.")
        return found
