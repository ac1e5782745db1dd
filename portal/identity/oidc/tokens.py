"""Checks ID tokens: OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error

from portal.identity.providers import Claims, IdentityProvider

# Signed by the provider's private key. An HMAC or `none` would let others than it sign.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
LEEWAY_SECONDS = 60
REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


class TokenRefused(OAuth2Error):
    """The token is not what the provider would have given us; the text quotes nothing."""


def verified(token: str, keys: Any, *, provider: IdentityProvider, nonce: str) -> dict[str, Any]:
    """The claims of the ID token, which must answer the request that had this nonce.

    `keys` is the provider's JWK set as JSON. Raises: TokenRefused.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(token, keys),
            algorithms=ALGORITHMS,
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED},
        )
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError):
        raise TokenRefused("the ID token could not be verified") from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise TokenRefused("the ID token was made for another client")
    if not nonce or not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise TokenRefused("the ID token answers another request")
    return claims


def _key(token: str, keys: Any) -> Any:
    """The key that the token says it is signed by; one without a name fits a set of one."""
    name = jwt.get_unverified_header(token).get("kid")
    known = [key for key in jwt.PyJWKSet.from_dict(keys).keys if key.public_key_use != "enc"]
    fitting = known if name is None else [key for key in known if key.key_id == name]
    if len(fitting) != 1:
        raise jwt.InvalidKeyError
    return fitting[0]


def claims_of(
    token: Mapping[str, Any], userinfo: Mapping[str, Any], provider: IdentityProvider
) -> Claims:
    """What the signed token and the answer of `userinfo` say together; the token comes first.

    Raises: TokenRefused if they speak of different people (OpenID Connect Core 1.0, 5.3.2).
    """
    if userinfo and userinfo.get("sub") != token["sub"]:
        raise TokenRefused("userinfo is of somebody else")
    both = {**userinfo, **token}
    verified_email, at = both.get("email_verified"), token.get("auth_time")
    return Claims(
        subject=str(token["sub"]),
        email=str(both.get("email") or ""),
        # Some providers send words. Anything but a clear yes is a no.
        email_verified=None if verified_email is None else verified_email in (True, "true"),
        name=str(both.get("name") or ""),
        groups=_words(both.get(provider.groups_claim)),
        methods=_words(token.get("amr")),
        authenticated_at=float(at) if isinstance(at, int | float) else None,
    )


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, list) else ()
