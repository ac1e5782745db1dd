"""Sessions are shown, ended by their person and by administrators, and never come back."""

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audits.models import SecurityEvent
from policies.tests import make
from portal.identity.clients import client_words
from portal.identity.session_store import KEY_PREFIX, SessionStore
from portal.models import PersonSession
from portal.services.people import change_person
from portal.services.sessions import end_sessions, standing

PASSWORD = "correct horse battery staple"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
LIST = "/access/mine/sessions/"


@pytest.fixture
def person(db):
    person = make.person("viewer", "vera@example.com")
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(person, password: str = PASSWORD, **headers: str) -> Client:
    """A browser in which this person has signed in by the page."""
    browser = Client(headers={"User-Agent": FIREFOX, **headers})
    answer = browser.post("/accounts/login/", {"login": person.email, "password": password})
    assert answer.status_code == 302
    assert browser.get(LIST).status_code == 200
    return browser


def is_in(browser: Client) -> bool:
    return browser.get(LIST).status_code == 200


def key_of(browser: Client) -> str:
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def test_one_sees_where_one_is_signed_in(person):
    browser, _ = sign_in(person), sign_in(person, **{"User-Agent": "curl/8"})
    page = browser.get(LIST).text
    assert "Firefox on Windows" in page
    assert "Unknown browser" in page
    assert "127.0.0.0/24" in page
    assert page.count("This one") == 1
    assert key_of(browser) not in page


def test_one_ends_another_session_of_ones_own(person):
    here, there = sign_in(person), sign_in(person)
    other = PersonSession.objects.get(session_key=key_of(there))
    answer = here.post(reverse("portal:session-end", args=[other.public_id]), follow=True)
    assert "It opens nothing any more." in answer.text
    assert is_in(here)
    assert not is_in(there)
    event = SecurityEvent.objects.get(kind="session-ended")
    assert (event.user_id, event.reason) == (person.pk, "by-oneself")


def test_nobody_ends_the_session_of_somebody_else_by_its_name(person):
    here, other = sign_in(person), make.person("viewer", "other@example.com")
    other.set_password(PASSWORD)
    other.save()
    theirs = sign_in(other)
    row = PersonSession.objects.get(session_key=key_of(theirs))
    answer = here.post(reverse("portal:session-end", args=[row.public_id]), follow=True)
    assert "was over already" in answer.text
    assert is_in(theirs)


def test_one_ends_all_others(person):
    here, *others = (sign_in(person) for _ in range(3))
    assert "2 other sessions ended." in here.post(f"{LIST}end-others/", follow=True).text
    assert [is_in(browser) for browser in (here, *others)] == [True, False, False]


@pytest.mark.parametrize("role", ["administrator", "officer"])
def test_an_administrator_ends_all_sessions_of_anybody(person, client, role):
    browsers = [sign_in(person), sign_in(person)]
    boss = make.person(role)
    client.force_login(boss)
    page = client.get(reverse("portal:user-sessions", args=[person.pk])).text
    assert page.count("Firefox on Windows") == 2
    answer = client.post(reverse("portal:user-sessions-end", args=[person.pk]), follow=True)
    assert "2 sessions of" in answer.text
    assert not any(map(is_in, browsers))
    events = SecurityEvent.objects.filter(kind="session-ended", reason="by-administrator")
    assert {(event.user_id, event.by_id) for event in events} == {(person.pk, boss.pk)}


def test_a_stolen_session_opens_nothing_after_the_password_changed(person):
    here = sign_in(person)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = key_of(sign_in(person))
    assert is_in(thief)
    new = "another long enough phrase"
    answer = here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert answer.status_code == 302
    # Ended by us, whatever Django's own digest of the password in the session would have done.
    ended = SecurityEvent.objects.filter(kind="session-ended").values_list("reason", flat=True)
    assert list(ended) == ["password-changed"]
    assert not PersonSession.objects.filter(session_key=key_of(thief)).exists()
    assert is_in(here)
    assert not is_in(thief)
    assert thief.get("/api/v1/vendors").status_code == 401


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"roles": ["Auditor"]}, "role-changed"),
        ({"is_active": False}, "left"),
        ({"full_name": "Vera V."}, ""),
    ],
)
def test_a_change_of_roles_ends_the_sessions_of_who_has_them(person, change, why):
    browser = sign_in(person)
    boss = make.person("administrator")
    was = {"full_name": person.full_name, "roles": ["Viewer"], "is_active": True}
    change_person(person, **{**was, **change}, by=boss, at=timezone.now())
    assert is_in(browser) == (not why)
    events = SecurityEvent.objects.filter(kind="session-ended")
    assert [event.reason for event in events] == ([why] if why else [])


