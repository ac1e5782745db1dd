"""Asking for evidence packs, and what people do with them; `packs_building` makes the files."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from audits.services.reads import Read, record_read
from evidence.models import EvidencePack, PackEvent
from evidence.pack.datasets import BY_NAME
from policies.models import Integration
from vendors.models import Vendor

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

# Without a sign of life for so long, whoever had the pack is gone.
BUILDER_SILENT = dt.timedelta(minutes=2)
QUEUE_SILENT = dt.timedelta(minutes=10)

_Kind, _State = PackEvent.Kind, EvidencePack.State


class PackBusy(Exception):
    """The pack is being built, or done, so what was asked cannot be done to it now."""


def check_period(start: dt.date, end: dt.date, *, today: dt.date) -> None:
    """Both days count. Raises: ValidationError by field for a period nobody can prove."""
    if end < start:
        raise ValidationError({"period_end": "The period ends before it begins."})
    if end > today:
        raise ValidationError({"period_end": "The period lies in the future: end it today."})


def check_scope(vendors: Collection[Vendor], integrations: Iterable[Integration]) -> None:
    """Raises: ValidationError if an integration is of a vendor that was not chosen."""
    chosen = {vendor.pk for vendor in vendors}
    if chosen and any(i.service.vendor_id not in chosen for i in integrations):
        raise ValidationError(
            {"integrations": "An integration is of a vendor that is not among those chosen."}
        )


def check_datasets(names: Collection[str]) -> None:
    """Raises: ValidationError without a dataset or for one that does not exist."""
    if not names:
        raise ValidationError({"datasets": "Choose at least one dataset."})
    if set(names) - set(BY_NAME):
        raise ValidationError({"datasets": "There is no such dataset."})


@transaction.atomic
def ask_pack(  # noqa: PLR0913 - what a person fills in
    *,
    title: str,
    period: tuple[dt.date, dt.date],
    vendors: Collection[Vendor] = (),
    integrations: Collection[Integration] = (),
    datasets: Collection[str] = tuple(BY_NAME),
    by: User,
    at: dt.datetime,
    today: dt.date,
) -> EvidencePack:
    """Note down that somebody wants a pack of `period`, whose first and last day count.

    Raises: ValidationError by field if the period, the scope or the datasets make no sense.
    """
    start, end = period
    check_period(start, end, today=today)
    check_scope(vendors, integrations)
    check_datasets(datasets)
    pack = EvidencePack.objects.create(
        title=title,
        period_start=start,
        period_end=end,
        datasets=[name for name in BY_NAME if name in datasets],
        requested_by=by,
        requested_at=at,
        as_of=at,
        heartbeat_at=at,
    )
    pack.vendors.set(vendors)
    pack.integrations.set(integrations)
    _note(pack, _Kind.ASKED, by=by, at=at)
    return pack


def is_silent(pack: EvidencePack, at: dt.datetime) -> bool:
    """Whether the pack should be moving at the moment `at` but nothing is heard of its worker."""
    patience = {_State.QUEUED: QUEUE_SILENT, _State.BUILDING: BUILDER_SILENT}.get(
        _State(pack.state)
    )
    heard = pack.heartbeat_at or pack.requested_at
    return patience is not None and heard + patience < at


def can_retry(pack: EvidencePack, at: dt.datetime) -> bool:
    return pack.state in {_State.FAILED, _State.CANCELLED} or is_silent(pack, at)


@transaction.atomic
def cancel_pack(pack: EvidencePack, *, by: User, at: dt.datetime) -> EvidencePack:
    """Stop a pack that waits or is being built; its builder looks between batches of rows.

    Raises: PackBusy if there is nothing left to stop.
    """
    pack = EvidencePack.objects.select_for_update().get(pk=pack.pk)
    if pack.state not in {_State.QUEUED, _State.BUILDING}:
        raise PackBusy
    pack.state = _State.CANCELLED
    pack.finished_at = at
    pack.save(update_fields=["state", "finished_at"])
    _note(pack, _Kind.CANCELLED, by=by, at=at)
    return pack


@transaction.atomic
def retry_pack(pack: EvidencePack, *, by: User, at: dt.datetime) -> EvidencePack:
    """Queue a pack again that failed, was cancelled, or whose worker has gone.

    The new attempt has a number of its own, so that a worker that was only slow stops.
    Raises: PackBusy if it is on its way or done.
    """
    pack = EvidencePack.objects.select_for_update().get(pk=pack.pk)
    if not can_retry(pack, at):
        raise PackBusy
    pack.state = _State.QUEUED
    pack.attempt += 1
    pack.step, pack.failure = "", ""
    pack.done = pack.total = 0
    pack.heartbeat_at, pack.finished_at = at, None
    pack.save()
    _note(pack, _Kind.RETRIED, by=by, at=at)
    return pack


@transaction.atomic
def record_download(pack: EvidencePack, *, by: User, at: dt.datetime) -> None:
    """Note down who fetched which bytes, among the pack's events and among reads of records."""
    _note(pack, _Kind.DOWNLOADED, by=by, at=at)
    read = Read("download", "evidence.evidencepack", row_count=1, subject_id=str(pack.pk))
    record_read(read, by=by, at=at)


def file_name(pack: EvidencePack) -> str:
    """The name a ready pack is downloaded by; it says that nobody signed it."""
    return PurePosixPath(pack.file.name or "").name


def contents(pack: EvidencePack) -> dict[str, Any] | None:
    """The index that lies in a ready pack; None if there is no pack or no file."""
    if pack.state != _State.READY:
        return None
    folder = file_name(pack).removesuffix(".zip")
    try:
        with pack.file.open("rb") as file, zipfile.ZipFile(file) as archive:
            index: dict[str, Any] = json.loads(archive.read(f"{folder}/data/index.json"))
    except (FileNotFoundError, zipfile.BadZipFile, KeyError):
        return None
    return index


def _note(pack: EvidencePack, kind: PackEvent.Kind, *, by: User, at: dt.datetime) -> None:
    PackEvent.objects.create(pack=pack, kind=kind, sha256=pack.sha256, actor=by, at=at)
