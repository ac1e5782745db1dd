"""Home: what is due, what waits, what is blocked and why, by what a person may see."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from audits.services.statistics import calls_by_day
from evidence.services.health import Health, health
from policies.models import Grant
from policies.services.rights_now import integrations_with
from portal.inbox import Pile, waiting_for
from portal.models import User
from portal.services.standing import Blocked, Due, Standing, standing
from vendors import charts

SHOWN = 6
CHART_DAYS = 30


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
            "now": now,
            "greeting": greeting(timezone.localtime(now)),
            "piles": piles,
            "waiting": sum(len(pile.items) for pile in piles),
            "phi": seen.phi if seen else None,
            "sight": sight(seen, user) if seen else None,
            "chart": chart(user, today),
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


def chart(user: User, today: dt.date) -> charts.StackedBars | None:
    """Calls of the last CHART_DAYS days that a person may see; None for who may see none."""
    integrations = None
    if not user.has_perm("audits.view_call"):
        if not user.has_perm("policies.add_integration"):
            return None
        integrations = sorted(integrations_with(user.pk, Grant.Permission.READ_LOG))
        if not integrations:
            return None
    start = today - dt.timedelta(days=CHART_DAYS - 1)
    days = calls_by_day(start, today, integrations=integrations)
    allowed, denied = sum(day.allowed for day in days), sum(day.denied for day in days)
    return charts.stacked_bars(
        [day.day for day in days],
        [
            charts.Series("Allowed", "ok", tuple(day.allowed for day in days)),
            charts.Series("Denied", "bad", tuple(day.denied for day in days)),
        ],
        caption=charts.Caption(
            "home-calls",
            "Calls by day and verdict",
            f"{allowed:,} allowed and {denied:,} denied in the last {CHART_DAYS} days.",
        ),
    )
