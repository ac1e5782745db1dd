"""What is asked of who wants a grant, gives one, decides on one, or breaks in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator

from policies.models import Grant, Integration
from policies.models.people import HOLDER as HOLDER_TEXT
from policies.services.granting import EMERGENCY_HOURS, SHORTEST_REASON
from policies.services.trail import FINAL
from vendors.as_of import end_of

USUAL_DAYS = 90
HOLDER = RegexValidator(
    rf"^{HOLDER_TEXT}\Z",
    "Write an e-mail address, kind:id, or group:name.",
)


def _sentence(**kwargs: Any) -> forms.CharField:
    return forms.CharField(
        max_length=300,
        validators=[ProhibitNullCharactersValidator()],
        widget=forms.Textarea(attrs={"rows": 3}),
        **kwargs,
    )


class _Last(forms.DateField):
    """The last day on which a grant holds; as the first moment on which it does not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            widget=forms.DateInput(attrs={"type": "date"}),
            help_text=f"It ends with this day by itself; within {settings.GRANT_DAYS} days.",
            **kwargs,
        )


class IntegrationField(forms.ModelChoiceField):
    """An integration that has not ended; an answer that is none is not repeated."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            Integration.objects.exclude(state__in=FINAL).order_by("name"),
            to_field_name="slug",
            empty_label="Choose an integration",
            error_messages={"invalid_choice": "Choose an integration from the list."},
            **kwargs,
        )


class PermissionField(forms.ChoiceField):
    """What a grant lets its holder do; an answer that is none is not repeated."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="To do what",
            choices=Grant.Permission,
            widget=forms.RadioSelect(attrs={"class": "in-row"}),
            error_messages={"invalid_choice": "Choose from the list."},
            **kwargs,
        )


class GrantRequestForm(forms.Form):
    """A grant that is wanted; `on` is today."""

    integration = IntegrationField()
    permission = PermissionField()
    holder = forms.CharField(
        label="For whom",
        required=False,
        max_length=254,
        validators=[HOLDER],
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        help_text=(
            "Empty for yourself; else an e-mail address, the id that calls carry such as "
            "service:claims-batch, or group:clinicians."
        ),
    )
    purpose = _sentence(label="What for", help_text="Who decides reads it. No patient's data.")
    last_day = _Last(label="Until")

    def __init__(self, *args: Any, on: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on = on
        self.initial = {"last_day": on + dt.timedelta(days=USUAL_DAYS), **self.initial}

    def clean_last_day(self) -> dt.date:
        last: dt.date = self.cleaned_data["last_day"]
        if not self.on <= last < self.on + dt.timedelta(days=settings.GRANT_DAYS):
            raise forms.ValidationError(
                f"Choose a day from today on, within {settings.GRANT_DAYS} days."
            )
        return last

    def ends_at(self) -> dt.datetime:
        """The first moment on which it no longer holds."""
        return end_of(self.cleaned_data["last_day"])


class GrantGiveForm(GrantRequestForm):
    """A grant that an officer gives to somebody else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holder = self.fields["holder"]
        holder.label, holder.required = "To whom", True
        holder.help_text = (
            "An e-mail address, the id that calls carry such as service:claims-batch, or "
            "group:clinicians."
        )


class GrantDecisionForm(forms.Form):
    """A decision on a request; `grant` is what was asked for."""

    last_day = _Last(label="Until", required=False)
    note = _sentence(
        required=False, help_text="Who asked reads it; needed to refuse.", label="Note"
    )

    def __init__(self, *args: Any, last_day: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = last_day
        self.initial = {"last_day": last_day, **self.initial}
        self.fields["last_day"].help_text = "As asked for, or an earlier day."

    def ends_at(self) -> dt.datetime | None:
        """The first moment on which it no longer holds, if it is not the one asked for."""
        last = self.cleaned_data["last_day"]
        return end_of(last) if last and last != self.asked else None


class WithdrawForm(forms.Form):
    """Why a grant is taken away."""

    note = _sentence(label="Why", required=False)


class EmergencyForm(forms.Form):
    """Access that cannot wait for anybody; it ends after some hours."""

    integration = IntegrationField()
    permission = PermissionField()
    hours = forms.TypedChoiceField(
        label="For",
        coerce=int,
        choices=[(n, f"{n} hour{'s' if n > 1 else ''}") for n in range(1, EMERGENCY_HOURS + 1)],
        initial=1,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    reason = _sentence(
        min_length=SHORTEST_REASON,
        help_text="What the emergency is. Every officer is told at once. No patient's data.",
    )


class EmergencyReviewForm(forms.Form):
    """What somebody else found who looked at an emergency access afterwards."""

    note = _sentence(label="What you found", min_length=SHORTEST_REASON)
