"""Home: what is due, what waits, what is blocked and why, by what a person may see."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from evidence.services.health import Health, health
from portal.inbox import Pile, waiting_for
from portal.models import User
from portal.services.standing import Blocked, Due, Standing, standing

SHOWN = 6


@dataclass(frozen=True, slots=True)
class Sight:
    """What of the register's standing a person sees; `own` if it is only what they own."""

    own: bool
    due: Due
    blocked: tuple[Blocked, ...]
    more_blocked: int


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    user, today, now = request.user, timezone.localdate(), timezone.now()
    seen: Standing | None = standing(today) if user.has_perm("evidence.view_finding") else None
    state: Health | None = health(now) if user.has_perm("evidence.view_checkrun") else None
    piles: list[Pile] = waiting_for(user, today)
    return render(
        request,
        "portal/home.html",
        {
            "today": today,
            "greeting": greeting(timezone.localtime(now)),
            "piles": piles,
            "waiting": sum(len(pile.items) for pile in piles),
            "phi": seen.phi if seen else None,
            "sight": sight(seen, user) if seen else None,
            "health": state,
        },
    )


def greeting(at: dt.datetime) -> str:
    """Good morning before noon, good evening from six o'clock."""
    return "Good morning" if at.hour < 12 else "Good afternoon" if at.hour < 18 else "Good evening"


def sight(seen: Standing, user: User) -> Sight:
    """Engineers see what they own; who decides or audits sees all."""
    own = user.has_perm("policies.add_integration") and not user.has_perm(
        "policies.approve_integration"
    )
    due = seen.due_by_owner.get(user.pk, Due()) if own else seen.due
    blocked = tuple(each for each in seen.blocked if not own or each.owner_id == user.pk)
    return Sight(own, due, blocked[:SHOWN], max(0, len(blocked) - SHOWN))
