"""Notes what happened to sign-in, sessions, factors, keys and access (45 CFR 164.308(a)(5))."""

from __future__ import annotations

import datetime as dt
import re
from typing import TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from audits.models import SecurityEvent
from vendors.network import network_of

Kind, Client = SecurityEvent.Kind, SecurityEvent.Client

# What failed; all else was done.
FAILURES = frozenset(
    {
        Kind.SIGN_IN_FAILED,
        Kind.LOCKED_OUT,
        Kind.SECOND_FACTOR_FAILED,
        Kind.STEP_UP_FAILED,
        Kind.SSO_REFUSED,
        Kind.DIRECTORY_REFUSED,
    }
)
# What browsers call themselves, the particular before what they all say.
_BROWSERS = (
    ("Edg", Client.EDGE),
    ("Firefox/", Client.FIREFOX),
    ("Chrome/", Client.CHROME),
    ("Chromium/", Client.CHROME),
    ("Safari/", Client.SAFARI),
)
LONGEST_REASON = 40
_REASON = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SUBJECT = re.compile(r"[a-z]+\.[a-z]+:[0-9A-Za-z][0-9A-Za-z_-]{0,39}")


class Details(TypedDict, total=False):
    """What else is told of a security event.

    `address` is the caller's, as `vendors.network.peer_of` has it, and `agent` the header
    User-Agent: the network and one word of a list are kept. `method` is one of
    SecurityEvent.Method, `reason` a word of the caller's own, such as `idle`, and `subject` the
    object, such as `policies.grant:7`. Nothing in it was typed by anybody.
    """

    key_id: int | None
    address: str
    agent: str
    method: str
    reason: str
    subject: str


def note_security(
    kind: str,
    *,
    at: dt.datetime,
    user: AbstractBaseUser | None = None,
    by: AbstractBaseUser | None = None,
    **details: Unpack[Details],
) -> SecurityEvent:
    """Store that it happened, in a transaction, so that the ledger has it when this returns.

    `kind` is one of SecurityEvent.Kind and says whether it is a failure. `user` is whom it is
    about, None where nobody here is meant; `by` who did it, left out where that is the same.
    Raises: ValueError, which quotes nothing, for a word that is not one.
    """
    method, reason = details.get("method", ""), details.get("reason", "")
    subject = details.get("subject", "")
    if kind not in Kind.values or method not in SecurityEvent.Method.values:
        raise ValueError("The kind or the method of a security event is not one of the list.")
    if reason and not (len(reason) <= LONGEST_REASON and _REASON.fullmatch(reason)):
        raise ValueError("The reason of a security event is a word.")
    if subject and not _SUBJECT.fullmatch(subject):
        raise ValueError("The subject of a security event is written like policies.grant:7.")
    failed = kind in FAILURES
    event = SecurityEvent(
        at=at,
        kind=kind,
        outcome=SecurityEvent.Outcome.FAILURE if failed else SecurityEvent.Outcome.SUCCESS,
        user_id=user.pk if user is not None else None,
        by_id=by.pk if by is not None and (user is None or by.pk != user.pk) else None,
        key_id=details.get("key_id"),
        method=method,
        reason=reason,
        subject=subject,
        network=network_of(details.get("address", "")),
        client=client_of(details.get("agent", "")),
    )
    with transaction.atomic(savepoint=False):
        event.save(force_insert=True)
    return event


def reason_of(by: AbstractBaseUser | None) -> str:
    """Why a change has nobody's name: a directory, a provider or a command made it."""
    return "" if by is not None else "by-no-person"


def client_of(agent: str) -> str:
    """The word of the list for a header User-Agent; nothing else of it is kept."""
    if not agent:
        return Client.NONE
    if not agent.startswith("Mozilla/"):
        return Client.PROGRAM
    return next((word for mark, word in _BROWSERS if mark in agent), Client.OTHER)
