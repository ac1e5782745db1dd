"""Pages as of a day: `/as-of/2026-03-31/vendors/` is `/vendors/` as it was known on that day.

The first part of the path becomes Django's script prefix, so every address that a page makes keeps
the day. Pages that only today has (forms, people, home) are answered by a redirect to today's.
"""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import Resolver404, get_script_prefix, resolve, set_script_prefix
from django.utils import timezone
from django.utils.encoding import escape_uri_path
from django.utils.http import escape_leading_slashes

from vendors import as_of

PARAMETER = "as_of"
SAFE = ("GET", "HEAD")
_PAST = re.compile(r"/as-of/(?P<day>[^/]*)(?P<rest>/.*)?", re.DOTALL)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

# Which pages can be read as of a day: lists, objects, and their parts and exports.
APPS = ("vendors", "policies", "audits", "evidence")
ENDINGS = (
    "list",
    "detail",
    "export",
    "history",
    "verdict",
    "integrations",
    "calls",
    "findings",
    "figures",
    "register",
    "comparison",
    "clauses",
    "notices",
    "uncovered",
)
MORE = ("portal:search", "policies:grant-matrix")
# What is half done and has no past: drafts and imports; and where records are stored now.
TODAYS = (
    "audits:partition-list",
    "policies:draft-list",
    "vendors:import-list",
    "vendors:import-detail",
    "vendors:registerimport-export",
)
# A POST to these changes nothing that a day is read of.
HARMLESS = ("portal:search", "portal:theme", "portal:session-stay", "account_logout")
SPOOLED_BYTES = 1024 * 1024


class Unreadable(Exception):
    """The day cannot be read; says why to a person."""


def readable(name: str) -> bool:
    """Whether the page of this URL name, such as `vendors:vendor-list`, has a past."""
    app, _, page = name.partition(":")
    listed = app in APPS and page.rpartition("-")[2] in ENDINGS
    return name in MORE or (listed and name not in TODAYS)


def name_of(path: str) -> str:
    """The URL name that the path leads to; empty if it leads nowhere."""
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""


def parse_day(text: str) -> dt.date | None:
    """The day written as 2026-03-31, None for today, which needs no past. Raises: Unreadable."""
    try:
        day = dt.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise Unreadable("Write the day as year, month and day, such as 2026-03-31.")
    if day > timezone.localdate():
        raise Unreadable(f"{day:%-d %B %Y} lies ahead: nothing is known of it yet.")
    if day == timezone.localdate():
        return None
    first = as_of.first_day()
    if day < first:
        raise Unreadable(
            f"Versions are kept since {first:%-d %B %Y}; what was known before cannot be read."
        )
    return day


def address_on(request: HttpRequest, day: dt.date | None) -> str:
    """This page's address as of the day, or today's without one; what it shows else is kept."""
    base = get_script_prefix().partition("as-of/")[0]
    query = QueryDict(mutable=True)
    query.update(request.GET)
    query.pop(PARAMETER, None)
    path = escape_uri_path(request.path_info.removeprefix("/"))
    place = f"{base}as-of/{day.isoformat()}/{path}" if day else escape_leading_slashes(base + path)
    return place + (f"?{query.urlencode()}" if query else "")


class AsOfMiddleware:
    """Answers with the page of a past day; after the middleware that knows who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        past = _PAST.fullmatch(request.path_info)
        if past is None:
            return self._today(request)
        request.path_info = past["rest"] or "/"
        if not request.user.is_authenticated:
            # The way to sign in is today's; `request.path` still says where to come back to.
            return self.get_response(request)
        name = name_of(request.path_info)
        if request.method not in SAFE and name not in HARMLESS:
            return refuse(request, "A past day can be read, not changed.", status=405)
        return self._read(request, past["day"]) if readable(name) else self._todays(request, name)

    def _todays(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """What has no past: a page by its address of today, another answer as it is."""
        if name and request.method in SAFE:
            return HttpResponseRedirect(address_on(request, None))
        request.path = get_script_prefix() + request.path_info.removeprefix("/")
        return self.get_response(request)

    def _today(self, request: HttpRequest) -> HttpResponseBase:
        """Today's page; `?as_of=` leads to that of its day."""
        if (
            PARAMETER not in request.GET
            or not request.user.is_authenticated
            or not readable(name_of(request.path_info))
        ):
            return self.get_response(request)
        if request.method not in SAFE:
            return refuse(request, "A past day can be read, not changed.", status=405)
        text = request.GET[PARAMETER].strip()
        try:
            day = parse_day(text) if text else None
        except Unreadable as why:
            return refuse(request, str(why), status=400)
        return HttpResponseRedirect(address_on(request, day))

    def _read(self, request: HttpRequest, text: str) -> HttpResponseBase:
        try:
            day = parse_day(text)
        except Unreadable as why:
            return refuse(request, str(why), status=400)
        if day is None:
            return HttpResponseRedirect(address_on(request, None))
        with as_of.reading(day), _prefix(day):
            response = self.get_response(request)
            if response.streaming and not isinstance(response, FileResponse):
                response = _spooled(response)
        if response.status_code == 404:
            missing = f"By {day:%-d %B %Y} nothing of this address was recorded."
            return refuse(request, missing, status=404)
        return response


@contextmanager
def _prefix(day: dt.date) -> Iterator[None]:
    """Addresses made inside keep the day."""
    before = get_script_prefix()
    set_script_prefix(f"{before}as-of/{day.isoformat()}/")
    try:
        yield
    finally:
        set_script_prefix(before)


def _spooled(response: HttpResponseBase) -> StreamingHttpResponse:
    """The same answer with all its rows read: after the reading ends, the database is today's."""
    assert isinstance(response, StreamingHttpResponse)
    file = tempfile.SpooledTemporaryFile(SPOOLED_BYTES)  # noqa: SIM115 - the answer closes it
    for part in response:
        file.write(part)
    file.seek(0)
    spooled = StreamingHttpResponse(file, status=response.status_code)
    spooled.headers = response.headers
    spooled.cookies = response.cookies
    return spooled


def refuse(request: HttpRequest, why: str, *, status: int) -> HttpResponse:
    """A page that says why the day cannot be shown, and lets another one be chosen."""
    known = readable(name_of(request.path_info))
    context = {
        "why": why,
        "today_url": address_on(request, None) if known else "",
        "place": get_script_prefix() + request.path_info.removeprefix("/"),
        "latest": timezone.localdate() - dt.timedelta(days=1),
    }
    answer = render(request, "portal/as_of_refused.html", context, status=status)
    if status == 405:
        answer["Allow"] = ", ".join(SAFE)
    return answer
