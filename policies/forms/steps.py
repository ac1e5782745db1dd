"""The engineer's form in steps; each one checks its own answers, and gives them as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from policies.models import DataClass, DataPolicy, Integration, PolicyVersion
from vendors.models import Document, Service, ServiceRegion
from vendors.models.register import MODEL_PATTERN, ONE_HOST, REGION, WORD
from vendors.posture import matches
from vendors.services.documents import store_document
from vendors.uploads import UploadRefused

PURPOSE = RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", "Use lower case letters, digits, - and _.")


class Words(forms.CharField):
    """Features or settings, one word each, parted by commas or spaces; at most twenty."""

    def clean(self, value: Any) -> list[str]:
        words = list(dict.fromkeys(super().clean(value).replace(",", " ").split()))
        if len(words) > 20:
            raise ValidationError("Name at most twenty.")
        for word in words:
            WORD(word)
        return words


class Step(forms.Form):
    """One step. `answers` are those of all steps so far, `on` is today.

    The fields named in `extra` are shown folded away, under `extra_title`.
    """

    title = ""
    extra: tuple[str, ...] = ()
    extra_title = ""

    def plain_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in self.extra]

    def extra_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name in self.extra]

    def extra_open(self) -> bool:
        """Whether what is folded away has an answer or an error to be seen."""
        return any(field.value() or field.errors for field in self.extra_fields())

    def __init__(self, *args: Any, answers: Mapping[str, Any], on: dt.date, **kwargs: Any) -> None:
        self.answers, self.on = answers, on
        super().__init__(*args, **kwargs)

    def stored(self, by: Any) -> dict[str, Any]:
        """The checked answers of this step, as JSON holds them. Raises: ValidationError."""
        return dict(self.cleaned_data)


class WhatStep(Step):
    title = "What and why"

    name = forms.CharField(max_length=120)
    purpose = forms.CharField(
        max_length=40,
        validators=[PURPOSE],
        help_text="A word that records carry, such as treatment, payment, operations, support.",
    )
    description = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What it does, for an officer to read. No data of patients.",
    )
    environment = forms.ChoiceField(
        choices=Integration.Environment, widget=forms.RadioSelect(attrs={"class": "in-row"})
    )


class DataStep(Step):
    title = "Data"

    data_classes = forms.ModelMultipleChoiceField(
        DataClass.objects.all(),
        to_field_name="slug",
        widget=forms.CheckboxSelectMultiple,
        help_text="Everything that may be in a prompt or an answer.",
        error_messages={
            "invalid_choice": "Choose data classes from the list.",
            "invalid_pk_value": "Choose data classes from the list.",
            "required": "Choose at least one data class.",
        },
    )
    deidentification = forms.ChoiceField(
        label="De-identification",
        choices=Integration.Deidentification,
        widget=forms.RadioSelect(attrs={"class": "in-row"}),
        help_text="Whether the data is de-identified before it is sent (45 CFR 164.514(b)).",
    )
    document = forms.FileField(
        label="Determination or procedure (PDF)",
        required=False,
        help_text="The expert's determination, or how Safe Harbor is met.",
    )
    deidentification_expires_on = forms.DateField(
        label="Relied on until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Last day; an Expert Determination has one.",
    )

    def attached(self) -> Document | None:
        """The document that an earlier visit uploaded."""
        pk = self.answers.get("deidentification_document")
        return Document.objects.filter(pk=pk).first() if pk else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("deidentification")
        if kind == Integration.Deidentification.NONE:
            cleaned["document"] = cleaned["deidentification_expires_on"] = None
            return cleaned
        if not cleaned.get("document") and self.attached() is None:
            self.add_error("document", "Attach the document that the claim rests on.")
        ends = cleaned.get("deidentification_expires_on")
        if kind == Integration.Deidentification.EXPERT and ends is None:
            self.add_error("deidentification_expires_on", "Give the last day it is relied on.")
        if ends is not None and ends < self.on:
            self.add_error("deidentification_expires_on", "This day has passed.")
        return cleaned

    def stored(self, by: Any) -> dict[str, Any]:
        cleaned = self.cleaned_data
        kind = cleaned["deidentification"]
        document = self.answers.get("deidentification_document")
        if cleaned.get("document"):
            try:
                document = store_document(cleaned["document"], by=by).pk
            except UploadRefused as refused:
                raise ValidationError({"document": refused.message}) from None
        ends = cleaned.get("deidentification_expires_on")
        return {
            "data_classes": sorted(c.slug for c in cleaned["data_classes"]),
            "deidentification": kind,
            "deidentification_document": None if kind == "none" else document,
            "deidentification_expires_on": ends.isoformat() if ends else None,
        }


class ServiceField(forms.ModelChoiceField):
    """A service, told by its vendor's name too."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.vendor.name}: {obj.name}"


