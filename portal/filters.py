"""What the list of people can be narrowed by."""

from __future__ import annotations

import django_filters
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet

from policies.roles import ROLES
from portal.models import User


class PersonFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="Name or e-mail", method="by_name")
    role = django_filters.ModelChoiceFilter(
        label="Role",
        field_name="groups",
        queryset=Group.objects.filter(name__in=ROLES),
        to_field_name="name",
        empty_label="Any",
    )
    is_active = django_filters.ChoiceFilter(
        label="Access", choices=[("True", "May sign in"), ("False", "Ended")], empty_label="Any"
    )
    sort = django_filters.OrderingFilter(
        fields=[("full_name", "name"), ("email", "email"), ("last_login", "seen")]
    )

    class Meta:
        model = User
        fields: list[str] = []

    def by_name(self, people: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        return people.filter(Q(full_name__icontains=value) | Q(email__icontains=value))