def test_a_session_that_was_ended_does_not_come_back_from_the_cache(person, monkeypatch):
    """Who read it before it ended, and puts it into the cache after, puts it there in vain."""
    browser = sign_in(person)
    row = PersonSession.objects.get(session_key=key_of(browser))
    cache.delete(KEY_PREFIX + row.session_key)
    monkeypatch.setattr(
        SessionStore, "_get_session_from_db", lambda _: ended_meanwhile(person, row)
    )
    assert SESSION_KEY not in SessionStore(row.session_key)
    monkeypatch.undo()
    assert not is_in(browser)


def ended_meanwhile(person, row: PersonSession) -> PersonSession:
    end_sessions(person, why="by-oneself", at=timezone.now())
    return row


def test_what_is_saved_late_does_not_open_an_ended_session_again(person):
    browser = sign_in(person)
    late = SessionStore(key_of(browser))
    late["begun"] = "before"
    end_sessions(person, why="by-oneself", at=timezone.now())
    with pytest.raises(UpdateError):
        late.save()
    assert not is_in(browser)


def test_a_proof_that_comes_late_does_not_open_an_ended_session_again(person):
    """Whoever ends a session while its person proves who they are ends it for good."""
    browser = sign_in(person)
    late = SessionStore(key_of(browser))
    assert SESSION_KEY in late
    end_sessions(person, why="by-administrator", at=timezone.now())
    late.cycle_key()
    assert SESSION_KEY not in late
    late.save()
    assert not PersonSession.objects.filter(user=person).exists()


def test_signing_in_gives_the_session_a_new_key(person):
    """Session fixation: a key that was planted before is not the one that is signed in."""
    planted = SessionStore()
    planted["planted"] = "yes"
    planted.create()
    for key in ("a" * 32, planted.session_key):
        browser = Client()
        browser.cookies[settings.SESSION_COOKIE_NAME] = key
        browser.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
        assert key_of(browser) != key
        assert is_in(browser)
        attacker = Client()
        attacker.cookies[settings.SESSION_COOKIE_NAME] = key
        assert not is_in(attacker)


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example/",
        "\thttps://evil.example/",
    ],
)
def test_signing_in_leads_nowhere_else(person, there):
    browser = Client()
    where = {"next": there}
    answer = browser.post(
        "/accounts/login/", {"login": person.email, "password": PASSWORD, **where}
    )
    assert answer.url == "/"
    assert browser.get("/accounts/login/", where).url == "/"
    again = browser.post("/accounts/reauthenticate/", {"password": PASSWORD, **where})
    assert again.url == "/"
    assert not browser.post("/accounts/logout/", where).url.startswith(("http", "//"))


def test_signing_in_leads_back_to_where_one_was(person):
    browser = Client()
    asked = browser.get("/vendors/?q=a")
    answer = browser.post(asked.url, {"login": person.email, "password": PASSWORD})
    assert answer.url == "/vendors/?q=a" or browser.get(asked.url).url == "/vendors/?q=a"


def test_a_forged_header_does_not_say_where_a_session_comes_from(person, settings):
    forged = {"X-Forwarded-For": "203.0.113.7"}
    sign_in(person, **forged)
    assert {each.network for each in standing(person, at=timezone.now())} == {"127.0.0.0/24"}
    PersonSession.objects.all().delete()
    settings.TRUSTED_PROXIES = 1
    # The proxy appends what it saw; what the caller wrote before it does not count.
    sign_in(person, **{"X-Forwarded-For": "203.0.113.7, 198.51.100.9"})
    assert {each.network for each in standing(person, at=timezone.now())} == {"198.51.100.0/24"}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_a_forged_header_does_not_get_around_the_limit_of_attempts(db, header):
    """Each try with another address, so that the limit of no account, but the network's, counts."""
    for number in range(30):
        answer = Client().post(
            "/accounts/login/",
            {"login": f"nobody{number}@example.com", "password": "wrong"},
            headers={header: f"203.0.113.{number}"},
        )
        if answer.status_code == 429 or "Too many" in answer.text:
            assert number == 10  # ten a minute, and the next is refused
            return
    pytest.fail("thirty attempts were let through")


def test_behind_our_proxy_each_network_has_its_own_limit(db, settings):
    settings.TRUSTED_PROXIES = 1
    for number in range(30):
        answer = Client().post(
            "/accounts/login/",
            {"login": f"nobody{number}@example.com", "password": "wrong"},
            headers={"X-Forwarded-For": f"198.51.100.1, 203.0.113.{number}"},
        )
        assert answer.status_code == 200


def test_a_page_asks_no_query_for_its_session(person):
    browser = sign_in(person)
    with CaptureQueriesContext(
        connection,
    ) as found:
        browser.get("/access/mine/sessions/left/", headers={"X-Polling": "1"})
    assert [each for each in found if "personsession" in each["sql"]] == []
    assert len(found) == 1  # the person


def test_many_sessions_are_listed_by_as_many_queries_as_one(person):
    browser = sign_in(person)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            browser.get(LIST)
        counts.append(len(found))
        sign_in(person)
        sign_in(person)
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("Mr Smith, HIV positive", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_words_of_ours(said, words):
    assert client_words(said) == words
