"""Sessions end after inactivity, and cost a page no query."""

import datetime as dt
import re

import environ
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from audits.models import SecurityEvent
from policies.tests import make
from portal.identity.session_store import SessionStore
from portal.identity.sessions import sessions
from portal.idle import EVERY_SECONDS, NOTED
from portal.models import PersonSession
from portal.services.sessions import end_what_is_over


@pytest.fixture
def officer(db, client):
    person = make.person("officer")
    client.force_login(person)
    client.get("/")
    return person


def age(client, seconds: int) -> None:
    """Make the session look as if it was last used so long ago."""
    session = client.session
    session[NOTED] -= seconds
    session.save()


def test_use_renews_the_session_once_a_minute(client, officer):
    first = client.session[NOTED]
    assert settings.SESSION_COOKIE_NAME not in client.get("/").cookies
    assert client.session[NOTED] == first
    age(client, EVERY_SECONDS)
    answer = client.get("/")
    assert not answer.cookies[settings.SESSION_COOKIE_NAME]["max-age"]  # until the browser closes
    assert client.session[NOTED] >= first


def test_a_session_is_read_without_a_query(client, officer, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert SessionStore(client.session.session_key)["_auth_user_id"] == str(officer.pk)


def test_what_a_page_asks_by_itself_renews_nothing(client, officer):
    age(client, 2 * EVERY_SECONDS)
    before = client.session[NOTED]
    client.get("/", headers={"X-Polling": "1"})
    assert client.session[NOTED] == before
    client.get("/")
    assert client.session[NOTED] > before


def test_every_part_that_asks_by_itself_says_so():
    """A page that asks again and again would keep an unattended screen signed in."""
    found = [
        tag
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        for tag in re.findall(r"<[^<]*hx-trigger=\"[^\"]*every [^<]*", path.read_text())
    ]
    assert len(found) >= 3
    assert [tag for tag in found if """hx-headers='{"X-Polling": "1"}'""" not in tag] == []


def test_a_session_ends_without_activity(client, officer):
    client.get("/")
    age(client, settings.SESSION_COOKIE_AGE)
    answer = client.get("/access/mine/sessions/?page=1", headers={"X-Polling": "1"})
    assert answer.status_code == 302
    assert (
        answer.url == "/accounts/login/?next=%2Faccess%2Fmine%2Fsessions%2F%3Fpage%3D1&ended=idle"
    )
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert not PersonSession.objects.filter(user=officer)
    event = SecurityEvent.objects.get(kind="session-ended")
    assert (event.user_id, event.reason) == (officer.pk, "idle")
    assert "signed out" in client.get(answer.url).text


def test_a_session_ends_after_a_day_however_busy(client, officer):
    session = client.session
    session["started_at"] -= settings.SESSION_ABSOLUTE_SECONDS
    session.save()
    answer = client.get("/")
    assert answer.url.endswith("&ended=absolute")
    assert client.get("/").url.startswith("/accounts/login/")


def test_who_sends_a_form_after_the_end_is_told_that_nothing_was_stored(client, officer):
    age(client, settings.SESSION_COOKIE_AGE)
    answer = client.post("/access/grants/new/", headers={"Referer": "http://testserver/packs/"})
    assert answer.url == "/accounts/login/?next=%2Fpacks%2F&ended=idle&unsent=1"
    assert "Nothing was stored" in client.get(answer.url).text
    assert "Nothing was stored" not in client.get("/accounts/login/?ended=idle").text


def test_part_of_a_page_leads_the_whole_page_to_the_sign_in(client, officer):
    age(client, settings.SESSION_COOKIE_AGE)
    here = "http://testserver/packs/?page=2"
    answer = client.get("/packs/", headers={"HX-Request": "true", "HX-Current-URL": here})
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Fpacks%2F%3Fpage%3D2&ended=idle"
    assert answer.content == b""


@pytest.mark.parametrize(
    "page",
    [
        "http://elsewhere.example/x",
        "javascript:alert(1)",
        "//evil/",
        "http://testserver//evil/",
        "http://testserver/\\\\evil/",
    ],
)
def test_the_way_back_is_never_elsewhere(client, db, page):
    answer = client.get("/packs/", headers={"HX-Request": "true", "HX-Current-URL": page})
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2F&ended=over"


def test_staying_makes_the_time_begin_anew(client, officer):
    age(client, settings.SESSION_COOKIE_AGE - 100)
    asked = client.get("/access/mine/sessions/left/", headers={"X-Polling": "1"}).json()
    assert 95 <= asked["seconds"] <= 100
    assert asked["may_stay"]
    accepting = {"Accept": "application/json", "X-Polling": "1"}
    stayed = client.post("/access/mine/sessions/stay/", headers=accepting).json()
    assert stayed["seconds"] > settings.SESSION_COOKIE_AGE - 5
    assert client.post("/access/mine/sessions/stay/").url == "/access/mine/sessions/"


def test_at_the_end_of_the_day_nobody_can_stay(client, officer):
    session = client.session
    session["started_at"] -= settings.SESSION_ABSOLUTE_SECONDS - 60
    session.save()
    left = client.post("/access/mine/sessions/stay/", headers={"Accept": "application/json"}).json()
    assert left["seconds"] <= 60
    assert not left["may_stay"]


def test_sessions_that_nobody_came_back_to_are_ended_and_told(client, officer):
    client.get("/")
    now = timezone.now()
    assert end_what_is_over(at=now) == 0
    assert end_what_is_over(at=now + dt.timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)) == 1
    assert SecurityEvent.objects.get(kind="session-ended").reason == "idle"
    assert client.get("/").url == "/accounts/login/?next=%2F&ended=over"
    assert "Your session has ended" in client.get("/accounts/login/?ended=over").text


