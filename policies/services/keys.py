"""Keys of integrations: how they are made, rotated and revoked.

How a key is written, the client knows too: `countersign.keytext`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from policies.models import Integration, IntegrationKey
from policies.services.lifecycle import activate
from policies.services.secret_texts import LONGEST, hash_secret, new_public_id, new_secret
from policies.services.trail import FINAL, Kind, Refused, State, locked, note_event
from vendors.network import NOT_A_NETWORK, plain_networks

if TYPE_CHECKING:
    from policies.services.trail import Person

LONGEST_GRACE_HOURS = 72


def make_secret(public_id: str, *, livemode: bool) -> str:
    """A new key for this public id."""
    return new_secret("csk_live_" if livemode else "csk_test_", public_id)


def _networks(cidrs: Iterable[str]) -> list[str]:
    """Networks in their plain form. Raises: Refused for what is none."""
    try:
        return plain_networks(cidrs)
    except ValueError:
        raise Refused(NOT_A_NETWORK) from None


def _checked_scopes(scopes: Collection[str]) -> list[str]:
    known = [scope.value for scope in IntegrationKey.Scope]
    if not scopes or not set(scopes) <= set(known):
        raise Refused("Choose at least one scope from the list.")
    return [scope for scope in known if scope in scopes]


def _usable_here(integration: Integration, *, livemode: bool) -> None:
    if integration.state in FINAL:
        raise Refused(f"It is {integration.get_state_display().lower()}: it gets no key.")
    if livemode and integration.state not in (State.APPROVED, State.ACTIVE):
        raise Refused("A live key is made once the integration is approved; test keys before.")


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key is to be; `expires_at` a year ahead at most, and that if left out."""

    name: str
    livemode: bool = True
    scopes: tuple[str, ...] = (
        IntegrationKey.Scope.CALLS_WRITE.value,
        IntegrationKey.Scope.BUNDLE_READ.value,
    )
    cidrs: tuple[str, ...] = ()
    expires_at: dt.datetime | None = None


@transaction.atomic
def issue_key(
    integration: Integration, terms: KeyTerms, *, by: Person | None, at: dt.datetime
) -> tuple[IntegrationKey, str]:
    """Make a key; the first live one of an approved integration sets it to work.

    Returns: the key, and its secret, which is stored nowhere and never to be had again.
    Raises: Refused with a sentence for the person.
    """
    integration = locked(integration)
    _usable_here(integration, livemode=terms.livemode)
    if not terms.name.strip():
        raise Refused("Name the key after where it will be used.")
    expires_at = terms.expires_at or at + LONGEST
    if not at < expires_at <= at + LONGEST:
        raise Refused("A key ends after today and within a year.")
    key, secret = _store(
        IntegrationKey(
            integration=integration,
            name=terms.name.strip()[:80],
            livemode=terms.livemode,
            scopes=_checked_scopes(terms.scopes),
            cidrs=_networks(terms.cidrs),
            created_by_id=by.pk if by else None,
            created_at=at,
            expires_at=expires_at,
        )
    )
    note_event(integration, Kind.KEY_ISSUED, by=by, at=at, note=str(key))
    if terms.livemode and integration.state == State.APPROVED:
        activate(integration, by=by, at=at)
    return key, secret


def _store(key: IntegrationKey) -> tuple[IntegrationKey, str]:
    key.public_id = new_public_id()
    secret = make_secret(key.public_id, livemode=key.livemode)
    key.secret_sha256 = hash_secret(secret)
    key.full_clean(exclude=["created_by"])
    key.save()
    return key, secret


@transaction.atomic
def rotate_key(
    key: IntegrationKey, *, by: Person | None, at: dt.datetime, grace_hours: int = 24
) -> tuple[IntegrationKey, str]:
    """Make a key that replaces this one, which ends `grace_hours` (0 to 72) after `at`.

    The new one has the same name, mode, scopes and networks, and lasts as long as the old one did.
    Raises: Refused if the key ended or was replaced already.
    """
    if not 0 <= grace_hours <= LONGEST_GRACE_HOURS:
        raise Refused(f"Both keys work for {LONGEST_GRACE_HOURS} hours at most.")
    integration = locked(key.integration)
    key = IntegrationKey.objects.select_for_update().get(pk=key.pk)
    _usable_here(integration, livemode=key.livemode)
    if not key.usable_at(at):
        raise Refused("This key has ended: make a new one.")
    if IntegrationKey.objects.filter(replaces=key).exists():
        raise Refused("This key was replaced already.")
    made, secret = _store(
        IntegrationKey(
            integration=integration,
            name=key.name,
            livemode=key.livemode,
            scopes=key.scopes,
            cidrs=key.cidrs,
            replaces=key,
            created_by_id=by.pk if by else None,
            created_at=at,
            expires_at=at + min(key.expires_at - key.created_at, LONGEST),
        )
    )
    # A key ends after it was made: one that is replaced in the same moment has a microsecond.
    least = key.created_at + dt.timedelta(microseconds=1)
    key.expires_at = max(least, min(key.expires_at, at + dt.timedelta(hours=grace_hours)))
    key.save()
    note = f"{key.public_id} by {made.public_id}, both for {grace_hours} hours"
    note_event(integration, Kind.KEY_ROTATED, by=by, at=at, note=note)
    return made, secret


@transaction.atomic
def revoke_key(key: IntegrationKey, *, by: Person | None, at: dt.datetime) -> IntegrationKey:
    """End a key at once, in force for the next record. Raises: Refused if it ended before."""
    integration = locked(key.integration)
    key = IntegrationKey.objects.select_for_update().get(pk=key.pk)
    if key.revoked_at is not None:
        raise Refused("This key was revoked already.")
    key.revoked_at, key.revoked_by_id = at, by.pk if by else None
    key.save()
    note_event(integration, Kind.KEY_REVOKED, by=by, at=at, note=str(key))
    return key
