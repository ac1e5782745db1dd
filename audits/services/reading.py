"""Reads call records: who may see which, page by page without counting, with their completions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import PermissionsMixin
from django.core.signing import BadSignature, Signer
from django.db.models import F
from guardian.shortcuts import get_objects_for_user

from audits.models import Call, Completion
from audits.services.statements import CALL_COLUMNS, COMPLETION_COLUMNS, Row
from policies.models import Integration
from policies.services.keyring import KeyFacts

if TYPE_CHECKING:
    from audits.models.calls import CallQuerySet

EXPORT_CHUNK = 500
_signer = Signer(salt="audits.calls.cursor")


class BadCursor(Exception):
    """The cursor is none that was given out."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call as it is stored, and how it ended: as its caller said, or as the sweep found."""

    record_id: int
    row: Row
    integration: str
    integration_name: str
    completion: Row | None
    completion_id: int | None


def readable_integrations(user: PermissionsMixin) -> set[int] | None:
    """The integrations whose log the person may read; None for all of them."""
    if user.has_perm("audits.view_call"):
        return None
    granted = get_objects_for_user(
        user, "policies.read_log", Integration, accept_global_perms=False
    )
    return set(granted.values_list("pk", flat=True))


def of_key(key: KeyFacts) -> CallQuerySet:
    """The log that a key reads: its own integration's, live or test as the key is."""
    return Call.objects.filter(integration_id=key.integration_id, livemode=key.livemode)


def of_integrations(integration_ids: Collection[int] | None) -> CallQuerySet:
    """Calls of these integrations; None for all."""
    if integration_ids is None:
        return Call.objects.all()
    return Call.objects.filter(integration_id__in=integration_ids)


def cursor_after(record_id: int) -> str:
    """Where the next page begins: opaque, and known again only as it was given out."""
    return _signer.sign(str(record_id)).replace(":", ".", 1)


def read_cursor(cursor: str) -> int:
    """The last record of the page before. Raises: BadCursor."""
    try:
        return int(_signer.unsign(cursor.replace(".", ":", 1)))
    except (BadSignature, ValueError):
        raise BadCursor from None


def page(calls: CallQuerySet, *, limit: int, cursor: str = "") -> tuple[list[CallRow], str]:
    """The newest `limit` calls before the cursor, and the cursor of the next page or "".

    Two queries, however deep the page is: no counting, no offset. Raises: BadCursor.
    """
    if cursor:
        calls = calls.filter(pk__lt=read_cursor(cursor))
    rows = list(_values(calls.order_by("-pk"))[: limit + 1])
    more = cursor_after(rows[limit - 1]["id"]) if len(rows) > limit else ""
    return _with_completions(rows[:limit]), more


def one(calls: CallQuerySet, call_id: Any) -> CallRow | None:
    """The call of this id, if it is among `calls`."""
    found = _with_completions(list(_values(calls.filter(call_id=call_id))))
    return found[0] if found else None


def completions_of(call_id: Any) -> list[Row]:
    """Everything stored of how a call ended, in the order it came."""
    rows = Completion.objects.filter(call_id=call_id).order_by("pk")
    return [_tidied(row) for row in rows.values("id", *COMPLETION_COLUMNS)]


def each(calls: CallQuerySet) -> Iterator[CallRow]:
    """All calls, oldest first, without holding them in memory."""
    last = 0
    while True:
        rows = list(_values(calls.filter(pk__gt=last).order_by("pk"))[:EXPORT_CHUNK])
        yield from _with_completions(rows)
        if len(rows) < EXPORT_CHUNK:
            return
        last = rows[-1]["id"]


def _values(calls: CallQuerySet) -> Any:
    return calls.values(
        "id",
        *CALL_COLUMNS,
        integration_slug=F("integration__slug"),
        integration_title=F("integration__name"),
    )


def _with_completions(rows: list[dict[str, Any]]) -> list[CallRow]:
    ended: dict[Any, Row] = {}
    found = Completion.objects.filter(call_id__in=[row["call_id"] for row in rows])
    # The caller's word comes after the sweep's, and takes its place.
    for row in found.order_by("-swept").values("id", *COMPLETION_COLUMNS):
        ended[row["call_id"]] = _tidied(row)
    made = []
    for row in rows:
        slug, name = row.pop("integration_slug"), row.pop("integration_title")
        completion = ended.get(row["call_id"])
        completion_id = completion.get("id") if completion else None
        made.append(CallRow(row["id"], _tidied(row), slug, name, completion, completion_id))
    return made


def _tidied(row: dict[str, Any]) -> Row:
    return {
        name: bytes(value)
        if isinstance(value, memoryview)
        else value.astimezone(dt.UTC)
        if isinstance(value, dt.datetime)
        else value
        for name, value in row.items()
    }
