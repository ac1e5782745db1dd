"""Filters and order of the register of integrations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from policies.models import DataClass, Grant, Integration, Principal
from policies.services.verdicts import live_answers


class IntegrationOrder(django_filters.OrderingFilter):
    """Sorts by a column; the name decides among equals, so that no page repeats another's row."""

    def filter(self, qs: QuerySet[Integration], value: list[str] | None) -> QuerySet[Integration]:
        chosen = [self.get_ordering_value(param) for param in value or ()]
        return qs.order_by(*chosen, "name", "pk")


class IntegrationFilter(django_filters.FilterSet):
    """What a person may ask of the register; `on` is the day of the verdict."""

    q = django_filters.CharFilter(method="filter_text", label="Search", max_length=80)
    state = django_filters.ChoiceFilter(
        choices=Integration.State, label="State", empty_label="Any state"
    )
    verdict = django_filters.ChoiceFilter(
        choices=[("allowed", "Allowed"), ("denied", "Denied")],
        method="filter_verdict",
        label="Verdict",
        empty_label="Any verdict",
    )
    service = django_filters.CharFilter(
        method="filter_service", label="Service or vendor", max_length=80
    )
    data_class = django_filters.ChoiceFilter(
        field_name="data_classes__slug", label="Data class", empty_label="Any data"
    )
    environment = django_filters.ChoiceFilter(
        choices=Integration.Environment, label="Environment", empty_label="Any environment"
    )
    owner = django_filters.CharFilter(method="filter_owner", label="Owner", max_length=80)
    sort = IntegrationOrder(
        fields=[
            ("name", "name"),
            ("state", "state"),
            ("service__name", "service"),
            ("owner__email", "owner"),
            ("environment", "environment"),
        ]
    )

    class Meta:
        model = Integration
        fields: list[str] = []

    def __init__(
        self, *args: Any, on: dt.date, data_classes: Iterable[DataClass], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.on = on
        choices = [(c.slug, c.name) for c in data_classes]
        self.filters["data_class"].extra["choices"] = choices

    def filter_text(
        self, queryset: QuerySet[Integration], _name: str, value: str
    ) -> QuerySet[Integration]:
        return queryset.filter(
            Q(name__icontains=value) | Q(slug__icontains=value) | Q(purpose__icontains=value)
        )

    def filter_service(
        self, queryset: QuerySet[Integration], _name: str, value: str
    ) -> QuerySet[Integration]:
        """By words, not from a list: an organization may have hundreds of services."""
        return queryset.filter(
            Q(service__slug=value)
            | Q(service__name__icontains=value)
            | Q(service__vendor__name__icontains=value)
        )

    def filter_owner(
        self, queryset: QuerySet[Integration], _name: str, value: str
    ) -> QuerySet[Integration]:
        return queryset.filter(
            Q(owner__email__icontains=value) | Q(owner__full_name__icontains=value)
        )

    def filter_verdict(
        self, queryset: QuerySet[Integration], _name: str, value: str
    ) -> QuerySet[Integration]:
        """Allowed or denied today; the query names the few active ones that are denied."""
        _, denied = live_answers(self.on)
        # As one array: there may be thousands, and each would be a parameter of its own.
        ids = RawSQL("SELECT unnest(%s::bigint[])", [sorted(denied)])
        allowed = Q(state=Integration.State.ACTIVE) & ~Q(pk__in=ids)
        return queryset.filter(allowed if value == "allowed" else ~allowed)


class GrantFilter(django_filters.FilterSet):
    """What a person may ask of the list of grants."""

    q = django_filters.CharFilter(
        method="filter_text", label="Holder or integration", max_length=80
    )
    state = django_filters.ChoiceFilter(choices=Grant.State, label="State", empty_label="Any state")
    permission = django_filters.ChoiceFilter(
        choices=Grant.Permission, label="May", empty_label="Anything"
    )
    kind = django_filters.ChoiceFilter(choices=Grant.Kind, label="Kind", empty_label="Any kind")
    sort = django_filters.OrderingFilter(
        fields=[
            ("asked_at", "asked"),
            ("ends_at", "ends"),
            ("integration__name", "integration"),
            ("state", "state"),
        ]
    )

    class Meta:
        model = Grant
        fields: list[str] = []

    def filter_text(self, queryset: QuerySet[Grant], _name: str, value: str) -> QuerySet[Grant]:
        return queryset.filter(
            Q(integration__name__icontains=value)
            | Q(integration__slug=value)
            | Q(principal__identifier__icontains=value)
            | Q(principal__name__icontains=value)
            | Q(group__name__icontains=value)
        )


class PrincipalFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="Id, name or e-mail", method="by_text", max_length=120)
    kind = django_filters.ChoiceFilter(choices=Principal.Kind, empty_label="Any")
    state = django_filters.ChoiceFilter(choices=Principal.State, empty_label="Any")
    source = django_filters.ChoiceFilter(choices=Principal.Source, empty_label="Any")
    sort = django_filters.OrderingFilter(
        fields=[("identifier", "identifier"), ("name", "name"), ("last_seen_at", "seen")]
    )

    class Meta:
        model = Principal
        fields: list[str] = []

    def by_text(self, found: QuerySet[Principal], _name: str, value: str) -> QuerySet[Principal]:
        return found.filter(
            Q(identifier__icontains=value) | Q(name__icontains=value) | Q(email__icontains=value)
        )
