"""Answers to requests that carried an Idempotency-Key, so that a repeat stores nothing twice."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from django.db import connection

from vendors.models import ApiReplay

KEPT = dt.timedelta(hours=24)


class ReusedKey(Exception):
    """The key came with another request before."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Who sent which key with what: SHA-256 of address and body, in hex."""

    user_id: int
    key: str
    request_sha256: str


def replayed(replay: Replay) -> ApiReplay | None:
    """The first answer to this key, if there is one; until the transaction ends others wait.

    Raises: ReusedKey if it was the answer to something else.
    """
    number = hashlib.sha256(f"{replay.user_id}:{replay.key}".encode()).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(number, "big", signed=True)]
        )
    kept = ApiReplay.objects.filter(user_id=replay.user_id, key=replay.key).first()
    if kept is not None and kept.request_sha256 != replay.request_sha256:
        raise ReusedKey
    return kept


def keep(replay: Replay, *, body: bytes, location: str, at: dt.datetime) -> None:
    """Note the answer that was given."""
    ApiReplay.objects.create(
        user_id=replay.user_id,
        key=replay.key,
        request_sha256=replay.request_sha256,
        body=body,
        location=location,
        created_at=at,
    )


def drop_replays(*, at: dt.datetime) -> int:
    """Forget answers older than a day. Returns: how many."""
    return ApiReplay.objects.filter(created_at__lt=at - KEPT).delete()[0]
