"""The population of an access review: every line of access as it stands, with its flags.

One statement draws it, so that it is of one moment and can be run again by whoever doubts it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from django.contrib.auth.models import Group
from django.db import connection

from audits.services.access_uses import AccessUses, access_uses
from countersign.canonical import digest
from policies.access_flags import UNUSED_AFTER, Access, flags
from policies.models import AccessReviewEntry, ExclusiveRoles, Grant, Integration
from policies.roles import OWNER

QUERY = (Path(__file__).parent / "population.sql").read_text().strip()
QUERY_SHA256 = hashlib.sha256(QUERY.encode()).hexdigest()

Kind = AccessReviewEntry.Kind
# Whoever may see all calls reads the log of each integration.
ALL_CALLS = "audits.view_call"
# Whose use something records, by what.
OF_PEOPLE = {Kind.ROLE, Kind.SUPERUSER, Kind.STAFF, Kind.PERMISSION}
OF_ROWS = {Kind.TOKEN, Kind.KEY, Kind.DIRECTORY}
OF_INTEGRATIONS = {Kind.OBJECT, Kind.GRANT}
IRREGULAR = {Kind.SUPERUSER, Kind.STAFF, Kind.PERMISSION, Kind.OBJECT}
ALWAYS_PRIVILEGED = {Kind.SUPERUSER, Kind.STAFF, Kind.DIRECTORY}


@dataclass(frozen=True, slots=True)
class Row:
    """One line as the query gives it; `holder_active` None where no person holds it.

    `actor` is the holder as calls name it, for permissions on one integration.
    """

    kind: str
    row_id: int
    holder: str
    user_id: int | None
    what: str
    integration_id: int | None
    since: dt.datetime | None
    ends_at: dt.datetime | None
    last_used_at: dt.datetime | None
    holder_active: bool | None
    actor: str | None

    @property
    def permission(self) -> str:
        """Of a line on one integration, what it lets its holder do."""
        return self.what.partition(" ")[0]

    @property
    def emergency(self) -> bool:
        return self.what.endswith("(emergency)")


@dataclass(frozen=True, slots=True)
class Population:
    """Lines that are not stored yet, in their order, and the digest over them as frozen."""

    entries: tuple[AccessReviewEntry, ...]
    digest: str


def draw(at: dt.datetime) -> Population:
    """The population at the moment `at`, which is now: the database is read as it stands."""
    rows = _rows(at)
    known = _Known(rows, at)
    entries = tuple(
        AccessReviewEntry(
            number=number,
            kind=row.kind,
            row_id=row.row_id,
            holder=row.holder,
            user_id=row.user_id,
            what=row.what[:200],
            integration_id=row.integration_id,
            since=row.since,
            ends_at=row.ends_at,
            use_known=access.use_known,
            last_used_at=access.last_used_at,
            flags=list(flags(access, at, known.pairs)),
            frozen_at=at,
        )
        for number, (row, access) in enumerate(((row, known.access(row)) for row in rows), 1)
    )
    return Population(entries, digest_of(entries))


def digest_of(entries: Iterable[AccessReviewEntry]) -> str:
    """SHA-256 of the canonical JSON (RFC 8785) of the lines as frozen, in order of their number."""
    return digest([entry.frozen() for entry in entries])


def _rows(at: dt.datetime) -> list[Row]:
    of_owners = [name.partition(".")[2] for name in OWNER]
    with connection.cursor() as cursor:
        cursor.execute(QUERY, {"at": at, "of_owners": of_owners})
        return [Row(*row) for row in cursor.fetchall()]


class _Known:
    """What the facts of a line are made of, read once for all lines."""

    def __init__(self, rows: Sequence[Row], at: dt.datetime) -> None:
        self.uses: AccessUses = access_uses(
            at,
            since=at - UNUSED_AFTER,
            integrations={
                row.integration_id
                for row in rows
                if row.kind in OF_INTEGRATIONS and row.integration_id
            },
        )
        self.roles = {
            group.name: frozenset(
                f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.all()
            )
            for group in Group.objects.prefetch_related("permissions__content_type")
        }
        self.unowned = set(Integration.objects.unowned().values_list("pk", flat=True))
        self.ended = set(
            Integration.objects.exclude(pk__in=Integration.objects.open()).values_list(
                "pk", flat=True
            )
        )
        self.pairs = [frozenset({p.first, p.second}) for p in ExclusiveRoles.objects.live()]
        self.members = _members()
        self.by_holder: dict[str, list[Row]] = defaultdict(list)
        # What each has, by being one of a group too: by their id, others as calls name them.
        self.by_member: dict[int | str, list[Row]] = defaultdict(list)
        for row in rows:
            self.by_holder[row.holder].append(row)
            for member in self._who(row):
                self.by_member[member].append(row)

    def access(self, row: Row) -> Access:
        others = [each for each in self.by_holder[row.holder] if each is not row]
        use_known, last = self._use(row)
        return Access(
            use_known=use_known,
            since=row.since,
            last_used_at=last,
            holder_active=row.holder_active is not False,
            object_ended=row.integration_id in self.ended,
            owner_gone=row.integration_id in self.unowned,
            irregular=row.kind in IRREGULAR,
            always_privileged=row.kind in ALWAYS_PRIVILEGED or row.emergency,
            gives=self._gives(row),
            otherwise=frozenset().union(*(self._gives(each, row) for each in others)),
            name=_name(row),
            names=frozenset(_name(each) for each in self._beside(row)),
        )

    def _beside(self, row: Row) -> list[Row]:
        """What pairs of duties are asked of: of two grants, those on one integration.

        What a person has by a group counts as theirs, and what any of its members has beside a
        group's grant counts there: whichever of the two lines goes, the conflict goes.
        """
        of_members = (self.by_member[member] for member in self._who(row))
        return [
            each
            for each in chain(self.by_holder[row.holder], *of_members)
            if row.kind not in OF_INTEGRATIONS
            or each.kind not in OF_INTEGRATIONS
            or each.integration_id == row.integration_id
        ]

    def _who(self, row: Row) -> list[int | str]:
        """Whose line it is: of a group's, its members; none of what no person and no actor has."""
        if row.kind == Kind.GRANT and row.actor is None:
            members = self.members.get(row.row_id, ())
            return [actor if pk is None else pk for actor, pk in members]
        if row.user_id is not None:
            return [row.user_id]
        return [] if row.actor is None else [row.actor]

    def _use(self, row: Row) -> tuple[bool, dt.datetime | None]:
        """Whether anything records its use, and the newest."""
        if row.kind in OF_ROWS:
            return True, row.last_used_at
        if row.kind in OF_PEOPLE and row.user_id is not None:
            return True, self.uses.people.get(row.user_id)
        if row.integration_id is None or row.kind not in OF_INTEGRATIONS:
            return False, None
        return self._use_there(row, row.integration_id)

    def _use_there(self, row: Row, integration: int) -> tuple[bool, dt.datetime | None]:
        actors, users = self._behind(row)
        if row.permission == Grant.Permission.SEND_PROMPT:
            return True, _newest(self.uses.callers.get((integration, actor)) for actor in actors)
        if row.permission == Grant.Permission.READ_LOG and (users or row.actor is None):
            return True, _newest(self.uses.readers.get(user) for user in users)
        return False, None

    def _behind(self, row: Row) -> tuple[list[str], list[int]]:
        """The actors and the people of the portal that a line stands for: a group's are many."""
        if row.actor is not None:
            return [row.actor], [] if row.user_id is None else [row.user_id]
        members = self.members.get(row.row_id, [])
        return [actor for actor, _ in members], [pk for _, pk in members if pk is not None]

    def _gives(self, row: Row, beside: Row | None = None) -> frozenset[str]:
        """The permissions of a line; `beside` a line of one integration, those on it too."""
        if row.kind == Kind.ROLE:
            found = self.roles.get(row.what, frozenset())
            if beside and beside.integration_id and ALL_CALLS in found:
                found |= {f"policies.read_log@{beside.integration_id}"}
            return found
        if row.kind == Kind.PERMISSION:
            return frozenset({row.what})
        if row.kind in OF_INTEGRATIONS:
            return frozenset({f"policies.{row.permission}@{row.integration_id}"})
        if row.kind == Kind.OWNERSHIP:
            return frozenset(f"{name}@{row.integration_id}" for name in OWNER)
        return frozenset()


def _name(row: Row) -> str:
    """How pairs of duties name it."""
    if row.kind == Kind.ROLE:
        return f"role:{row.what}"
    return f"grant:{row.permission}" if row.kind in OF_INTEGRATIONS else ""


def _members() -> dict[int, list[tuple[str, int | None]]]:
    """By the id of a standing grant of a group: its members, as calls name them, and as users."""
    found: dict[int, list[tuple[str, int | None]]] = defaultdict(list)
    rows = Grant.objects.filter(state=Grant.State.STANDING, group__memberships__isnull=False)
    names = ("pk", *(f"group__members__{name}" for name in ("kind", "identifier", "user_id")))
    for pk, kind, identifier, user_id in rows.values_list(*names):
        found[pk].append((f"{kind}:{identifier}", user_id))
    return found


def _newest(moments: Iterable[dt.datetime | None]) -> dt.datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
