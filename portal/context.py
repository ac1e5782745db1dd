"""What every page knows: the navigation, the theme, the organization, the nonce."""

import datetime as dt
import time
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from portal import past
from portal.csp import get_nonce
from portal.identity.reauthenticating import confirmation_at_provider
from portal.idle import Left, left_of
from vendors import as_of

THEMES = ("light", "dark")


@dataclass(frozen=True)
class Place:
    """An entry of the side: shown to who has `permission`, once its address exists."""

    label: str
    icon: str
    url_name: str
    permission: str = ""


@dataclass(frozen=True)
class AsOf:
    """The day a page is read as of (None for today), and how to choose another.

    `kept` are the other parts of the address, which the choice keeps; `latest` is yesterday.
    """

    day: dt.date | None
    latest: dt.date
    place: str
    today_url: str
    kept: list[tuple[str, str]]


@dataclass(frozen=True)
class NavigationItem:
    label: str
    icon: str
    url: str
    current: bool


NAVIGATION = [
    Place("Home", "layout-dashboard", "portal:home"),
    Place("Vendors", "building-bank", "vendors:vendor-list", "vendors.view_vendor"),
    Place(
        "Integrations", "plug-connected", "policies:integration-list", "policies.view_integration"
    ),
    Place("Compare", "columns", "vendors:comparison", "vendors.view_fact"),
    Place("Costs", "coin", "policies:costplan-list", "policies.view_costplan"),
    Place("Policies", "checklist", "policies:dataclass-list", "policies.view_requirement"),
    Place("Calls", "activity", "audits:call-list", "audits.view_call"),
    Place("Ledger", "stack", "audits:entry-list", "audits.read_entries"),
    Place("Findings", "alert-triangle", "evidence:finding-list", "evidence.view_finding"),
    Place("Evidence", "file-certificate", "evidence:pack-list", "evidence.view_evidencepack"),
    Place("Access", "users", "portal:user-list", "portal.view_user"),
    Place("My access", "key", "portal:my-access"),
    Place("API", "code", "portal-api:docs"),
]


def address(url_name: str, *args: object) -> str:
    """The address of the page `url_name`, or nothing where no such page is installed."""
    try:
        return reverse(url_name, args=args)
    except NoReverseMatch:
        return ""


def navigation(request: HttpRequest) -> list[NavigationItem]:
    """The entries of NAVIGATION that the person may open; the one they are in is current."""
    places = [
        (place, url)
        for place in NAVIGATION
        if (url := address(place.url_name))
        and (not place.permission or request.user.has_perm(place.permission))
    ]
    home = address("portal:home")
    inside = [
        url
        for _, url in places
        if request.path == url or (url != home and request.path.startswith(url))
    ]
    current = max(inside, key=len, default=None)
    return [NavigationItem(p.label, p.icon, url, url == current) for p, url in places]


def as_of_day(request: HttpRequest) -> AsOf | None:
    """The choice of a day on pages that have a past; None on others."""
    if request.resolver_match is None or not past.readable(request.resolver_match.view_name):
        return None
    return AsOf(
        day=as_of.day_read(),
        latest=timezone.localdate() - dt.timedelta(days=1),
        place=past.address_on(request, None).partition("?")[0],
        today_url=past.address_on(request, None),
        kept=[(k, v) for k, values in request.GET.lists() for v in values if k != past.PARAMETER],
    )


def session_left(request: HttpRequest) -> Left | None:
    """How long the session lasts; None for who is not signed in. Asks no query."""
    if not request.user.is_authenticated:
        return None
    return left_of(request.session, time.time())


def page(request: HttpRequest) -> dict[str, object]:
    """The context processor. Navigation asks the database only where a template shows it."""
    theme = request.COOKIES.get(settings.THEME_COOKIE_NAME, "")
    return {
        "csp_nonce": get_nonce(request),
        "theme": theme if theme in THEMES else "",
        "organization": settings.ORGANIZATION_NAME,
        "password_sign_in": settings.PASSWORD_SIGN_IN,
        "confirmation_at_provider": SimpleLazyObject(lambda: confirmation_at_provider(request)),
        "navigation": SimpleLazyObject(lambda: navigation(request)),
        "home_url": address("portal:home") or "/",
        "search_url": address("portal:search"),
        "session_left": SimpleLazyObject(lambda: session_left(request)),
        "as_of": SimpleLazyObject(lambda: as_of_day(request)),
    }