def test_signing_out_clears_what_the_browser_holds(client, officer):
    answer = client.post("/accounts/logout/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert not PersonSession.objects.filter(user=officer)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value == ""


def test_no_page_of_a_person_stays_in_a_cache(client, officer):
    assert client.get("/")["Cache-Control"] == "no-store"


def test_the_page_knows_when_to_warn(client, officer):
    page = client.get("/").text
    assert 'role="alertdialog"' in page
    assert 'data-warning="120"' in page
    assert "data-warning" not in client.__class__().get("/accounts/login/").text


def test_times_that_contradict_each_other_are_refused():
    for wrong in ({"SESSION_IDLE_SECONDS": "0"}, {"SESSION_ABSOLUTE_SECONDS": "60"}):
        with pytest.raises(ImproperlyConfigured, match="SESSION_ABSOLUTE_SECONDS"):
            sessions(env_of(wrong), https=True)
    with pytest.raises(ImproperlyConfigured, match="STEP_UP_SECONDS"):
        sessions(env_of({"STEP_UP_SECONDS": "-1"}), https=True)


def test_cookies_bind_themselves_to_this_host_over_https():
    found = sessions(env_of({}), https=True)
    for kind in ("SESSION", "CSRF"):
        assert found[f"{kind}_COOKIE_NAME"].startswith("__Host-")
        assert found[f"{kind}_COOKIE_SECURE"]
        assert found[f"{kind}_COOKIE_HTTPONLY"]
        assert f"{kind}_COOKIE_DOMAIN" not in found
        assert f"{kind}_COOKIE_PATH" not in found
    assert (settings.SESSION_COOKIE_DOMAIN, settings.SESSION_COOKIE_PATH) == (None, "/")
    assert (settings.CSRF_COOKIE_DOMAIN, settings.CSRF_COOKIE_PATH) == (None, "/")


def env_of(values: dict[str, str]) -> environ.Env:
    env = environ.Env()
    env.ENVIRON = values
    return env
