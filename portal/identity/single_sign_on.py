"""Settings of single sign-on: OpenID Connect and SAML (decision 0028).

One provider of each kind comes from OIDC_* and SAML_*; more, or several of a kind, from
SSO_PROVIDERS, a JSON list whose entries have the same words in lower case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from policies.roles import ROLES
from portal.identity.providers import IdentityProvider
from portal.identity.saml_metadata import MetadataUnreadable, read_metadata

# The words of an entry of SSO_PROVIDERS.
WORDS = {
    "kind",
    "slug",
    "name",
    "domains",
    "role_groups",
    "groups_claim",
    "trusts_mfa",
    "creates_people",
    "email_without_claim",
    "issuer",
    "client_id",
    "client_secret",
    "scopes",
    "metadata",
    "entity_id",
    "sso_url",
    "certificates",
}


def single_sign_on(env: environ.Env) -> dict[str, Any]:
    """allauth's settings of identity providers, from the environment; no app without any.

    Raises: ImproperlyConfigured with what to set.
    """
    providers = {}
    for entry in [*_listed(env), *_single(env)]:
        provider = _provider({**_shared(env), **entry})
        if provider.slug in providers:
            raise ImproperlyConfigured("SSO_PROVIDERS: two providers have the same slug.")
        providers[provider.slug] = provider
    by_password = env.bool("PASSWORD_SIGN_IN", default=True)
    if not by_password and not providers:
        raise ImproperlyConfigured(
            "PASSWORD_SIGN_IN is off and no provider is set: nobody could sign in. "
            "Set OIDC_ISSUER, SAML_METADATA or SSO_PROVIDERS."
        )
    return {
        "PASSWORD_SIGN_IN": by_password,
        "IDENTITY_PROVIDERS": providers,
        "SOCIALACCOUNT_ADAPTER": "portal.identity.social.SocialAdapter",
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "SOCIALACCOUNT_QUERY_EMAIL": False,
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": False,  # portal/identity/people.py decides who it is
        "SOCIALACCOUNT_PROVIDERS": {
            "openid_connect": {
                "provider_class": "portal.identity.oidc.provider.OpenIDProvider",
                "OAUTH_PKCE_ENABLED": True,
                "APPS": [_oidc_app(each) for each in providers.values() if each.kind == "oidc"],
            },
            "saml": {
                "provider_class": "portal.identity.saml.provider.SAMLProvider",
                "APPS": [
                    {"name": each.name, "client_id": each.slug, "provider_id": each.slug}
                    for each in providers.values()
                    if each.kind == "saml"
                ],
            },
        },
    }


def _oidc_app(provider: IdentityProvider) -> dict[str, Any]:
    return {
        "name": provider.name,
        "provider_id": provider.slug,
        "client_id": provider.client_id,
        "secret": provider.client_secret,
        "settings": {"server_url": provider.issuer, "scope": list(provider.scopes)},
    }


def _shared(env: environ.Env) -> dict[str, Any]:
    """What holds for each provider that does not say otherwise."""
    return {
        "domains": env.list("SSO_DOMAINS", default=[]),
        "role_groups": _json(env.str("SSO_ROLE_GROUPS", default="") or "{}", "SSO_ROLE_GROUPS"),
        "groups_claim": env.str("SSO_GROUPS_CLAIM", default="groups"),
        "trusts_mfa": env.list("SSO_TRUSTS_MFA", default=[]),
        "creates_people": env.bool("SSO_CREATE_PEOPLE", default=False),
        "email_without_claim": env.bool("SSO_EMAIL_WITHOUT_CLAIM", default=False),
    }


def _listed(env: environ.Env) -> list[dict[str, Any]]:
    found = _json(env.str("SSO_PROVIDERS", default="") or "[]", "SSO_PROVIDERS")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ImproperlyConfigured("SSO_PROVIDERS is a JSON list of objects.")
    if unknown := {word for each in found for word in each} - WORDS:
        raise ImproperlyConfigured(f"SSO_PROVIDERS does not know {', '.join(sorted(unknown))}.")
    return found


def _single(env: environ.Env) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if issuer := env.str("OIDC_ISSUER", default=""):
        found.append(
            {
                "kind": "oidc",
                "slug": "oidc",
                "name": env.str("OIDC_NAME", default="Single sign-on"),
                "issuer": issuer,
                "client_id": env.str("OIDC_CLIENT_ID", default=""),
                "client_secret": env.str("OIDC_CLIENT_SECRET", default=""),
                "scopes": env.list("OIDC_SCOPES", default=["openid", "profile", "email"]),
            }
        )
    if metadata := env.str("SAML_METADATA", default=""):
        name = env.str("SAML_NAME", default="Single sign-on")
        found.append({"kind": "saml", "slug": "saml", "name": name, "metadata": metadata})
    return found


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not JSON.") from None


def _provider(entry: Mapping[str, Any]) -> IdentityProvider:
    slug, kind = str(entry.get("slug", "")), entry.get("kind")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", slug):
        raise ImproperlyConfigured("SSO_PROVIDERS: a slug is of small letters, digits and dashes.")
    needed = {"oidc": ("issuer", "client_id", "client_secret"), "saml": ()}.get(str(kind))
    if needed is None:
        raise ImproperlyConfigured(f"Provider {slug}: its kind is oidc or saml.")
    if missing := [word for word in needed if not entry.get(word)]:
        raise ImproperlyConfigured(f"Provider {slug}: {' and '.join(missing)} is not set.")
    domains = tuple(str(each).strip().lower() for each in entry["domains"])
    if not domains or not all(re.fullmatch(r"[a-z0-9.-]+\.[a-z0-9-]+", each) for each in domains):
        raise ImproperlyConfigured(
            f"Provider {slug}: name the domains whose people it speaks for in SSO_DOMAINS, "
            "such as example.com."
        )
    return IdentityProvider(
        kind=str(kind),
        slug=slug,
        name=str(entry.get("name") or slug),
        domains=domains,
        role_groups=_role_groups(entry["role_groups"], slug),
        groups_claim=str(entry["groups_claim"]),
        trusts_mfa=frozenset(map(str, entry["trusts_mfa"])),
        creates_people=bool(entry["creates_people"]),
        email_without_claim=bool(entry["email_without_claim"]),
        issuer=str(entry.get("issuer", "")),
        client_id=str(entry.get("client_id", "")),
        client_secret=str(entry.get("client_secret", "")),
        scopes=tuple(entry.get("scopes") or ("openid", "profile", "email")),
        **(_saml(entry, slug) if kind == "saml" else {}),
    )


def _role_groups(mapping: Any, slug: str) -> dict[str, tuple[str, ...]]:
    """Roles by the group of the provider that gives them."""
    if not isinstance(mapping, dict):
        raise ImproperlyConfigured(f"Provider {slug}: SSO_ROLE_GROUPS is a JSON object.")
    found = {
        str(group): tuple([roles] if isinstance(roles, str) else roles)
        for group, roles in mapping.items()
    }
    if unknown := {role for roles in found.values() for role in roles} - set(ROLES):
        raise ImproperlyConfigured(f"Provider {slug}: no such role: {', '.join(sorted(unknown))}.")
    return found


def _saml(entry: Mapping[str, Any], slug: str) -> dict[str, Any]:
    if entry.get("metadata"):
        try:
            return read_metadata(str(entry["metadata"]))
        except MetadataUnreadable as error:
            raise ImproperlyConfigured(f"Provider {slug}: {error}.") from None
    if not all(entry.get(word) for word in ("entity_id", "sso_url", "certificates")):
        raise ImproperlyConfigured(
            f"Provider {slug}: set metadata, or entity_id, sso_url and certificates."
        )
    return {
        "entity_id": str(entry["entity_id"]),
        "sso_url": str(entry["sso_url"]),
        "certificates": tuple(map(str, entry["certificates"])),
    }
