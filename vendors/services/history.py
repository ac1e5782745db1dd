"""The history of an object, read from django-auditlog's entries."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, AnonymousUser, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateField, Field, ForeignKey, Model, Q, QuerySet
from django.utils import timezone
from django.utils.text import Truncator, capfirst, get_text_list
from guardian.models import UserObjectPermission

# The names of objects that entries point to, by model and id.
Names = dict[tuple[type[Model], Any], str]

LONGEST = 300
AT_ONCE = dt.timedelta(seconds=1)
HIDDEN = "hidden"
VERBS = {
    LogEntry.Action.CREATE: "Created",
    LogEntry.Action.UPDATE: "Changed",
    LogEntry.Action.DELETE: "Removed",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an entry: its name and both values as text."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `subject` is empty where it happened to the object itself."""

    at: dt.datetime
    verb: str
    subject: str
    actor: str
    changes: tuple[Change, ...]


def entries(subject: Model, *, viewer: AbstractUser | AnonymousUser) -> QuerySet[LogEntry]:
    """Entries of an object, of its parts that `viewer` may see, and of its grants; newest first.

    Parts are the tracked rows that name the object by a foreign key with a way back, as a
    service's regions do; those of removed rows are found by what their entries say.
    """
    found = _of(type(subject), [subject.pk])
    for part in _parts(subject, viewer):
        found |= part
    if viewer.has_perm("portal.view_user"):
        found |= _grants(subject)
    rows: QuerySet[LogEntry] = LogEntry.objects.filter(found)
    return rows.select_related("actor").order_by("-timestamp", "-pk")


def _of(model: type[Model], ids: QuerySet[Any] | list[int]) -> Q:
    return Q(content_type=ContentType.objects.get_for_model(model), object_id__in=ids)


def _rows(model: type[Model], standing: QuerySet[Any], **said: object) -> Q:
    """Entries of the rows that stand, and of removed ones whose last values were `said`."""
    removed = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(model),
        action=LogEntry.Action.DELETE,
        **{f"changes__{name}__0": value for name, value in said.items()},
    )
    return _of(model, standing.values("pk")) | _of(model, removed.values("object_id"))


def _parts(subject: Model, viewer: AbstractUser | AnonymousUser) -> Iterator[Q]:
    for relation in subject._meta.related_objects:
        part = relation.related_model
        if relation.hidden or not auditlog.contains(part):
            continue
        if viewer.has_perm(f"{part._meta.app_label}.view_{part._meta.model_name}"):
            name = relation.field.name
            standing = part._meta.base_manager.filter(**{name: subject.pk})
            yield _rows(part, standing, **{name: subject.pk})


def _grants(subject: Model) -> Q:
    """Object permissions that a person has, or that people have on another object."""
    grants = UserObjectPermission.objects
    if isinstance(subject, get_user_model()):
        return _rows(UserObjectPermission, grants.filter(user=subject), user=subject.pk)
    kind = ContentType.objects.get_for_model(subject)
    return _rows(
        UserObjectPermission,
        grants.filter(content_type=kind, object_pk=str(subject.pk)),
        content_type=kind.pk,
        object_pk=str(subject.pk),
    )


def describe(found: Iterable[LogEntry], subject: Model) -> list[Entry]:
    """Entries in words; ids become names with one query for each kind of object they name."""
    rows = list(found)
    names = _names(rows)
    told: list[Entry] = []
    for row in rows:
        entry = _entry(row, subject, names)
        last = told[-1] if told else None
        if last and _is_grant(row) and _goes_with(entry, last):
            told[-1] = replace(last, changes=(*last.changes, *entry.changes))
        else:
            told.append(entry)
    return told


def _goes_with(entry: Entry, last: Entry) -> bool:
    """Permissions given at once read better in one sentence; the rows come newest first."""
    same = replace(entry, changes=last.changes, at=last.at) == last
    return same and last.at - entry.at < AT_ONCE


