"""Personal access tokens: made, found, revoked (decision 0013); how they read: `secret_texts`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import transaction

from audits.models import SecurityEvent
from audits.services.security import note_security, reason_of
from policies.services.secret_texts import pattern_of
from portal.models import PersonalToken, User
from portal.services import bearers

PREFIX = "cst_"
TOKEN = pattern_of(PREFIX)
MOST = 20


@transaction.atomic
def issue_token(
    user: User,
    name: str,
    *,
    scopes: Collection[str],
    cidrs: Collection[str] = (),
    days: int,
    at: dt.datetime,
) -> tuple[PersonalToken, str]:
    """Make a token of a person that ends after `days` (1 to 365).

    Returns: the token, and its secret, which is stored nowhere and never to be had again.
    Raises: ValidationError.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    live = PersonalToken.objects.filter(user=user, revoked_at=None, expires_at__gt=at)
    if live.count() >= MOST:
        raise ValidationError(f"You have {MOST} tokens that work. Revoke one first.")
    known = [scope.value for scope in PersonalToken.Scope]
    token, secret = bearers.store_new(
        PersonalToken(user=user, name=name, scopes=[scope for scope in known if scope in scopes]),
        PREFIX,
        cidrs=cidrs,
        days=days,
        at=at,
    )
    about = f"portal.personaltoken:{token.pk}"
    note_security(SecurityEvent.Kind.TOKEN_MADE, at=at, user=user, subject=about)
    return token, secret


def find_token(secret: str, peer: str, *, at: dt.datetime) -> PersonalToken:
    """The token of this secret, if it works for a caller at `peer`; its person is loaded too.

    Raises: TokenRefused.
    """
    token = bearers.find(PersonalToken.objects.select_related("user"), TOKEN, secret)
    bearers.check(token, peer, bearer_works=token.user.is_active, at=at)
    return token


@transaction.atomic
def revoke_token(token: PersonalToken, *, by: User | None, at: dt.datetime) -> PersonalToken:
    """End a token, in force for the next request; `by` is None where a directory says so.

    Raises: ValidationError if it ended before.
    """
    stored = bearers.end(token, by=by, at=at)
    about = f"portal.personaltoken:{stored.pk}"
    note_security(
        SecurityEvent.Kind.TOKEN_ENDED,
        at=at,
        user=stored.user,
        by=by,
        reason=reason_of(by),
        subject=about,
    )
    return stored
