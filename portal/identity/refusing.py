"""The page that says why a provider's sign-in was refused."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.identity.noting import Kind, method_of, note
from portal.identity.providers import IdentityProvider
from portal.identity.refusals import SENTENCES, Refusal


def refuse(
    request: HttpRequest,
    provider: IdentityProvider,
    reason: Refusal,
    person: AbstractBaseUser | None = None,
) -> HttpResponse:
    """The refusal as a page, and as a security event; neither says what the provider said.

    `person` is who was to be signed in, where that is known for sure.
    """
    note(request, Kind.SSO_REFUSED, user=person, method=method_of(provider), reason=str(reason))
    return render(
        request,
        "socialaccount/authentication_error.html",
        {"provider_name": provider.name, "sentence": SENTENCES[reason], "reason": str(reason)},
        status=HTTPStatus.FORBIDDEN,
    )
