"""Which calls a list shows; the same for the API and the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.core.validators import RegexValidator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from audits.bodies import EARLIEST, LATEST
from audits.models import Call, Completion, SecurityEvent
from audits.services.reading import between, ledger_of
from policies.reasons import REASONS
from vendors import as_of

if TYPE_CHECKING:
    from audits.models.calls import CallQuerySet

Names: TypeAlias = tuple[str, str, str, str]
SLUG = r"^[a-z0-9][a-z0-9_-]{0,79}\Z"
FIRST = ("integration", "vendor", "start", "end")
LOGS = [("live", "Live"), ("test", "Test")]
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
    """Refuses days as well that no record is of: charts look some weeks around them."""

    first, last = "start", "end"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in (self.first, self.last):
            day = cleaned.get(name)
            if day and not EARLIEST.date() <= day <= LATEST.date():
                self.add_error(name, "No record is of that time.")
        return cleaned


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
        of_call = Completion.objects.filter(
            ledger_id=OuterRef("ledger_id"), call_id=OuterRef("call_id")
        )
        said = of_call.filter(swept=False)
        found = Q(Exists(said.filter(outcome=value)))
        if value == Completion.Outcome.UNKNOWN:
            found |= Q(Exists(of_call.filter(swept=True))) & ~Q(Exists(said))
        return calls.filter(found)

    def as_bound(self, calls: CallQuerySet, name: str, value: object) -> CallQuerySet:
        """The log, or a day or moment: `filter_queryset` applies them together."""
        return calls

    def without_answer(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        """Allowed calls whose lease passed while nobody said how they ended."""
        at = as_of.reading_moment()
        if value == "true":
            return calls.unanswered(at)
        silent = Call.objects.unanswered(at).filter(
            ledger_id=OuterRef("ledger_id"), index=OuterRef("index")
        )
        return calls.filter(~Exists(silent))

    def filter_queryset(self, queryset: CallQuerySet) -> CallQuerySet:
        """Of one log, and the first and last moment as bounds of its index."""
        calls: CallQuerySet = super().filter_queryset(queryset.of_ledger(self.ledger_id()))
        return between(calls, self.ledger_id(), *self.moments())

    def ledger_id(self) -> int:
        """The log that is read."""
        return ledger_of(livemode=self.form.cleaned_data.get("log") != "test")

    def moments(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """The first moment of the period, and the first after it; None for no bound."""
        raise NotImplementedError

    def applied(self) -> dict[str, str]:
        """The filters that were checked and set, for the record of the read."""
        return {
            name: str(value)
            for name, value in self.form.cleaned_data.items()
            if value not in (None, "")
        }


class CallApiFilter(CallFilter):
    """For programs: moments, of which the first counts and the last does not.

    `livemode` is that of the key that asks, which reads one log only; None for a person.
    """

    integration = django_filters.CharFilter("integration__slug", **_word(SLUG))
    vendor = django_filters.CharFilter("integration__service__vendor__slug", **_word(SLUG))
    received_after = django_filters.IsoDateTimeFilter(method="as_bound")
    received_before = django_filters.IsoDateTimeFilter(method="as_bound")
    log = django_filters.ChoiceFilter(choices=LOGS, method="as_bound")

    class Meta(CallFilter.Meta):
        form = PeriodForm

    def __init__(self, *args: Any, livemode: bool | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.livemode = livemode

    def ledger_id(self) -> int:
        return super().ledger_id() if self.livemode is None else ledger_of(livemode=self.livemode)

    def moments(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        said = self.form.cleaned_data
        return _storable(said.get("received_after")), _storable(said.get("received_before"))


def _storable(moment: dt.datetime | None) -> dt.datetime | None:
    """The moment as the database takes it: nothing was received beyond what it can hold."""
    if moment is None:
        return None
    return min(max(moment, EARLIEST), LATEST).astimezone(dt.UTC)


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
        method="as_bound", label="From", widget=forms.DateInput(attrs={"type": "date"})
    )
    end = django_filters.DateFilter(
        method="as_bound", label="To", widget=forms.DateInput(attrs={"type": "date"})
    )
    log = django_filters.ChoiceFilter(
        choices=LOGS,
        method="as_bound",
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

    def moments(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        start, end = self.form.cleaned_data.get("start"), self.form.cleaned_data.get("end")
        return start and midnight(start), end and as_of.end_of(end)


class SecurityEventFilter(django_filters.FilterSet):
    """Days are the organization's, and both count."""

    kind = django_filters.ChoiceFilter(
        choices=SecurityEvent.Kind, label="What happened", empty_label="Anything"
    )
    outcome = django_filters.ChoiceFilter(choices=SecurityEvent.Outcome, empty_label="Any")
    q = django_filters.CharFilter(label="Name or e-mail", method="by_person", max_length=120)
    start = django_filters.DateFilter(
        method="after", label="From", widget=forms.DateInput(attrs={"type": "date"})
    )
    end = django_filters.DateFilter(
        method="until", label="To", widget=forms.DateInput(attrs={"type": "date"})
    )

    class Meta:
        model = SecurityEvent
        form = DaysForm
        fields: list[str] = []

    def by_person(
        self, events: QuerySet[SecurityEvent], _name: str, value: str
    ) -> QuerySet[SecurityEvent]:
        named = Q(full_name__icontains=value) | Q(email__icontains=value)
        people = get_user_model().objects.filter(named).values("pk")
        return events.filter(Q(user__in=people) | Q(by__in=people))

    def after(
        self, events: QuerySet[SecurityEvent], _name: str, value: dt.date
    ) -> QuerySet[SecurityEvent]:
        return events.filter(at__gte=midnight(value))

    def until(
        self, events: QuerySet[SecurityEvent], _name: str, value: dt.date
    ) -> QuerySet[SecurityEvent]:
        return events.filter(at__lt=as_of.end_of(value))

    def applied(self) -> dict[str, str]:
        """The filters that were set, for the record of the read; what was typed is left out."""
        said = self.form.cleaned_data
        names = ("kind", "outcome", "start", "end")
        return {name: str(said[name]) for name in names if said.get(name)}


def midnight(day: dt.date) -> dt.datetime:
    """When the organization's day begins."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))
