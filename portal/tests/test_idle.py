"""Sessions end after inactivity, and cost a page no query."""

import pytest
from django.conf import settings
from django.contrib.sessions.backends.cached_db import SessionStore

from policies.tests import make
from portal.idle import EVERY_SECONDS, NOTED


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
    assert answer.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == settings.SESSION_COOKIE_AGE
    assert client.session[NOTED] >= first


def test_a_session_is_read_without_a_query(client, officer, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert SessionStore(client.session.session_key)["_auth_user_id"] == str(officer.pk)
