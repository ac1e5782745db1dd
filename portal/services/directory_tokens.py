"""Directories and the tokens by which they sign in: made, found, ended (decision 0030)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import transaction

from audits.models import SecurityEvent
from audits.services.security import note_security
from policies.services.secret_texts import pattern_of
from portal.models import Directory, DirectoryGroup, DirectoryPerson, DirectoryToken, User
from portal.services import bearers

PREFIX = "csd_"
TOKEN = pattern_of(PREFIX)
# One in use and the next one, while the directory is told of it.
MOST = 2


@transaction.atomic
def make_directory(
    name: str, *, kind: str, invites: bool = False, by: User, at: dt.datetime
) -> Directory:
    """Make a directory, which can do nothing before it has a token. Raises: ValidationError."""
    directory = Directory(name=name, kind=kind, invites=invites, created_by=by, created_at=at)
    directory.full_clean()
    directory.save()
    return directory


@transaction.atomic
def issue_token(
    directory: Directory, *, cidrs: Collection[str] = (), days: int, by: User, at: dt.datetime
) -> tuple[DirectoryToken, str]:
    """Make a token of a directory that ends after `days` (1 to 365).

    Returns: the token, and its secret, which is stored nowhere and never to be had again.
    Raises: ValidationError.
    """
    directory = Directory.objects.select_for_update(no_key=True).get(pk=directory.pk)
    if directory.ended_at is not None:
        raise ValidationError("This directory has ended: make another one.")
    if directory.tokens.filter(revoked_at=None, expires_at__gt=at).count() >= MOST:
        raise ValidationError(f"It has {MOST} tokens that work. End one first.")
    token, secret = bearers.store_new(
        DirectoryToken(directory=directory, created_by=by), PREFIX, cidrs=cidrs, days=days, at=at
    )
    _tell(token, "made", by, at)
    return token, secret


def find_token(secret: str, peer: str, *, at: dt.datetime) -> DirectoryToken:
    """The token of this secret, if it works for a caller at `peer`; its directory is loaded too.

    Raises: TokenRefused.
    """
    token = bearers.find(DirectoryToken.objects.select_related("directory"), TOKEN, secret)
    bearers.check(token, peer, bearer_works=token.directory.ended_at is None, at=at)
    return token


@transaction.atomic
def end_token(token: DirectoryToken, *, by: User, at: dt.datetime) -> DirectoryToken:
    """End a token, in force for the next request. Raises: ValidationError if it ended before."""
    stored = bearers.end(token, by=by, at=at)
    _tell(stored, "ended", by, at)
    return stored


def _tell(token: DirectoryToken, reason: str, by: User, at: dt.datetime) -> None:
    about = f"portal.directorytoken:{token.pk}"
    note_security(SecurityEvent.Kind.DIRECTORY_TOKEN, at=at, by=by, reason=reason, subject=about)


@transaction.atomic
def end_directory(directory: Directory, *, by: User, at: dt.datetime) -> Directory:
    """End a directory with its tokens; the people it made stay as they are.

    From then on their accounts are kept here, or by another directory.
    Raises: ValidationError if it ended before.
    """
    stored = Directory.objects.select_for_update(of=("self",)).get(pk=directory.pk)
    if stored.ended_at is not None:
        raise ValidationError("This directory was ended already.")
    stored.ended_at, stored.ended_by = at, by
    stored.save()
    for token in stored.tokens.filter(revoked_at=None):
        end_token(token, by=by, at=at)
    DirectoryPerson.objects.filter(directory=stored, deleted_at=None).update(deleted_at=at)
    DirectoryGroup.objects.filter(directory=stored, deleted_at=None).update(deleted_at=at)
    return stored
