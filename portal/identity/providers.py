"""Identity providers as the operator configured them, and what they say of a person; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One provider. What belongs to the other kind is empty."""

    kind: str  # oidc or saml
    slug: str
    name: str
    # Whose people it may name; an address elsewhere is refused whatever it says of it.
    domains: tuple[str, ...]
    role_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups_claim: str = "groups"
    # Values of `amr` or of the AuthnContext that say that a second factor was asked for.
    trusts_mfa: frozenset[str] = frozenset()
    creates_people: bool = False
    # Takes an address of its domains for verified though the provider does not say so.
    email_without_claim: bool = False
    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    scopes: tuple[str, ...] = ()
    entity_id: str = ""
    sso_url: str = ""
    certificates: tuple[str, ...] = ()

    @property
    def authority(self) -> str:
        """Who asserts: the issuer of tokens, or the entity that signs assertions."""
        return self.issuer or self.entity_id

    @property
    def governed(self) -> frozenset[str]:
        """The roles that this provider gives and takes; all others are the portal's."""
        return frozenset(role for roles in self.role_groups.values() for role in roles)

    def roles(self, groups: Collection[str]) -> frozenset[str]:
        """The roles that these groups of the provider give."""
        return frozenset(role for group in groups for role in self.role_groups.get(group, ()))

    def trusted_email(self, claims: Claims) -> str:
        """The address by which the person may be found, in lower case; empty if by none.

        The domain has to be one of the provider's, and the address verified: SAML and some OpenID
        providers say nothing of that, so that the operator may say it for them; a provider that
        says no is believed. Letters beyond ASCII are refused: some become others in lower case.
        """
        local, at, domain = claims.email.lower().rpartition("@")
        if not (local and at and claims.email.isascii() and domain in self.domains):
            return ""
        verified = claims.email_verified
        if verified is None:
            verified = self.email_without_claim
        return f"{local}@{domain}" if verified else ""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider asserted of a person, after every signature and limit was checked."""

    subject: str
    email: str
    email_verified: bool | None
    name: str
    groups: tuple[str, ...]
    # How the person signed in there: `amr`, or the classes of the AuthnContext.
    methods: tuple[str, ...]
    # When they did, in seconds since 1970; None if the provider does not say.
    authenticated_at: float | None

    def uid(self, authority: str) -> str:
        """The name of the person at this authority, for good.

        The authority is in it: another one put under the same slug knows nobody of the first.
        """
        return hashlib.sha256(f"{authority}\n{self.subject}".encode()).hexdigest()
