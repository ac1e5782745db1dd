"""Which data policy an integration goes by."""

from __future__ import annotations

from typing import Any

from django import forms

from policies.models import DataPolicy, PolicyUse, PolicyVersion


class PolicyUseForm(forms.Form):
    """The policy, whether it is enforced, and a version that is tried in its shadow."""

    policy = forms.ModelChoiceField(
        DataPolicy.objects.none(),
        required=False,
        to_field_name="slug",
        empty_label="no data policy",
        error_messages={"invalid_choice": "Choose a policy from the list."},
    )
    enforcement = forms.ChoiceField(
        choices=PolicyUse.Enforcement,
        widget=forms.RadioSelect,
        initial=PolicyUse.Enforcement.ENFORCE,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    shadow = forms.ModelChoiceField(
        PolicyVersion.objects.none(),
        required=False,
        label="Tried in shadow",
        empty_label="no version",
        help_text="Its decisions are counted beside those of the version in force, and not done.",
        error_messages={"invalid_choice": "Choose a version of this policy from the list."},
    )

    def __init__(self, *args: Any, use: PolicyUse | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy"].queryset = DataPolicy.objects.order_by("name")  # type: ignore[attr-defined]
        if use is None:
            del self.fields["shadow"]
            return
        tried = PolicyVersion.objects.filter(policy=use.policy_id).exclude(
            state__in=("rejected", "withdrawn")
        )
        self.fields["shadow"].queryset = tried.order_by("-number")  # type: ignore[attr-defined]