class ServiceStep(Step):
    title = "Service"
    extra = ("account", "endpoint", "features", "settings_made")
    extra_title = "Account, endpoint, features and settings"

    service = ServiceField(
        Service.objects.none(),
        to_field_name="slug",
        empty_label="Choose a service",
        error_messages={"invalid_choice": "Choose a service from the list."},
    )
    model_patterns = forms.CharField(
        label="Models",
        max_length=1300,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line, as the provider names them; * matches any characters.",
    )
    region = forms.CharField(
        max_length=40,
        validators=[REGION],
        help_text="Where the vendor processes the data, such as us-east-1.",
    )
    account = forms.CharField(
        label="Account or project id",
        required=False,
        max_length=80,
        help_text="Ours at the vendor; a BAA may be signed for one account only.",
    )
    endpoint = forms.CharField(
        label="Endpoint host",
        required=False,
        max_length=253,
        validators=[ONE_HOST],
        help_text="The host it calls, such as api.openai.com.",
    )
    features = Words(
        required=False,
        max_length=1300,
        help_text="Features it uses beside plain prompts, such as web-search, files.",
    )
    settings_made = Words(
        label="Settings made",
        required=False,
        max_length=1300,
        help_text="What is switched on at the vendor, such as zero-retention.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["service"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Service.objects.offered(self.on).select_related("vendor")

    def clean_model_patterns(self) -> list[str]:
        lines = self.cleaned_data["model_patterns"].replace(",", "\n").split()
        patterns = list(dict.fromkeys(lines))
        if len(patterns) > 10:
            raise ValidationError("Name at most ten; a pattern with * covers a family.")
        for pattern in patterns:
            MODEL_PATTERN(pattern)
        return patterns

    def clean(self) -> dict[str, Any]:
        """A model or region that the service does not list would only be denied later."""
        cleaned = super().clean() or {}
        service = cleaned.get("service")
        if service is None:
            return cleaned
        offered = list(service.offered_models.values_list("pattern", flat=True))
        strange = [
            p for p in cleaned.get("model_patterns", ()) if not any(matches(o, p) for o in offered)
        ]
        if strange:
            listed = ", ".join(offered) or "none"
            self.add_error("model_patterns", f"Not all are listed for this service: {listed}.")
        processing = service.regions.filter(purpose=ServiceRegion.Purpose.PROCESSING)
        regions = list(processing.values_list("region", flat=True))
        if "region" in cleaned and cleaned["region"] not in regions:
            listed = ", ".join(regions) or "none"
            self.add_error("region", f"The service is not offered there. Its regions: {listed}.")
        hosts, endpoint = service.endpoint_hosts, cleaned.get("endpoint")
        if endpoint and hosts and not any(matches(host, endpoint) for host in hosts):
            self.add_error("endpoint", f"The service is not called there: {', '.join(hosts)}.")
        return cleaned

    def stored(self, by: Any) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "service": cleaned["service"].slug,
            "model_patterns": cleaned["model_patterns"],
            "region": cleaned["region"],
            **{name: cleaned[name] for name in self.extra},
        }


class ControlsStep(Step):
    title = "Controls"

    audit_mode = forms.ChoiceField(
        choices=Integration.AuditMode,
        widget=forms.RadioSelect,
        help_text="What happens to a call while the portal cannot be reached.",
    )
    known_actors_only = forms.BooleanField(
        required=False,
        label="Known actors only",
        help_text="Deny calls whose actor holds no grant to send prompts here.",
    )
    data_policy = forms.ModelChoiceField(
        DataPolicy.objects.none(),
        required=False,
        label="Data rules",
        to_field_name="slug",
        empty_label="none: its client changes nothing in what it sends",
        help_text="What may stand in its prompts, and in what form it leaves.",
        error_messages={"invalid_choice": "Choose a policy from the list."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.answers.get("policy_is_set"):
            # Once approved, officers change it on the integration's own page.
            del self.fields["data_policy"]
            return
        field = self.fields["data_policy"]
        assert isinstance(field, forms.ModelChoiceField)
        in_force = PolicyVersion.objects.filter(state=PolicyVersion.State.APPROVED)
        field.queryset = DataPolicy.objects.filter(versions__in=in_force).distinct()

    def stored(self, by: Any) -> dict[str, Any]:
        policy = self.cleaned_data.get("data_policy")
        return {**self.cleaned_data, "data_policy": policy.slug if policy else None}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        phi = DataClass.objects.filter(slug__in=self.answers.get("data_classes", ()), is_phi=True)
        if cleaned.get("audit_mode") == Integration.AuditMode.OBSERVE and phi.exists():
            self.add_error("audit_mode", "With PHI, a call without a record is not possible.")
        return cleaned


def as_posted(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers in the form in which the steps take them, to show them again or check them anew."""
    posted = dict(answers)
    posted["model_patterns"] = "\n".join(answers.get("model_patterns", ()))
    for name in ("features", "settings_made"):
        posted[name] = ", ".join(answers.get(name, ()))
    return posted


STEPS: tuple[type[Step], ...] = (WhatStep, DataStep, ServiceStep, ControlsStep)
REVIEW = len(STEPS) + 1
LABELS = (*(step.title for step in STEPS), "Review")
