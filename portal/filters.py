"""What the list of people can be narrowed by."""

from __future__ import annotations

import django_filters
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet

from policies.access_flags import FLAGS
from policies.models import AccessReviewEntry
from policies.models.reviews import AccessReviewEntryQuerySet
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


class AccessEntryFilter(django_filters.FilterSet):
    """Narrows the lines of an access review, which carry their state."""

    holder = django_filters.CharFilter(label="Holder", lookup_expr="icontains")
    kind = django_filters.ChoiceFilter(
        label="Kind", choices=AccessReviewEntry.Kind.choices, empty_label="Any"
    )
    flag = django_filters.ChoiceFilter(
        label="Flag",
        choices=[("any", "Any flag"), ("none", "No flag"), *FLAGS.items()],
        method="by_flag",
        empty_label="All",
    )
    state = django_filters.ChoiceFilter(
        label="State",
        choices=[
            ("undecided", "To decide"),
            ("keep", "Kept"),
            ("revoke", "Revoked"),
            ("change", "Changed"),
            ("unproven", "Not verified"),
        ],
        method="by_state",
        empty_label="Any",
    )

    class Meta:
        model = AccessReviewEntry
        fields: list[str] = []

    def by_flag(
        self, entries: AccessReviewEntryQuerySet, _name: str, value: str
    ) -> AccessReviewEntryQuerySet:
        if value in ("any", "none"):
            bare = entries.filter(flags=[])
            return bare if value == "none" else entries.exclude(flags=[])
        return entries.filter(flags__contains=[value])

    def by_state(
        self, entries: AccessReviewEntryQuerySet, _name: str, value: str
    ) -> AccessReviewEntryQuerySet:
        if value == "undecided":
            return entries.undecided()
        if value == "unproven":
            return entries.unproven()
        return entries.filter(decision=value)  # type: ignore[misc]  # what with_state adds
