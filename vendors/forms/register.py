"""Forms of vendors and services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from vendors.models import Service, ServiceModel, ServiceRegion, Vendor
from vendors.services.slugs import free_slug


def people() -> Any:
    """People who can own something: those who can sign in."""
    return get_user_model().objects.filter(is_active=True).order_by("email")


class VendorForm(forms.ModelForm):
    """A vendor's own fields; its state changes by steps of their own."""

    website = forms.URLField(required=False, max_length=200, assume_scheme="https")

    class Meta:
        model = Vendor
        fields = (
            "name",
            "legal_name",
            "website",
            "criticality",
            "owner",
            "review_cadence",
            "review_interval_days",
            "description",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]
        self.fields["review_interval_days"].label = "Days between reviews"
        self.fields["description"].widget.attrs["rows"] = 3

    def clean(self) -> dict[str, Any] | None:
        """Give a new vendor its slug before its constraints are checked."""
        cleaned = super().clean()
        if not self.instance.pk and self.cleaned_data.get("name"):
            self.instance.slug = free_slug(Vendor, self.cleaned_data["name"])
        return cleaned


class VendorOwnerForm(forms.Form):
    """Who is to own the vendors that were ticked in the list."""

    owner = forms.ModelChoiceField(get_user_model().objects.none(), label="New owner")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people()  # type: ignore[attr-defined]


class LinesField(forms.CharField):
    """One entry on each line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def run_validators(self, value: Any) -> None:
        """Entries are checked by the model's field."""


class ServiceForm(forms.ModelForm):
    """A service; its models and regions are rows beside it."""

    # On the form though fixed: a form skips each constraint that uses a field it lacks.
    vendor = forms.ModelChoiceField(Vendor.objects, disabled=True, widget=forms.HiddenInput)
    endpoint_hosts = LinesField(
        required=False, help_text="One host name on each line; * stands for any characters."
    )

    class Meta:
        model = Service
        fields = (
            "vendor",
            "name",
            "provider",
            "deployment",
            "plan",
            "endpoint_hosts",
            "description",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["description"].widget.attrs["rows"] = 3

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.instance.pk and self.cleaned_data.get("name"):
            self.instance.slug = free_slug(Service, self.cleaned_data["name"])
        return cleaned


class ServiceModelForm(forms.ModelForm):
    class Meta:
        model = ServiceModel
        fields = ("pattern", "lifecycle")
        labels = {"pattern": "Model or pattern"}


class ServiceRegionForm(forms.ModelForm):
    class Meta:
        model = ServiceRegion
        fields = ("region", "purpose", "guarantee", "source", "page")


class DistinctRows(forms.BaseFormSet):
    """Rows of which no two name the same, and of which empty ones do not count."""

    key: tuple[str, ...] = ()

    def filled(self) -> list[dict[str, Any]]:
        """The values of the rows that were filled in and not marked for removal."""
        return [
            form.cleaned_data
            for form in self.forms
            if form.cleaned_data.get(self.key[0]) and not form.cleaned_data.get("DELETE")
        ]

    def clean(self) -> None:
        if any(self.errors):
            return
        keys = [tuple(str(row.get(name)) for name in self.key) for row in self.filled()]
        if len(set(keys)) < len(keys):
            raise ValidationError("Two rows name the same.")


class ModelRows(DistinctRows):
    key = ("pattern",)


class RegionRows(DistinctRows):
    key = ("region", "purpose")


def model_rows(extra: int) -> Any:
    """The formset class of a service's models, with `extra` empty rows."""
    return forms.formset_factory(
        ServiceModelForm,
        formset=ModelRows,
        extra=extra,
        can_delete=True,
        max_num=60,
        absolute_max=61,
    )


def region_rows(extra: int) -> Any:
    """The formset class of a service's regions, with `extra` empty rows."""
    return forms.formset_factory(
        ServiceRegionForm,
        formset=RegionRows,
        extra=extra,
        can_delete=True,
        max_num=60,
        absolute_max=61,
    )


class RetireForm(forms.Form):
    retired_on = forms.DateField(
        label="Not offered from", help_text="First day on which it is not offered for new uses."
    )
