"""Where people sign in at their provider alone, the pages of passwords and passkeys are closed."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

PAGES = frozenset(
    {
        "account_change_password",
        "account_set_password",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        # A passkey would let in whom the provider no longer does.
        "mfa_login_webauthn",
    }
)


class PasswordPagesMiddleware:
    """Closes PAGES unless PASSWORD_SIGN_IN is on; the sign-in page stays, without its form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> None:
        match = request.resolver_match
        if not settings.PASSWORD_SIGN_IN and match and match.view_name in PAGES:
            raise Http404("people sign in at their provider")
