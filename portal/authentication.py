"""Personal access tokens in the header Authorization: Bearer, and what they open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from audits.api.limits import BUCKETS
from countersign.problems import PROBLEMS
from portal.history import name_actor
from portal.models import PersonalToken, User
from portal.services.bearers import TokenRefused, note_use
from portal.services.tokens import PREFIX, find_token
from vendors.network import peer_of

if TYPE_CHECKING:
    # The views read their settings, and so import this module.
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """Lets a person's script in; without such a token, another way of signing in is tried."""

    def authenticate(self, request: Request) -> tuple[User, PersonalToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.startswith(PREFIX):
            return None
        at = timezone.now()
        try:
            token = find_token(secret, peer_of(request.META), at=at)
        except TokenRefused as refused:
            refusal = AuthenticationFailed if PROBLEMS[refused.code].status == 401 else _Forbidden
            raise refusal(code=refused.code) from None
        note_use(token, at=at)
        name_actor(token.user)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="countersign"'


class _Forbidden(PermissionDenied):
    """A token that is known and still does not open this."""


class TokenScope(BasePermission):
    """A token opens what its scopes name: a view without `token_scopes` is closed to it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, PersonalToken):
            return True
        method = "GET" if request.method == "HEAD" else str(request.method)
        if not hasattr(view, method.lower()):
            return True  # answered with 405
        needed = getattr(view, "token_scopes", {}).get(method)
        if needed is None or needed not in token.scopes:
            raise _Forbidden(code="key-scope")
        return True


class TokenThrottle(BaseThrottle):
    """A bucket for each token in each process, as keys have them."""

    seconds = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, PersonalToken):
            return True
        # Ids of keys are positive: the two do not share a bucket.
        allowance = BUCKETS.take(-token.pk, settings.TOKEN_REQUESTS_PER_MINUTE)
        view.headers.update(allowance.headers())
        self.seconds = float(allowance.wait_seconds)
        return not allowance.wait_seconds

    def wait(self) -> float:
        return self.seconds


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names it."""

    target_class = "portal.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "cst_..."}