def _entry(row: LogEntry, subject: Model, names: Names) -> Entry:
    at, actor = row.timestamp, str(row.actor) if row.actor else row.actor_email or "The portal"
    if _is_grant(row):
        return _grant(row, at, actor, names)
    return Entry(
        at=at,
        verb=VERBS.get(row.action, "Seen"),
        subject=""
        if _is_of(row, subject)
        else f"{capfirst(_content_type(row).name)} {row.object_repr}",
        actor=actor,
        changes=tuple(_changes(row, names)),
    )


def _is_of(row: LogEntry, subject: Model) -> bool:
    kind = ContentType.objects.get_for_model(subject)
    return (row.content_type_id, row.object_id) == (kind.pk, subject.pk)


def _is_grant(row: LogEntry) -> bool:
    return _content_type(row).model_class() is UserObjectPermission


def _grant(row: LogEntry, at: dt.datetime, actor: str, names: Names) -> Entry:
    """A permission on one object: whose, on what, and which."""
    given = row.action == LogEntry.Action.CREATE
    said = {name: values[1 if given else 0] for name, values in (row.changes or {}).items()}
    person = names.get((get_user_model(), said.get("user")), "somebody")
    permission = names.get((Permission, said.get("permission")), "a permission")
    words = permission.removeprefix("Can ")
    return Entry(
        at=at,
        verb="Granted" if given else "Withdrawn",
        subject=f"to {person}: {said.get('content_object')}"
        if given
        else f"from {person}: {said.get('content_object')}",
        actor=actor,
        changes=(Change("May", "" if given else words, words if given else ""),),
    )


def _content_type(row: LogEntry) -> ContentType:
    return ContentType.objects.get_for_id(row.content_type_id)  # cached, unlike the foreign key


def _fields(row: LogEntry) -> Iterator[tuple[Field[Any, Any], Any]]:
    """The fields of an entry that the model still has, with what is said of each."""
    model = _content_type(row).model_class()
    for name, change in sorted((row.changes or {}).items()):
        try:
            field = model._meta.get_field(name) if model else None
        except FieldDoesNotExist:
            continue
        if isinstance(field, Field) and not field.primary_key:
            yield field, change


def _names(rows: list[LogEntry]) -> Names:
    """The names of all objects that foreign keys in these entries point to."""
    wanted: dict[type[Model], set[int]] = defaultdict(set)
    for row in rows:
        for field, change in _fields(row):
            if isinstance(field, ForeignKey) and isinstance(change, list):
                wanted[field.related_model] |= {v for v in change if isinstance(v, int)}
    return {
        (model, pk): found.name if isinstance(found, Permission) else str(found)
        for model, ids in wanted.items()
        for pk, found in model._meta.base_manager.in_bulk(list(ids)).items()
    }


def _changes(row: LogEntry, names: Names) -> Iterator[Change]:
    for field, change in _fields(row):
        label = capfirst(str(field.verbose_name))
        if isinstance(change, dict):
            objects = get_text_list([str(o) for o in change["objects"]], "and")
            added = change["operation"] == "add"
            yield Change(label, "" if added else objects, objects if added else "")
            continue
        old, new = (_text(field, value, names) for value in change)
        if old != new or old == HIDDEN:
            yield Change(label, old, new)


def _text(field: Field[Any, Any], value: Any, names: Names) -> str:
    """A stored value as people read it; empty for nothing."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(field, ForeignKey):
        return names.get((field.related_model, value), f"number {value}")
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(field, DateField):
        return _day(value)
    choices = dict(getattr(getattr(field, "base_field", field), "flatchoices", ()))
    if isinstance(value, dict):
        value = [f"{name}: {each}" for name, each in value.items()]
    values = value if isinstance(value, list) else [value]
    return Truncator(", ".join(str(choices.get(v, v)) for v in values)).chars(LONGEST)


def _day(value: str) -> str:
    """A stored day, or a moment: auditlog keeps those in UTC, without saying so."""
    moment = dt.datetime.fromisoformat(value)
    if len(value) == len("2026-11-21"):
        return f"{moment:%-d %b %Y}"
    return f"{timezone.localtime(moment.replace(tzinfo=dt.UTC)):%-d %b %Y, %H:%M}"
