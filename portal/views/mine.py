"""What the person who is signed in may do, until when, and what they have asked for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from policies.models import Grant, Integration
from policies.roles import ROLES, SUMMARIES
from policies.services.holders import own_grants
from policies.services.trail import FINAL
from portal.context import address
from portal.models import User
from portal.services import access

PAST_SHOWN = 10
# What belongs to one's own account, where it is installed: the name of its page, icon and words.
ACCOUNT = [
    ("portal:session-list", "device-desktop", "Where you are signed in"),
    ("mfa_index", "shield-lock", "How you prove that it is you"),
    ("account_change_password", "lock", "Password"),
    ("portal:token-list", "key", "Access tokens"),
]


@require_GET
def my_access(request: HttpRequest) -> HttpResponse:
    """My roles and what they allow, my grants with their ends, my requests, my account."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    now = timezone.now()
    roles = [g.name for g in request.user.groups.all() if g.name in ROLES]
    grants = list(
        own_grants(request.user)
        .select_related("integration", "principal", "group", "asked_by")
        .order_by("ends_at", "pk")
    )
    holding = [
        grant for grant in grants if grant.state == Grant.State.STANDING and grant.ends_at > now
    ]
    waiting = [grant for grant in grants if grant.state == Grant.State.REQUESTED]
    past = [grant for grant in grants if grant not in holding and grant not in waiting]
    context = {
        "roles": [(role, SUMMARIES[role]) for role in sorted(roles)],
        "allowed": access.allowed_to(roles),
        "owned": Integration.objects.filter(owner=request.user).exclude(state__in=FINAL),
        "holding": holding,
        "waiting": waiting,
        "past": past[: -PAST_SHOWN - 1 : -1],
        "account": [(url, icon, words) for name, icon, words in ACCOUNT if (url := address(name))],
        "now": now,
    }
    return render(request, "portal/my_access.html", context)
