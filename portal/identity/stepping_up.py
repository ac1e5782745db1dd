"""Who is about to do what matters proves once more who they are, if that was long ago.

The table says for which addresses. The question comes before a form is filled in; where the time
passed while it was filled in, what was sent is kept, and sent again by a press of a button.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode

from countersign.problems import MEDIA_TYPE, PROBLEMS
from portal.identity.claims import PROVED_AT
from portal.identity.envelope import CannotOpen, Envelope, LocalKey
from portal.idle import SAFE, came_from

# Asked when the form is opened and when it is sent; when it is sent alone.
FORM: Final = "form"
BUTTON: Final = "button"

ASKED = {
    # Keys and tokens, which open something for whoever holds them.
    "policies:key-create": FORM,
    "policies:key-rotate": FORM,
    "portal:token-create": FORM,
    # Approvals.
    "policies:integration-decide": FORM,
    "policies:integration-resume": BUTTON,
    "policies:policyversion-decide": BUTTON,
    "vendors:vendor-state": FORM,
    "vendors:review-finish": FORM,
    "vendors:report-review": FORM,
    # Grants, roles, people.
    "policies:integration-grant": FORM,
    "policies:integration-owner": FORM,
    "policies:integration-break-glass": FORM,
    "portal:user-create": FORM,
    "portal:user-edit": FORM,
    "portal:user-invite": BUTTON,
    "policies:grant-decide": FORM,
    "policies:grant-give": FORM,
    "policies:emergency-create": FORM,
    "policies:emergency-review": FORM,
    "policies-api:grant-approval": BUTTON,
    # Reviews of access: what is revoked, kept, closed and signed.
    "portal:accessreview-create": FORM,
    "portal:accessreview-entry": BUTTON,
    "portal:accessreview-keep": BUTTON,
    "portal:accessreview-close": FORM,
    "portal:accessreview-sign": FORM,
    "policies:exclusiveroles-create": FORM,
    "policies:exclusiveroles-end": BUTTON,
    # What people prove by who they are.
    "portal:user-factors-reset": FORM,
    "mfa_activate_totp": FORM,
    "mfa_deactivate_totp": FORM,
    "mfa_add_webauthn": FORM,
    "mfa_edit_webauthn": FORM,
    "mfa_remove_webauthn": FORM,
    "mfa_generate_recovery_codes": FORM,
    "mfa_view_recovery_codes": FORM,
    "mfa_download_recovery_codes": FORM,
    # Who an actor is, and which groups hold grants.
    "policies:principal-create": FORM,
    "policies:principal-edit": FORM,
    "policies:principal-import": FORM,
    "policies:principalgroup-create": FORM,
    "policies:member-add": BUTTON,
    # Directories, whose tokens make and end people.
    "portal:directory-create": FORM,
    "portal:directorytoken-create": FORM,
    "portal:directorygroup-edit": FORM,
    # Settings: what is allowed with which data, which rules hold, where counts come from.
    "policies:dataclass-create": FORM,
    "policies:dataclass-edit": FORM,
    "policies:datapolicy-defaults": FORM,
    "policies:integration-policy": FORM,
    "audits:usagesource-create": FORM,
    "audits:usagesource-edit": FORM,
    # After it, records may be disposed of for good.
    "audits:legalhold-release": BUTTON,
    # Sessions: a stolen one must not sign its owner out.
    "portal:user-sessions-end": BUTTON,
    "portal:session-end": BUTTON,
    "portal:session-end-others": BUTTON,
    # What was kept is shown to who has just proven who they are.
    "portal:step-up-resume": FORM,
}

# Addresses that sound as if they belonged above, each with why nobody is asked there.
NOT_ASKED = {
    "policies:key-revoke": "takes away; must be quick",
    "portal:token-revoke": "takes away; must be quick",
    "policies:integration-withdraw": "takes away; must be quick",
    "policies:integration-mend-glass": "takes away; must be quick",
    "policies:grant-withdraw": "takes away; must be quick",
    "policies-api:grant-refusal": "takes away; must be quick",
    "policies-api:grant-withdrawal": "takes away; must be quick",
    "policies-api:grant-list": "asks for it alone; who decides is asked",
    "policies:member-remove": "takes away; must be quick",
    "policies:principalgroup-end": "takes away; must be quick",
    "portal:directory-end": "takes away; must be quick",
    "portal:directorytoken-end": "takes away; must be quick",
    "portal:accessreview-verify": "looks again; changes nothing that anybody may",
    "policies:grant-create": "asks for it alone; who decides is asked",
    "vendors:vendor-review": "begins a review; its end is asked",
    "vendors:review-section": "part of a review; its end is asked",
    "vendors:review-discard": "part of a review; its end is asked",
    "vendors:answer-review": "part of an inquiry; nothing is allowed by it",
    "portal:session-stay": "renews this session alone, as any page would",
    "mfa_index": "shows what is there",
    "mfa_list_webauthn": "leads to the page that shows what is there",
    "mfa_authenticate": "is the sign-in itself",
    "mfa_login_webauthn": "is the sign-in itself",
    "mfa_reauthenticate": "is the proof itself",
    "mfa_reauthenticate_webauthn": "is the proof itself",
    "account_change_password": "asks for the password itself",
    "account_set_password": "for who has none yet, and has just signed in elsewhere",
}

STRONG = "second_factor"
KEPT_SECONDS = 10 * 60


def is_fresh(request: HttpRequest, now: float | None = None) -> bool:
    """Whether the person proved who they are within STEP_UP_SECONDS, with all they have.

    Where a second factor was used in this session, or is known to be there, it is asked for again.
    """
    if not settings.STEP_UP_SECONDS:
        return True
    records = get_authentication_records(request, request.user)
    strong = request.session.get(STRONG) or any(each["method"] == "mfa" for each in records)
    since = (time.time() if now is None else now) - settings.STEP_UP_SECONDS
    return any(
        _proved_at(request, each) > since and (each["method"] == "mfa" or not strong)
        for each in records
    )


def _proved_at(request: HttpRequest, record: dict[str, Any]) -> float:
    """When the person proved it: where a provider let them in, the moment at which it asked."""
    at = float(record["at"])
    if record.get("provider") and not record.get("reauthenticated"):
        return min(at, float(request.session.get(PROVED_AT, at)))
    return at


class StepUpMiddleware:
    """Before the views of the table; after the middleware that knows who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        asked = ASKED.get(match.view_name) if match else None
        if asked is None or (asked == BUTTON and request.method in SAFE):
            return None
        if not request.user.is_authenticated or is_fresh(request):
            return None
        if request.path_info.startswith("/api/"):
            problem = PROBLEMS["step-up-required"]
            return JsonResponse(
                problem.body("step-up-required"), status=problem.status, content_type=MEDIA_TYPE
            )
        return _to_proof(request)


