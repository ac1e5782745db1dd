"""Automatic logoff (45 CFR 164.312(a)(2)(iii)): after inactivity, and however busy after a day.

A session ends SESSION_COOKIE_AGE seconds after its last use, and SESSION_ABSOLUTE_SECONDS after it
began. Use is noted once a minute, not with every request, so a page costs no write of its own. What
a page asks by itself, over and over, is no use: those requests carry the header X-Polling.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from audits.models import SecurityEvent
from portal.identity.clients import client_words
from portal.identity.noting import note
from portal.identity.session_store import CLIENT, NETWORK, PUBLIC_ID, STARTED, USED
from vendors.network import network_of, peer_of

NOTED = USED
EVERY_SECONDS = 60
WARNED_SECONDS = 120
POLLING = "X-Polling"
SAFE = ("GET", "HEAD")
# What browsers forget of this site at logoff. The session's cookie is taken back by itself, and the
# one that holds a theme is nobody's secret.
FORGOTTEN = '"cache", "storage"'
IDLE, ABSOLUTE, OVER = "idle", "absolute", "over"


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds until a session ends, and whether a press of a key makes them more."""

    seconds: int
    may_stay: bool

    @property
    def warning(self) -> int:
        """How many seconds before the end people are warned: two minutes, of a short time less."""
        return min(WARNED_SECONDS, settings.SESSION_COOKIE_AGE // 3)

    @property
    def idle(self) -> int:
        """Seconds without activity after which a session ends."""
        return int(settings.SESSION_COOKIE_AGE)

    @property
    def idle_words(self) -> str:
        """The same in words: 15 minutes."""
        return f"{self.idle // 60} minutes" if self.idle >= 120 else f"{self.idle} seconds"


def left_of(session: SessionBase, now: float) -> Left:
    """What is left of a signed-in session at `now`, seconds since 1970."""
    idle = session.get(USED, now) + settings.SESSION_COOKIE_AGE - now
    absolute = session.get(STARTED, now) + settings.SESSION_ABSOLUTE_SECONDS - now
    return Left(max(0, int(min(idle, absolute))), may_stay=absolute > idle)


def end_of(session: SessionBase, now: float) -> str:
    """Why a signed-in session is over at `now`: "idle", "absolute", or empty if it is not."""
    if now - session.get(STARTED, now) >= settings.SESSION_ABSOLUTE_SECONDS:
        return ABSOLUTE
    if now - session.get(USED, now) >= settings.SESSION_COOKIE_AGE:
        return IDLE
    return ""


class IdleMiddleware:
    """Ends sessions that are over, and renews those of people who do something.

    After AuthenticationMiddleware, before everything that asks who is there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        now = time.time()
        ended = _end_if_over(request, now)
        known = _is_signed_in(request)
        if known and POLLING not in request.headers:
            note_use(request, now)
        proven = _proven_at(request)
        response = self.get_response(request)
        knows = _is_signed_in(request)
        if knows and not known:
            begin(request, time.time())
        elif knows and _proven_at(request) != proven:
            # Who has proven again who they are gets a new key: an old one may be in other hands.
            request.session.cycle_key()
        if (ended and ended != OVER) or (known and not knows):
            response["Clear-Site-Data"] = FORGOTTEN
        if (known or knows) and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response if knows else _to_sign_in(request, response, ended)


def _end_if_over(request: HttpRequest, now: float) -> str:
    """End the session if its time has passed. Returns: why, "over" if it had ended before."""
    if SESSION_KEY not in request.session:
        held = settings.SESSION_COOKIE_NAME in request.COOKIES
        return OVER if held and request.session.is_empty() else ""
    why = end_of(request.session, now)
    if why:
        if request.user.is_authenticated:
            note(request, SecurityEvent.Kind.SESSION_ENDED, user=request.user, reason=why)
        request.session.flush()
        request.user = AnonymousUser()
    return why


def begin(request: HttpRequest, now: float) -> None:
    """Note in a new session when it began, and from where."""
    session = request.session
    session[PUBLIC_ID] = uuid.uuid4().hex
    session[STARTED] = session[USED] = int(now)
    session[NETWORK] = network_of(peer_of(request.META))
    session[CLIENT] = client_words(request.headers.get("User-Agent", ""))


def note_use(request: HttpRequest, now: float) -> None:
    """Note that its person does something, at most once a minute."""
    session = request.session
    if STARTED not in session:
        begin(request, now)
    elif now - session.get(USED, 0) >= min(EVERY_SECONDS, settings.SESSION_COOKIE_AGE / 15):
        session[USED] = int(now)


def _is_signed_in(request: HttpRequest) -> bool:
    """Whether a person is there by a session: who calls by a key or a token has none."""
    return SESSION_KEY in request.session and request.user.is_authenticated


def _proven_at(request: HttpRequest) -> float:
    """When the person last proved in this session who they are; 0 if never."""
    if not _is_signed_in(request):
        return 0
    records = get_authentication_records(request, request.user)
    return max((float(record["at"]) for record in records), default=0)


def _to_sign_in(request: HttpRequest, response: HttpResponseBase, ended: str) -> HttpResponseBase:
    """The way to the sign-in page, saying why; the whole page goes there, not a part of it."""
    sign_in = resolve_url(settings.LOGIN_URL)
    place = urlsplit(response["Location"] if response.status_code == 302 else "")
    # What a page itself leads to the sign-in page has no way back.
    if place.path != sign_in or REDIRECT_FIELD_NAME not in parse_qs(place.query):
        return response
    inside = "HX-Request" in request.headers
    # Part of a page is asked for by who was signed in when the page was: the session ended since.
    ended = ended or (OVER if inside else "")
    query = {REDIRECT_FIELD_NAME: came_from(request)} | ({"ended": ended} if ended else {})
    # A stranger's form is nobody's: it is not kept, and the person is told so.
    if ended and request.method not in SAFE:
        query["unsent"] = "1"
    if not inside and not ended and request.method in SAFE:
        return response
    url = f"{sign_in}?{urlencode(query)}"
    if not inside:
        response["Location"] = url
        return response
    answer = HttpResponse(headers={"HX-Redirect": url, "Cache-Control": "no-store"})
    answer.cookies = response.cookies
    return answer


def came_from(request: HttpRequest) -> str:
    """The address of the page that a person has before them: this, or the one that asks for it."""
    if request.method in SAFE and "HX-Request" not in request.headers:
        return request.get_full_path()
    said = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    page = urlsplit(said)
    back = page.path + (f"?{page.query}" if page.query else "")
    is_here = page.netloc == request.get_host() and back.startswith("/")
    # "//elsewhere" is an address of another host to a browser.
    if not is_here or not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    return back
