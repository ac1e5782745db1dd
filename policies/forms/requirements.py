"""A data class with its limits, and what each reason of the gate does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField

from policies.models import DataClass, Requirement
from policies.reasons import REASONS, Reason
from policies.services.requirements import contradictions, effects_of
from policies.services.starter import CHOICES
from vendors.models import Service
from vendors.models.register import REGION

PREFIX = "effect_"


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A row of the matrix: a reason, and its three radio buttons."""

    reason: Reason
    field: BoundField


class DataClassForm(forms.ModelForm):
    """The class, its limits and its row of the matrix; `effects()` gives the latter."""

    allowed_regions = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One a line, such as us-east-1; empty for any.",
    )
    allowed_deployments = forms.MultipleChoiceField(
        required=False,
        choices=Service.Deployment,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "in-row"}),
        help_text="None ticked: any.",
        error_messages={"invalid_choice": "Choose deployments from the list."},
    )

    class Meta:
        model = DataClass
        fields = [
            "name",
            "slug",
            "description",
            "is_phi",
            "max_retention_days",
            "allowed_regions",
            "minimum_guarantee",
            "allowed_deployments",
            "position",
        ]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        help_texts = {"slug": "The word that calls carry; it stays once the class exists."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # Records and integrations name the class by it.
            self.fields["slug"].disabled = True
            self.initial["allowed_regions"] = "\n".join(self.instance.allowed_regions)
        stored = effects_of(self.instance)
        for code in CHOICES:
            self.fields[PREFIX + code] = forms.ChoiceField(
                label=REASONS[code].title,
                choices=Requirement.Effect,
                initial=stored[code],
                widget=forms.RadioSelect,
                error_messages={"invalid_choice": "Choose an effect from the list."},
            )

    def plain_fields(self) -> list[BoundField]:
        """The fields beside the matrix."""
        return [self[name] for name in self.Meta.fields]

    def rows(self) -> list[EffectRow]:
        """The matrix, in the order of the catalogue."""
        return [EffectRow(REASONS[code], self[PREFIX + code]) for code in CHOICES]

    def clean_allowed_regions(self) -> list[str]:
        regions = self.cleaned_data["allowed_regions"].replace(",", " ").split()
        for region in regions:
            REGION(region)
        return list(dict.fromkeys(regions))

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in ("new", "data") or slug != slug.lower():
            raise ValidationError("Use lower case letters, digits and -, and another word.")
        return slug

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        effects = self.effects()
        if len(effects) == len(CHOICES):
            for code, sentence in contradictions(effects).items():
                self.add_error(PREFIX + code, sentence)
        return cleaned

    def effects(self) -> dict[str, str]:
        """What each reason does, of those that were answered well."""
        found = {code: self.cleaned_data.get(PREFIX + code) for code in CHOICES}
        return {code: effect for code, effect in found.items() if effect}
