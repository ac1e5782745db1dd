"""Second factors of people: an administrator's reset, sealing anew under another key."""

from __future__ import annotations

import datetime as dt

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.identity.factor_secrets import envelope_in_use, seal, unseal
from portal.identity.recovery import HASHES
from portal.models import User
from portal.services.administrators import NotAllowed
from portal.services.sessions import end_sessions

RESET = "factors_reset"
# Where secrets lie in the data of an authenticator, by its kind: a sealed text, or several.
SECRETS = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: HASHES}


@transaction.atomic
def reset_factors(person: User, *, by: User, at: dt.datetime) -> int:
    """Remove every factor of `person`, and end their sessions.

    Returns: how many factors there were.
    Raises: NotAllowed if `by` is that person: who holds a session must not shed the factor that
    it needs, and who lost theirs holds none.
    """
    if person == by:
        raise NotAllowed("Another administrator resets yours; replace it yourself while you can.")
    return remove_factors(person, by=by, at=at)


@transaction.atomic
def remove_factors(person: User, *, by: User | None, at: dt.datetime) -> int:
    """As `reset_factors`, also for who keeps the server, when `by` is None."""
    held = list(Authenticator.objects.select_for_update().filter(user=person))
    for authenticator in held:
        authenticator.delete()
    end_sessions(person, why="factor-changed", by=by, at=at)
    return len(held)


@transaction.atomic
def reseal_all() -> int:
    """Seal again, with the key in use, what an earlier key sealed. Returns: of how many factors.

    Raises: CannotOpen if the key of one of them is not among the settings; then nothing changed.
    """
    changed = 0
    stored = Authenticator.objects.select_for_update().filter(type__in=SECRETS).order_by("pk")
    for authenticator in stored:
        field = SECRETS[Authenticator.Type(authenticator.type)]
        before = authenticator.data[field]
        after = _resealed(before) if isinstance(before, str) else [_resealed(one) for one in before]
        if after != before:
            authenticator.data[field] = after
            authenticator.save(update_fields=["data"])
            changed += 1
    return changed


def _resealed(sealed: str) -> str:
    """The same, sealed by the key in use. Raises: CannotOpen."""
    return sealed if envelope_in_use().is_current(sealed) else seal(unseal(sealed))