def _to_proof(request: HttpRequest) -> HttpResponse:
    """The way to the page that asks who is there, and from there back to here."""
    back = request.get_full_path() if request.method in SAFE else keep(request)
    url = f"{_page_of_proof(request)}?{urlencode({REDIRECT_FIELD_NAME: back})}"
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def _page_of_proof(request: HttpRequest) -> str:
    """By a second factor where there is one, else by password or at the provider."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    second = [each for each in methods if each["id"].startswith("mfa_")]
    if second:
        request.session[STRONG] = True
    return str((second or methods or [{"url": reverse("portal:step-up")}])[0]["url"])


def keep(request: HttpRequest) -> str:
    """Keep what was sent, for ten minutes and this person alone. Returns: where it waits.

    Sealed: nobody knows what was typed into a form, and the cache is no place for it in clear.
    """
    kept = uuid.uuid4().hex
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    what = {
        "person": request.user.pk,
        "path": request.get_full_path(),
        "from": came_from(request),
        "fields": fields,
        "files": sorted(request.FILES),
    }
    place = _place(kept)
    cache.set(place, _envelope().seal(json.dumps(what), place=place), KEPT_SECONDS)
    return reverse("portal:step-up-resume", args=[uuid.UUID(kept)])


def kept_of(person_id: int, kept: uuid.UUID) -> dict[str, Any] | None:
    """What was kept of this person under this name; None once it is gone, or is another's."""
    place = _place(kept.hex)
    sealed = cache.get(place)
    if sealed is None:
        return None
    try:
        what: dict[str, Any] = json.loads(_envelope().open(sealed, place=place))
    except CannotOpen:
        return None  # sealed before the key of the site changed
    return what if what["person"] == person_id else None


def _envelope() -> Envelope:
    return Envelope(
        [LocalKey(settings.SECRET_KEY.encode(), "forms kept until who sent them proves")]
    )


def _place(kept: str) -> str:
    return f"countersign.step-up.{kept}"
