"""What lists of evidence can be narrowed by and sorted by."""

from __future__ import annotations

import datetime as dt
from typing import Any

import django_filters
from django.contrib.auth import get_user_model
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.functions import Coalesce

from evidence.models import EvidencePack, Finding
from evidence.models.findings import FindingQuerySet
from evidence.monitoring import CHECKS
from vendors import as_of

# High first; the words themselves would sort low before medium.
RANK = Case(
    *[When(severity=value, then=Value(rank)) for rank, value in enumerate(Finding.Severity.values)],
    output_field=IntegerField(),
)
FAR = dt.date(9999, 12, 31)
DUE = [("overdue", "Overdue"), ("7", "In 7 days"), ("30", "In 30 days"), ("none", "No due day")]


def owners() -> list[tuple[str, str]]:
    """Me, nobody, and everybody who owns an open finding."""
    people = get_user_model().objects.filter(
        pk__in=Finding.objects.open().exclude(owner=None).values("owner")
    )
    return [
        ("me", "Me"),
        ("none", "Nobody: the officers"),
        *((str(person.pk), str(person)) for person in people),
    ]


class FindingFilter(django_filters.FilterSet):
    """Open findings unless told otherwise, the gravest first."""

    state = django_filters.ChoiceFilter(
        label="State",
        choices=[("closed", "Closed"), ("all", "Open and closed")],
        empty_label="Open",
        method="by_state",
    )
    check = django_filters.ChoiceFilter(
        label="Check",
        field_name="check_code",
        choices=[(check.code, check.title) for check in CHECKS.values()],
        empty_label="All",
    )
    severity = django_filters.ChoiceFilter(
        label="Severity", choices=Finding.Severity.choices, empty_label="All"
    )
    owner = django_filters.ChoiceFilter(label="Owner", empty_label="All", method="by_owner")
    due = django_filters.ChoiceFilter(
        label="Due", choices=DUE, empty_label="Any day", method="by_due"
    )
    sort = django_filters.OrderingFilter(
        fields=[
            ("rank", "severity"),
            ("title", "title"),
            ("subject_label", "subject"),
            ("due_day", "due"),
            ("opened_at", "opened"),
        ],
    )

    class Meta:
        model = Finding
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["owner"].extra["choices"] = owners()

    def filter_queryset(self, queryset: QuerySet[Finding]) -> QuerySet[Finding]:
        ranked = queryset.annotate(rank=RANK, due_day=Coalesce("due_on", FAR))
        ranked = ranked.order_by("rank", "due_day", "pk")
        if not self.form.cleaned_data.get("state"):
            ranked = ranked.filter(closed_at__isnull=True)
        found: QuerySet[Finding] = super().filter_queryset(ranked)
        return found

    def by_state(self, queryset: QuerySet[Finding], _name: str, value: str) -> QuerySet[Finding]:
        return queryset.filter(closed_at__isnull=False) if value == "closed" else queryset

    def by_owner(self, queryset: QuerySet[Finding], _name: str, value: str) -> QuerySet[Finding]:
        if value == "none":
            return queryset.filter(owner=None)
        return queryset.filter(owner=self.request.user.pk if value == "me" else int(value))

    def by_due(self, queryset: FindingQuerySet, _name: str, value: str) -> QuerySet[Finding]:
        if value == "none":
            return queryset.filter(due_on=None)
        today = as_of.reading_day()
        days = -1 if value == "overdue" else int(value)
        return queryset.filter(due_on__lte=today + dt.timedelta(days=days))


class PackFilter(django_filters.FilterSet):
    """Evidence packs, the newest first."""

    title = django_filters.CharFilter(label="Title", lookup_expr="icontains")
    state = django_filters.ChoiceFilter(
        label="State", choices=EvidencePack.State.choices, empty_label="All"
    )
    person = django_filters.ChoiceFilter(
        label="Asked for by", choices=[("me", "Me")], empty_label="Anybody", method="by_person"
    )
    sort = django_filters.OrderingFilter(
        fields=[
            ("title", "title"),
            ("period_end", "period"),
            ("requested_at", "asked"),
            ("size_bytes", "size"),
        ],
    )

    class Meta:
        model = EvidencePack
        fields: list[str] = []

    def by_person(
        self, queryset: QuerySet[EvidencePack], _name: str, _value: str
    ) -> QuerySet[EvidencePack]:
        return queryset.filter(requested_by=self.request.user.pk)
