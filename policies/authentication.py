"""Keys in the header Authorization: Bearer, for the API's views."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from countersign.problems import PROBLEMS
from policies.services.keyring import KeyFacts, KeyRefused, check, find_key, presented
from vendors.network import peer_of


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who calls with a key. It has no permission of a person: views ask for its scopes."""

    key: KeyFacts
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True
    pk: None = None

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return False

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        return False

    def has_scope(self, scope: str) -> bool:
        return scope in self.key.scopes


class KeyAuthentication(BaseAuthentication):
    """Lets a key's holder in; without such a header, another way of signing in is tried."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, KeyFacts] | None:
        header = request.headers.get("Authorization")
        if not header:
            return None
        try:
            caller = presented(header, peer_of(request.META))
            key = check(find_key(caller.secret_sha256), caller, at=timezone.now())
        except KeyRefused as refused:
            refusal = AuthenticationFailed if PROBLEMS[refused.code].status == 401 else _Forbidden
            raise refusal(code=refused.code) from None
        return KeyHolder(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="countersign"'


class _Forbidden(PermissionDenied):
    """A key that is known and still does not open this."""


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names it."""

    target_class = "policies.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "csk_live_..."}
