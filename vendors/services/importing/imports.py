"""The life of an import: uploaded, mapped, checked, confirmed, applied; then its file goes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from vendors.imports.kinds import KINDS
from vendors.imports.planning import Fault, Kind, Line, Outcome, Plan, digest_of, plan, propose
from vendors.models import ImportFile, RegisterImport, Service, Vendor
from vendors.services.importing.known import known
from vendors.services.importing.storing import Storing, row_of, store
from vendors.services.saving import raise_epoch_at_commit, save_checked
from vendors.sheets import Table, read_table

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

State = RegisterImport.State
CHANGED_SINCE = (
    "The register has changed since you looked, in what these lines touch. "
    "Look again, then confirm."
)
HAS_ERRORS = "Lines with errors cannot be imported: correct them in your file and upload it again."
NOTHING = "Every line says what the register says already: there is nothing to import."
# A model's messages that repeat what was written.
QUOTING = {"invalid_choice", "invalid"}


class FileGone(Exception):
    """The file was dropped; upload it again."""


def begin(kind: str, name: str, content: bytes, *, by: User, at: dt.datetime) -> RegisterImport:
    """Keep an uploaded file as an import that nobody has confirmed, its columns proposed.

    Raises: vendors.sheets.TableRefused; nothing is kept then.
    """
    table = read_table(content)
    imported = RegisterImport(
        kind=kind,
        file_name=_shown_name(name),
        file_sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        sheet=table.sheet,
        mapping=propose(KINDS[kind], table.headings),
        created_by=by,
        created_at=at,
    )
    with transaction.atomic():
        save_checked(imported)
        ImportFile.objects.create(register_import=imported, content=content)
    return imported


def _shown_name(name: str) -> str:
    """The last part of the name a browser sent, printable, at most 200 characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(c for c in last if c.isprintable()).strip()[:200] or "file"


def table_of(imported: RegisterImport, *, sheet: str = "") -> Table:
    """The import's file, read again. Raises: FileGone, vendors.sheets.TableRefused."""
    try:
        content = imported.file.content
    except ImportFile.DoesNotExist:
        raise FileGone from None
    return read_table(bytes(content), sheet=sheet or imported.sheet)


def choose_columns(
    imported: RegisterImport, mapping: Mapping[str, int], *, sheet: str
) -> RegisterImport:
    """Which column of the file stands for which of ours.

    Raises: ValidationError if the import is confirmed already.
    """
    with transaction.atomic():
        stored = _locked(imported)
        if stored.state != State.DRAFT:
            raise ValidationError("This import is confirmed or discarded.")
        stored.mapping, stored.sheet, stored.refusal = dict(mapping), sheet, ""
        save_checked(stored)
    return stored


def _locked(imported: RegisterImport) -> RegisterImport:
    return RegisterImport.objects.select_for_update().get(pk=imported.pk)


def plan_of(imported: RegisterImport, table: Table, *, on: dt.date) -> Plan:
    """What the import would do to the register as it stands on the day `on`."""
    kind = KINDS[imported.kind]
    made = plan(kind, table.rows, imported.mapping, known(kind, on))
    storing = Storing.of(made, by=imported.created_by, on=on)
    lines = tuple(_by_the_model(kind, line, storing) for line in made.lines)
    return Plan(lines, digest_of(lines)) if lines != made.lines else made


def _by_the_model(kind: Kind, line: Line, storing: Storing) -> Line:
    """The line, refused if its new row breaks a rule of its model that needs no other row."""
    if line.outcome != Outcome.NEW:
        return line
    row = row_of(kind.code, line, storing)
    # What it refers to was looked up already; its model would ask the database for each row.
    left_out = {f.name for f in row._meta.fields if f.is_relation or f.name not in line.given}
    try:
        row.clean_fields(exclude=left_out)
        row.clean()
    except ValidationError as refused:
        return replace(line, outcome=Outcome.ERROR, values={}, faults=_faults(kind, refused))
    return line


def _faults(kind: Kind, refused: ValidationError) -> tuple[Fault, ...]:
    headings = {column.name: column.heading for column in kind.columns}
    if not hasattr(refused, "error_dict"):
        return tuple(Fault("", _plain(error)) for error in refused.error_list)
    return tuple(
        Fault(headings.get(name, ""), _plain(error))
        for name, errors in refused.error_dict.items()
        for error in errors
    )


def _plain(error: ValidationError) -> str:
    """The message, unless it may repeat what was written."""
    if error.code in QUOTING and error.params:
        return "Does not have the form it must have."
    return " ".join(error.messages)


