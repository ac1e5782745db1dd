"""Sessions: one's own, those of others for who may end them, and how long this one lasts."""

from __future__ import annotations

import datetime as dt
import time
import uuid

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from audits.services.reads import Read, record_read
from portal.identity.session_store import USED
from portal.identity.stepping_up import kept_of
from portal.idle import left_of
from portal.models import User
from portal.services.sessions import end_session, end_sessions, standing


@require_GET
def session_list(request: HttpRequest) -> HttpResponse:
    """One's own sessions, and when this one ends."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    now = timezone.now()
    left = left_of(request.session, now.timestamp())
    context = {
        "sessions": standing(request.user, at=now),
        "current": request.session.session_key,
        "left": left,
        "ends_at": now + dt.timedelta(seconds=left.seconds),
    }
    return render(request, "portal/session_list.html", context)


@require_POST
def session_end(request: HttpRequest, session: uuid.UUID) -> HttpResponse:
    """End one of one's own sessions; that of somebody else does not exist here."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    if end_session(request.user, session, at=timezone.now(), by=request.user):
        messages.success(request, "The session is ended. It opens nothing any more.")
    else:
        messages.warning(request, "That session was over already.")
    return redirect("portal:session-list")


@require_POST
def session_end_others(request: HttpRequest) -> HttpResponse:
    """End all of one's own sessions but this one."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    count = end_sessions(
        request.user,
        why="by-oneself",
        keep=request.session.session_key,
        by=request.user,
        at=timezone.now(),
    )
    messages.success(request, f"{count} other session{'' if count == 1 else 's'} ended.")
    return redirect("portal:session-list")


@require_GET
@permission_required("portal.end_personsession", raise_exception=True)
def user_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody's sessions, for who may end them."""
    person = get_object_or_404(User, pk=pk)
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    now = timezone.now()
    found = list(standing(person, at=now))
    read = Read("list", "portal.personsession", len(found), subject_id=str(pk))
    record_read(read, by=request.user, at=now)
    context = {"person": person, "sessions": found}
    return render(request, "portal/user_sessions.html", context)


@require_POST
@permission_required("portal.end_personsession", raise_exception=True)
def user_sessions_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End all sessions of somebody at once; this one stays if they are one's own."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    person = get_object_or_404(User, pk=pk)
    count = end_sessions(
        person,
        why="by-administrator",
        keep=request.session.session_key,
        by=request.user,
        at=timezone.now(),
    )
    messages.success(request, f"{count} session{'' if count == 1 else 's'} of {person} ended.")
    return redirect("portal:user-sessions", pk)


@require_GET
def session_left(request: HttpRequest) -> HttpResponse:
    """How long this session lasts; asking does not make it longer."""
    return _left(request)


@require_POST
def session_stay(request: HttpRequest) -> HttpResponse:
    """Somebody is there: the time without activity begins anew."""
    request.session[USED] = int(time.time())
    if request.headers.get("Accept") == "application/json":
        return _left(request)
    messages.success(request, "You stay signed in.")
    return redirect("portal:session-list")


def _left(request: HttpRequest) -> JsonResponse:
    left = left_of(request.session, time.time())
    return JsonResponse({"seconds": left.seconds, "may_stay": left.may_stay})


@require_GET
def step_up_resume(request: HttpRequest, kept: uuid.UUID) -> HttpResponse:
    """What was sent before the person had to prove who they are: a press of a button sends it."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    what = kept_of(request.user.pk, kept)
    if what is None:
        messages.warning(request, "What you had sent was kept for ten minutes, which have passed.")
        return redirect("portal:home")
    return render(request, "portal/step_up_resume.html", {"kept": what})


@require_GET
def step_up(request: HttpRequest) -> HttpResponse:
    """Who has neither password nor second factor here proves at their provider who they are."""
    return render(
        request,
        "portal/step_up.html",
        {"redirect_field": next_field(request)},
    )


def next_field(request: HttpRequest) -> str:
    """The hidden field that says where to go on; its reader refuses what is not of this site."""
    back = request.GET.get(REDIRECT_FIELD_NAME, "")
    return format_html('<input type="hidden" name="{}" value="{}">', REDIRECT_FIELD_NAME, back)
