"""Who may do what with which integration, at a moment: people by rows, integrations by columns."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet, Value

from policies.models import Grant, GroupMembership, Integration, Principal
from policies.services.trail import FINAL

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody who may hold grants: a principal, a person of the portal, or both.

    One of the two ids is given at least; `actor` is as calls name them.
    """

    principal_id: int | None
    user_id: int | None
    name: str
    actor: str

    @property
    def key(self) -> tuple[int | None, int | None]:
        return self.principal_id, self.user_id


@dataclass(frozen=True, slots=True)
class Column:
    integration_id: int
    name: str
    slug: str
    owner_id: int | None


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that somebody may do with an integration.

    `how` is one of Grant.Kind, the name of a group they hold it through after "group ", or `OWNER`,
    which has no end.
    """

    permission: str
    how: str
    until: dt.datetime | None = None
    grant_id: int | None = None
    purpose: str = ""


Cells = dict[tuple[tuple[int | None, int | None], int], list[Right]]


def columns(text: str = "") -> list[Column]:
    """The integrations that have not ended, by name; `text` is part of a name or a slug."""
    found = Integration.objects.exclude(state__in=FINAL)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(slug=text))
    rows = found.order_by("name", "pk").values_list("pk", "name", "slug", "owner_id")
    return [Column(*row) for row in rows]


def rows(at: dt.datetime, *, text: str = "", kind: str = "", everybody: bool = False) -> list[Row]:
    """Who holds a right at the moment `at`, or `everybody` who could, by name; one query.

    `text` is part of a name, an address or an id; `kind` is one of Principal.Kind.
    """
    principals = Principal.objects.exclude(state=Principal.State.LEFT)
    people = (
        get_user_model()
        .objects.filter(is_active=True)
        .exclude(Exists(principals.filter(user_id=OuterRef("pk"))))
    )
    if not everybody:
        owning = Integration.objects.exclude(state__in=FINAL)
        principals = principals.filter(
            _holding(at) | Exists(owning.filter(owner_id=OuterRef("user_id")))
        )
        people = people.filter(Exists(owning.filter(owner_id=OuterRef("pk"))))
    if text:
        principals = principals.filter(
            Q(name__icontains=text) | Q(identifier__icontains=text) | Q(email__icontains=text)
        )
        people = people.filter(Q(full_name__icontains=text) | Q(email__icontains=text))
    if kind:
        principals = principals.filter(kind=kind)
    both = principals.order_by().values_list("pk", "user_id", "name", "kind", "identifier")
    if kind in ("", Principal.Kind.USER):
        both = both.union(_as_rows(people), all=True)
    found = [
        Row(pk, user, name or f"{what}:{identifier}", f"{what}:{identifier}")
        for pk, user, name, what, identifier in both
    ]
    return sorted(found, key=lambda row: (row.name.lower(), row.actor))


def _as_rows(people: QuerySet) -> QuerySet:
    """People of the portal who are no principal yet, in the same columns."""
    nothing = Value(None, output_field=BigIntegerField())
    user = Value(Principal.Kind.USER.value)
    return people.order_by().values_list(nothing, "pk", "full_name", user, "email")


def _holding(at: dt.datetime) -> Q:
    """Principals with a grant at the moment, their own or through a group."""
    own = Grant.objects.standing(at).filter(principal=OuterRef("pk"))
    through = GroupMembership.objects.filter(
        principal=OuterRef("pk"), group__in=Grant.objects.standing(at).values("group")
    )
    return Q(Exists(own)) | Q(Exists(through))


def cells(people: Sequence[Row], over: Sequence[Column], at: dt.datetime) -> Cells:
    """What each of the people may do with each integration at the moment; two queries."""
    found: Cells = defaultdict(list)
    by_principal = {row.principal_id: row.key for row in people if row.principal_id is not None}
    by_user = {row.user_id: row.key for row in people if row.user_id is not None}
    integrations = [column.integration_id for column in over]
    for principal_id, right, integration_id in _granted(by_principal, integrations, at):
        found[by_principal[principal_id], integration_id].append(right)
    reading = Right(Grant.Permission.READ_LOG.value, OWNER)
    for column in over:
        if column.owner_id in by_user:
            found[by_user[column.owner_id], column.integration_id].append(reading)
    for rights in found.values():
        rights.sort(key=lambda right: (ORDER[right.permission], right.how))
    return found


ORDER = {name: number for number, name in enumerate(Grant.Permission.values)}


def _granted(
    principals: Collection[int], integrations: Collection[int], at: dt.datetime
) -> Iterator[tuple[int, Right, int]]:
    """Whose right it is, the right, and on which integration: direct grants, then by groups."""
    standing = Grant.objects.standing(at).filter(integration__in=integrations).order_by()
    fields = ("integration_id", "permission", "ends_at", "pk", "purpose")
    direct = standing.filter(principal__in=principals, principal__state="active")
    for whose, kind, *rest in direct.values_list("principal_id", "kind", *fields):
        yield whose, _right(kind, rest), rest[0]
    through = standing.filter(
        group__members__in=principals, group__members__state="active"
    ).values_list("group__members", "group__name", *fields)
    for whose, group, *rest in through:
        yield whose, _right(f"group {group}", rest), rest[0]


def _right(how: str, rest: Sequence[object]) -> Right:
    _, permission, until, pk, purpose = rest
    return Right(permission, how, until, pk, purpose)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Line:
    """One right as a row of a file."""

    row: Row
    column: Column
    right: Right


def lines(people: Sequence[Row], over: Sequence[Column], at: dt.datetime) -> Iterator[Line]:
    """Every right of the matrix, person by person."""
    found = cells(people, over, at)
    for row in people:
        for column in over:
            for right in found.get((row.key, column.integration_id), ()):
                yield Line(row, column, right)