def confirm(
    imported: RegisterImport, seen: str, *, by: User, at: dt.datetime, on: dt.date
) -> RegisterImport:
    """Take the import as the person saw it: `seen` is the digest of that plan.

    A worker applies it. Raises: ValidationError, FileGone, vendors.sheets.TableRefused.
    """
    made = plan_of(imported, table_of(imported), on=on)
    with transaction.atomic():
        stored = _locked(imported)
        if stored.state != State.DRAFT or stored.created_by_id != by.pk:
            raise ValidationError("Only who uploaded an import confirms it, and once.")
        counts = made.counts()
        if made.digest != seen:
            raise ValidationError(CHANGED_SINCE)
        if counts[Outcome.ERROR]:
            raise ValidationError(HAS_ERRORS)
        if not counts[Outcome.NEW] + counts[Outcome.CHANGED]:
            raise ValidationError(NOTHING)
        stored.state, stored.confirmed_at, stored.refusal = State.APPLYING, at, ""
        stored.plan_sha256, stored.counts = made.digest, counts
        save_checked(stored)
    return stored


def apply(
    pk: int, *, at: dt.datetime, on: dt.date, told: Callable[[int], None] = lambda _: None
) -> RegisterImport:
    """Store a confirmed import, all of it or nothing; safe to repeat.

    What is refused goes back to its author with the reason. `told` gets the number of lines stored
    so far, now and then.
    """
    try:
        with transaction.atomic():
            stored = RegisterImport.objects.select_for_update(of=("self",)).get(pk=pk)
            if stored.state != State.APPLYING:
                return stored
            raise_epoch_at_commit()
            stored.touched = _store_all(stored, on=on, told=told)
            stored.state, stored.finished_at = State.APPLIED, at
            save_checked(stored)
            return stored
    except _Refused as refused:
        return _sent_back(pk, refused.message)


class _Refused(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _sent_back(pk: int, message: str) -> RegisterImport:
    with transaction.atomic():
        stored = RegisterImport.objects.select_for_update().get(pk=pk)
        stored.state, stored.refusal, stored.confirmed_at = State.DRAFT, message[:400], None
        save_checked(stored)
    return stored


def _store_all(
    imported: RegisterImport, *, on: dt.date, told: Callable[[int], None]
) -> list[list[object]]:
    """Id, name and outcome of each row stored. Raises: _Refused."""
    try:
        table = table_of(imported)
    except FileGone:
        raise _Refused("The file was dropped. Upload it again.") from None
    kind = KINDS[imported.kind]
    _hold_still(imported, plan(kind, table.rows, imported.mapping, known(kind, on)))
    made = plan_of(imported, table, on=on)
    if made.digest != imported.plan_sha256:
        raise _Refused(CHANGED_SINCE)
    storing = Storing.of(made, by=imported.created_by, on=on)
    touched: list[list[object]] = []
    for line in made.of(Outcome.NEW, Outcome.CHANGED):
        try:
            pk = store(imported.kind, line, storing)
        except ValidationError as refused:
            said = "; ".join(fault.message for fault in _faults(KINDS[imported.kind], refused))
            raise _Refused(f"Line {line.number}: {said} Nothing was stored.") from None
        touched.append([pk, line.name, line.outcome])
        if len(touched) % 50 == 0:
            told(len(touched))
    return touched


def _hold_still(imported: RegisterImport, made: Plan) -> None:
    """Until the end of the transaction let nobody change what the plan touches."""
    lines = made.of(Outcome.NEW, Outcome.CHANGED)
    targets = [line.target for line in lines if line.target is not None]
    slugs = {str(line.given["vendor"]) for line in lines if "vendor" in line.given}
    held: dict[str, list[QuerySet[Any]]] = {
        "vendors": [Vendor.objects.filter(pk__in=targets)],
        "services": [
            Vendor.objects.filter(slug__in=slugs),
            Service.objects.filter(pk__in=targets),
        ],
    }
    for rows in held.get(imported.kind, [Vendor.objects.filter(slug__in=slugs)]):
        list(rows.select_for_update(no_key=True).order_by("pk").values("pk"))


def discard(imported: RegisterImport, *, by: User, at: dt.datetime) -> RegisterImport:
    """Give up an import that nobody confirmed; its file goes at once. Raises: ValidationError."""
    with transaction.atomic():
        stored = _locked(imported)
        if stored.state != State.DRAFT or stored.created_by_id != by.pk:
            raise ValidationError("Only who uploaded an import discards it, before it is applied.")
        ImportFile.objects.filter(register_import=stored).delete()
        stored.state, stored.finished_at = State.DISCARDED, at
        save_checked(stored)
    return stored


def drop_files(*, at: dt.datetime, days: int) -> int:
    """Drop the files of imports that are `days` old; those never confirmed count as discarded.

    Returns: how many files went.
    """
    old = RegisterImport.objects.filter(
        created_at__lt=at - dt.timedelta(days=days), file__isnull=False
    ).exclude(state=State.APPLYING)
    dropped = 0
    for imported in old.order_by("pk"):
        with transaction.atomic():
            stored = _locked(imported)
            dropped += ImportFile.objects.filter(register_import=stored).delete()[0]
            if stored.state == State.DRAFT:
                stored.state, stored.finished_at = State.DISCARDED, at
                save_checked(stored)
    return dropped
