"""Reads call records: who may see which, page by page without counting, with their completions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib.auth.models import PermissionsMixin
from django.core.signing import BadSignature, Signer
from django.db import connection
from django.db.models import F, Model

from audits.models import Call, Completion, Ledger, Verdict
from audits.services.lines import Line, lines
from policies.models import Grant
from policies.services.keyring import KeyFacts
from policies.services.rights_now import integrations_with

if TYPE_CHECKING:
    from audits.models.calls import CallQuerySet

Row: TypeAlias = dict[str, Any]
EXPORT_CHUNK = 500
_signer = Signer(salt="audits.calls.cursor")


def _columns(model: type[Model], *left_out: str) -> list[str]:
    return [f.attname for f in model._meta.concrete_fields if f.attname not in left_out]


CALL_COLUMNS = _columns(Call)
COMPLETION_COLUMNS = _columns(Completion)
# What the verdict rested on; beside the call's own columns in its row.
VERDICT_COLUMNS = _columns(Verdict, "id", "sha256")


class BadCursor(Exception):
    """The cursor is none that was given out."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call as it is stored, and how it ended: as its caller said, or as the sweep found.

    The lines are there if they were asked for, and are in the database.
    """

    record_id: int
    row: Row
    integration: str
    integration_name: str
    completion: Row | None
    line: Line | None = None
    completion_line: Line | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Calls, newest first, and the cursors of the pages before and after; "" where none is."""

    rows: list[CallRow]
    newer: str
    older: str


def readable_integrations(user: PermissionsMixin) -> set[int] | None:
    """The integrations whose log the person may read; None for all of them."""
    if user.has_perm("audits.view_call"):
        return None
    return integrations_with(user.pk, Grant.Permission.READ_LOG)


def of_key(key: KeyFacts) -> CallQuerySet:
    """The log that a key reads: its own integration's, live or test as the key is."""
    return Call.objects.of_ledger(ledger_of(livemode=key.livemode)).filter(
        integration_id=key.integration_id
    )


def ledger_of(*, livemode: bool) -> int:
    """The ledger that live keys write to, or that of test keys."""
    return Ledger.LIVE if livemode else Ledger.TEST


def of_integrations(integration_ids: Collection[int] | None) -> CallQuerySet:
    """Calls of these integrations; None for all."""
    if integration_ids is None:
        return Call.objects.all()
    return Call.objects.filter(integration_id__in=integration_ids)


def between(
    calls: CallQuerySet, ledger_id: int, start: dt.datetime | None, end: dt.datetime | None
) -> CallQuerySet:
    """Those of `calls` of the ledger received from `start` on and before `end`; None for any.

    Moments never go back in a ledger, so they are bounds of the index, found by halving.
    """
    if start is None and end is None:
        return calls
    with connection.cursor() as cursor:
        sql = "SELECT audits_first_call(%s, %s), audits_first_call(%s, %s)"
        cursor.execute(sql, [ledger_id, start, ledger_id, end])
        first, after = cursor.fetchone()
    if start is not None:
        calls = calls.filter(index__gte=first)
    return calls if end is None else calls.filter(index__lt=after)


def cursor_at(direction: str, index: int) -> str:
    """Where a page begins: opaque, and known again only as it was given out."""
    return _signer.sign(f"{direction}{index}").replace(":", ".", 1)


def read_cursor(cursor: str) -> tuple[str, int]:
    """Whether the page is of "older" or "newer" calls, and than which entry. Raises: BadCursor."""
    try:
        said = _signer.unsign(cursor.replace(".", ":", 1))
    except BadSignature:
        raise BadCursor from None
    return said[:5], int(said[5:])


def page(calls: CallQuerySet, *, limit: int, cursor: str = "", proven: bool = False) -> Page:
    """The newest `limit` calls, or those that the cursor leads to; `calls` are of one ledger.

    Two queries, however deep the page is, or four with the lines: no counting, no offset.
    Raises: BadCursor.
    """
    direction, at = read_cursor(cursor) if cursor else ("older", None)
    if direction == "newer":
        rows = list(_values(calls.filter(index__gt=at).order_by("index"))[: limit + 1])
        shown = rows[:limit][::-1]
        newer, older = len(rows) > limit, bool(shown)
    else:
        older_ones = calls if at is None else calls.filter(index__lt=at)
        rows = list(_values(older_ones.order_by("-index"))[: limit + 1])
        shown = rows[:limit]
        newer, older = at is not None and bool(shown), len(rows) > limit
    return Page(
        _paired(shown, proven=proven),
        cursor_at("newer", shown[0]["index"]) if newer else "",
        cursor_at("older", shown[-1]["index"]) if older else "",
    )


def one(calls: CallQuerySet, call_id: Any, *, proven: bool = False) -> CallRow | None:
    """The call of this id, if it is among `calls`."""
    found = _paired(list(_values(calls.filter(call_id=call_id))), proven=proven)
    return found[0] if found else None


def completions_of(call_id: Any) -> list[Row]:
    """Everything stored of how a call ended, in the order it came."""
    rows = Completion.objects.filter(call_id=call_id).order_by("ledger_id", "index")
    return [_tidied(row) for row in rows.values(*COMPLETION_COLUMNS)]


def each(calls: CallQuerySet, *, proven: bool = False) -> Iterator[CallRow]:
    """All calls of each ledger, oldest first, without holding them in memory."""
    for ledger_id in (Ledger.LIVE, Ledger.TEST):
        last, found = -1, EXPORT_CHUNK
        while found == EXPORT_CHUNK:
            following = calls.filter(ledger_id=ledger_id, index__gt=last).order_by("index")
            rows = list(_values(following)[:EXPORT_CHUNK])
            yield from _paired(rows, proven=proven)
            found = len(rows)
            last = rows[-1]["index"] if rows else last


def _values(calls: CallQuerySet) -> Any:
    return calls.values(
        *CALL_COLUMNS,
        **{name: F(f"verdict__{name}") for name in VERDICT_COLUMNS},
        integration_slug=F("integration__slug"),
        integration_title=F("integration__name"),
    )


def _paired(rows: list[dict[str, Any]], *, proven: bool) -> list[CallRow]:
    """Calls with how they ended, and the entries of both if they are to be proven."""
    ended: dict[Any, Row] = {}
    found = Completion.objects.filter(call_id__in=[row["call_id"] for row in rows])
    # The caller's word comes after the sweep's, and takes its place.
    for row in found.order_by("-swept").values(*COMPLETION_COLUMNS) if rows else ():
        ended[row["call_id"]] = _tidied(row)
    entries = _lines_of((*rows, *ended.values())) if proven else {}
    made = []
    for row in rows:
        slug, name = row.pop("integration_slug"), row.pop("integration_title")
        end = ended.get(row["call_id"])
        made.append(
            CallRow(
                row["index"],
                _tidied(row),
                slug,
                name,
                end,
                entries.get((row["ledger_id"], row["index"])),
                entries.get((end["ledger_id"], end["index"])) if end else None,
            )
        )
    return made


def _lines_of(rows: Iterable[Row]) -> dict[tuple[int, int], Line]:
    wanted: dict[int, set[int]] = {}
    for row in rows:
        wanted.setdefault(row["ledger_id"], set()).add(row["index"])
    return {
        (ledger_id, index): line
        for ledger_id, indexes in wanted.items()
        for index, line in lines(ledger_id, indexes).items()
    }


def _tidied(row: dict[str, Any]) -> Row:
    return {
        name: bytes(value)
        if isinstance(value, memoryview)
        else value.astimezone(dt.UTC)
        if isinstance(value, dt.datetime)
        else value
        for name, value in row.items()
    }
