"""Forms of the officer: sending a questionnaire, reviewing answers, making facts of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms

from vendors.as_of import end_of
from vendors.models import Answer, Grade, Inquiry, Questionnaire, Service, Vendor
from vendors.services.inquiries import LINK_DAYS
from vendors.services.inquiry_reviews import Confirmed, FactChange

DELIVERY = [
    ("mail", "Mail it to the contact"),
    ("copy", "Show it to me once, and I pass it on"),
]


class LinkForm(forms.Form):
    """Until when the link opens the questions, and how it gets to the vendor."""

    expires_on = forms.DateField(label="Open until", help_text="The last day on which it opens.")
    delivery = forms.ChoiceField(
        label="The link", choices=DELIVERY, widget=forms.RadioSelect, initial="mail"
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["expires_on"].initial = today + dt.timedelta(days=LINK_DAYS)

    def expires_at(self) -> dt.datetime:
        """The first moment after the chosen day, where the organization is."""
        return end_of(self.cleaned_data["expires_on"])


class InquiryForm(LinkForm):
    """A questionnaire for a vendor or one of its services."""

    questionnaire = forms.ModelChoiceField(
        Questionnaire.objects.filter(state=Questionnaire.State.PUBLISHED), empty_label=None
    )
    service = forms.ModelChoiceField(
        Service.objects.none(),
        required=False,
        empty_label="The vendor as a whole",
        help_text="Accepted answers become facts of this service, or of those you choose.",
    )
    contact = forms.EmailField(
        max_length=254, label="Contact's e-mail", help_text="Who answers at the vendor."
    )
    field_order = ("questionnaire", "service", "contact", "expires_on", "delivery")

    def __init__(self, *args: Any, vendor: Vendor, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, today=today, **kwargs)
        self.vendor = vendor
        self.fields["service"].queryset = vendor.services.offered(today)  # type: ignore[attr-defined]

    def inquiry(self) -> Inquiry:
        """What the form asks for, unsaved."""
        return Inquiry(
            vendor=self.vendor,
            questionnaire=self.cleaned_data["questionnaire"],
            service=self.cleaned_data["service"],
            contact=self.cleaned_data["contact"],
            expires_at=self.expires_at(),
        )


class AnswerReviewForm(forms.Form):
    """A verdict on one answer."""

    review = forms.ChoiceField(
        choices=[c for c in Answer.Review.choices if c[0] != Answer.Review.PENDING]
    )
    note = forms.CharField(required=False, max_length=500, label="Note")


class SendBackForm(LinkForm):
    """The vendor is asked again by the link it has, or by a new one."""

    delivery = forms.ChoiceField(
        label="The link",
        choices=[*DELIVERY, ("keep", "The vendor still has it")],
        widget=forms.RadioSelect,
        initial="mail",
    )


class FactsForm(forms.Form):
    """Which facts come of accepted answers; nothing is recorded that is not chosen here."""

    GRADES = [
        (Grade.SELF_ATTESTED.value, "The vendor's own word"),
        (Grade.CONTRACT.value, "Contract: the attached document says so"),
    ]

    def __init__(self, *args: Any, changes: Sequence[FactChange], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changes = list(changes)
        for change in self.changes:
            self.fields[f"take-{change.key}"] = forms.BooleanField(
                required=False, label="Record", initial=not change.weaker
            )
            if change.answer.document is not None:
                self.fields[f"grade-{change.key}"] = forms.ChoiceField(
                    choices=self.GRADES, label="Grade"
                )
                self.fields[f"page-{change.key}"] = forms.CharField(
                    required=False, max_length=40, label="Page"
                )

    def lines(self) -> list[tuple[FactChange, list[forms.BoundField]]]:
        """Each change with its fields."""
        kinds = ("take", "grade", "page")
        return [
            (
                change,
                [self[f"{k}-{change.key}"] for k in kinds if f"{k}-{change.key}" in self.fields],
            )
            for change in self.changes
        ]

    def confirmed(self) -> list[Confirmed]:
        """What was chosen."""
        said = self.cleaned_data
        return [
            Confirmed(
                change.key,
                said.get(f"grade-{change.key}") or Grade.SELF_ATTESTED.value,
                said.get(f"page-{change.key}", ""),
            )
            for change in self.changes
            if said[f"take-{change.key}"]
        ]
