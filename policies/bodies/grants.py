"""Grants as programs ask for them and decide on them, and as they are told of them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from policies.models import Grant
from policies.models.people import HOLDER
from vendors.bodies.reading import Reader
from vendors.bodies.register import LINE, MAYBE_LINE, Slug

Holder: TypeAlias = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{HOLDER})?\Z",
        description="E-mail address, kind:id as calls carry it, or group:slug; empty: yourself.",
    ),
]
Sentence: TypeAlias = Annotated[str, Meta(pattern=LINE, max_length=300)]
MaybeSentence: TypeAlias = Annotated[str, Meta(pattern=MAYBE_LINE, max_length=300)]
Permission: TypeAlias = Literal["send_prompt", "view_output", "read_log"]
LastDay: TypeAlias = Annotated[dt.date, Meta(description="Last day on which it holds.")]


class GrantBody(msgspec.Struct, forbid_unknown_fields=True):
    """A grant that is asked for."""

    integration: Slug
    permission: Permission
    purpose: Sentence
    last_day: LastDay
    holder: Holder = ""


class ApprovalBody(msgspec.Struct, forbid_unknown_fields=True):
    """An approval; `last_day` may be earlier than what was asked for."""

    note: MaybeSentence = ""
    last_day: dt.date | None = None


class RefusalBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why a request is refused."""

    note: Sentence


class WithdrawalBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why a grant ends before its time."""

    note: MaybeSentence = ""


class GrantAnswer(msgspec.Struct):
    """A grant or a request; moments in UTC, `ends_at` the first on which it does not hold."""

    id: int
    integration: str
    permission: str
    holder: str
    kind: str
    state: str
    purpose: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    asked_by: str | None
    asked_at: dt.datetime
    decided_by: str | None
    decided_at: dt.datetime | None
    note: str
    ended_by: str | None
    ended_at: dt.datetime | None
    end_note: str


class GrantList(msgspec.Struct):
    grants: list[GrantAnswer]


READER = Reader((GrantBody, ApprovalBody, RefusalBody, WithdrawalBody))


def grant_answer(grant: Grant) -> GrantAnswer:
    """A grant, read with its integration, holder and people."""
    group, principal = grant.group, grant.principal
    return GrantAnswer(
        id=grant.pk,
        integration=grant.integration.slug,
        permission=grant.permission,
        holder=f"group:{group.slug}" if group else principal.actor if principal else "",
        kind=grant.kind,
        state=grant.state,
        purpose=grant.purpose,
        starts_at=grant.starts_at,
        ends_at=grant.ends_at,
        asked_by=grant.asked_by.email if grant.asked_by else None,
        asked_at=grant.asked_at,
        decided_by=grant.decided_by.email if grant.decided_by else None,
        decided_at=grant.decided_at,
        note=grant.note,
        ended_by=grant.ended_by.email if grant.ended_by else None,
        ended_at=grant.ended_at,
        end_note=grant.end_note,
    )
