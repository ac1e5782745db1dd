"""Whose account a provider's claims open, and which roles its groups give."""

from __future__ import annotations

import datetime as dt

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import transaction

from portal.identity.providers import Claims, IdentityProvider
from portal.identity.refusals import Refusal, Refused
from portal.models import User
from portal.services import people


@transaction.atomic
def open_account(provider: IdentityProvider, claims: Claims, *, at: dt.datetime) -> SocialAccount:
    """The link between the person and the provider, whose account may be opened now.

    Known by the provider's own name for them, or the first time by an address that the provider
    may speak for.
    Raises: Refused.
    """
    uid = claims.uid(provider.authority)
    link = SocialAccount.objects.filter(provider=provider.slug, uid=uid).first()
    if link is None:
        link = SocialAccount(provider=provider.slug, uid=uid, user=_found(provider, claims, at=at))
    if not link.user.is_active:
        raise Refused(Refusal.INACTIVE, link.user)
    if link.pk is None:
        link.save()
    return link


def _found(provider: IdentityProvider, claims: Claims, *, at: dt.datetime) -> User:
    """The person with the address, made if the provider may make people. Raises: Refused."""
    email = provider.trusted_email(claims)
    if not email:
        raise Refused(Refusal.EMAIL)
    # Exactly: what the database takes for the same letter, another system may not.
    person = User.objects.filter(email=email).first()
    if person is not None:
        return person
    if not provider.creates_people:
        raise Refused(Refusal.NOBODY)
    roles = provider.roles(claims.groups)
    if not roles:
        raise Refused(Refusal.NO_ROLE)
    try:
        return people.add_person(email, full_name=claims.name[:120], roles=roles, at=at)
    except people.NotAllowed:
        raise Refused(Refusal.ROLES) from None
    except ValidationError:
        raise Refused(Refusal.EMAIL) from None


def settle_roles(
    person: User, provider: IdentityProvider, claims: Claims, *, at: dt.datetime
) -> bool:
    """Give and take the roles that the provider governs. Roles of the portal's own stay.

    Returns: whether any changed.
    Raises: Refused if the person is left without any role (which stays so), or if the roles may not
    stand so (which changes nothing).
    """
    held = set(person.groups.values_list("name", flat=True))
    wanted = (held - provider.governed) | provider.roles(claims.groups)
    try:
        changed = people.set_roles(person, wanted, by=None, at=at)
    except people.NotAllowed:
        raise Refused(Refusal.ROLES, person) from None
    if not wanted:
        raise Refused(Refusal.NO_ROLE, person)
    return changed
