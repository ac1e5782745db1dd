"""What an administrator fills in about directories."""

from __future__ import annotations

from django import forms

from portal.forms import NetworksForm, role_choices
from portal.models import Directory


class DirectoryForm(forms.ModelForm):
    """A directory that will provision people, or the principals of integrations."""

    class Meta:
        model = Directory
        fields = ["name", "kind", "invites"]
        widgets = {"kind": forms.RadioSelect}
        labels = {"kind": "Whom it keeps"}


class DirectoryTokenForm(NetworksForm):
    """A token by which a directory signs in: for how long, and from where."""

    days = forms.TypedChoiceField(
        label="Ends after",
        coerce=int,
        choices=[(90, "90 days"), (180, "180 days"), (365, "A year")],
        initial=180,
        help_text="Before it ends, make the next one here and give it to the directory.",
    )


class GroupRolesForm(forms.Form):
    """Which roles the members of a directory's group have."""

    roles = forms.MultipleChoiceField(
        choices=role_choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Who joins the group gets them, who leaves it loses them, at once.",
    )
