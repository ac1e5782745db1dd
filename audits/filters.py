"""Which calls a list shows; the same for the API and the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import django_filters
from django import forms
from django.core.validators import RegexValidator
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from audits.models import Call, Completion
from policies.reasons import REASONS
from vendors import as_of

if TYPE_CHECKING:
    from audits.models.calls import CallQuerySet

Names: TypeAlias = tuple[str, str, str, str]
SLUG = r"^[a-z0-9][a-z0-9_-]{0,79}\Z"
FIRST = ("integration", "vendor", "start", "end")
YES_NO = [("true", "Yes"), ("false", "No")]
REASON_CHOICES = [(code, reason.title) for code, reason in REASONS.items()]


class PeriodForm(forms.Form):
    """Refuses a period that ends before it begins."""

    first, last = "received_after", "received_before"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, end = cleaned.get(self.first), cleaned.get(self.last)
        if start and end and end < start:
            self.add_error(self.last, "The period ends before it begins.")
        return cleaned


class DaysForm(PeriodForm):
    first, last = "start", "end"


def _word(pattern: str) -> dict[str, Any]:
    return {"validators": [RegexValidator(pattern)], "max_length": 120}


class CallFilter(django_filters.FilterSet):
    decision = django_filters.ChoiceFilter(choices=Call.Decision, empty_label="Any")
    reason = django_filters.ChoiceFilter(
        choices=REASON_CHOICES, method="with_reason", label="Reason", empty_label="Any"
    )
    phi_present = django_filters.ChoiceFilter(
        choices=YES_NO, method="with_phi", label="PHI", empty_label="Any"
    )
    provider = django_filters.CharFilter(**_word(r"^[a-z0-9][a-z0-9._-]{0,59}\Z"))
    model = django_filters.CharFilter(**_word(r"^[A-Za-z0-9][A-Za-z0-9.:/_@-]{0,119}\Z"))
    outcome = django_filters.ChoiceFilter(
        choices=Completion.Outcome, method="with_outcome", label="Outcome", empty_label="Any"
    )
    orphan = django_filters.ChoiceFilter(
        choices=YES_NO, method="without_answer", label="Never completed", empty_label="Any"
    )

    class Meta:
        model = Call
        fields: list[str] = []

    def with_reason(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return calls.filter(reasons__contains=[value])

    def with_phi(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return calls.filter(phi_present=value == "true")

    def with_outcome(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        """What the caller said counts; what the sweep said only where the caller said nothing."""
        of_call = Completion.objects.filter(call_id=OuterRef("call_id"))
        said = of_call.filter(swept=False)
        found = Q(Exists(said.filter(outcome=value)))
        if value == Completion.Outcome.UNKNOWN:
            found |= Q(Exists(of_call.filter(swept=True))) & ~Q(Exists(said))
        return calls.filter(found)

    def without_answer(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        """Allowed calls whose lease passed while nobody said how they ended."""
        silent = Call.objects.unanswered(as_of.reading_moment()).filter(pk=OuterRef("pk"))
        return calls.filter(Exists(silent) if value == "true" else ~Exists(silent))

    def applied(self) -> dict[str, str]:
        """The filters that were checked and set, for the record of the read."""
        return {
            name: str(value)
            for name, value in self.form.cleaned_data.items()
            if value not in (None, "")
        }


class CallApiFilter(CallFilter):
    """For programs: moments, of which the first counts and the last does not."""

    integration = django_filters.CharFilter("integration__slug", **_word(SLUG))
    vendor = django_filters.CharFilter("integration__service__vendor__slug", **_word(SLUG))
    received_after = django_filters.IsoDateTimeFilter("received_at", lookup_expr="gte")
    received_before = django_filters.IsoDateTimeFilter("received_at", lookup_expr="lt")

    class Meta(CallFilter.Meta):
        form = PeriodForm


class CallPageFilter(CallFilter):
    """For people: days of the organization, both of which count; and which log.

    `integrations` are those that may be chosen: slug and name of each and of its vendor.
    """

    integration = django_filters.ChoiceFilter(
        "integration__slug", label="Integration", empty_label="All"
    )
    vendor = django_filters.ChoiceFilter(
        "integration__service__vendor__slug", label="Vendor", empty_label="All"
    )
    start = django_filters.DateFilter(
        method="from_day", label="From", widget=forms.DateInput(attrs={"type": "date"})
    )
    end = django_filters.DateFilter(
        method="to_day", label="To", widget=forms.DateInput(attrs={"type": "date"})
    )
    log = django_filters.ChoiceFilter(
        choices=[("live", "Live"), ("test", "Test")],
        method="of_log",
        label="Log",
        empty_label=None,
    )

    class Meta(CallFilter.Meta):
        form = DaysForm

    def __init__(self, *args: Any, integrations: Iterable[Names], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters: dict[str, Any] = {
            name: self.filters[name] for name in (*FIRST, *self.filters)
        }
        names = list(integrations)
        self.filters["integration"].extra["choices"] = [(n[0], n[1]) for n in names]
        vendors = sorted({(n[2], n[3]) for n in names}, key=lambda pair: pair[1].lower())
        self.filters["vendor"].extra["choices"] = vendors

    def from_day(self, calls: CallQuerySet, name: str, value: dt.date) -> CallQuerySet:
        return calls.filter(received_at__gte=midnight(value))

    def to_day(self, calls: CallQuerySet, name: str, value: dt.date) -> CallQuerySet:
        return calls.filter(received_at__lt=midnight(value + dt.timedelta(days=1)))

    def of_log(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return calls.filter(livemode=value != "test")


def midnight(day: dt.date) -> dt.datetime:
    """When the organization's day begins."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))
