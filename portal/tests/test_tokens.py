"""The page of access tokens."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from policies.services.secret_texts import hash_secret
from policies.tests.make import person
from portal.models import PersonalToken
from portal.services.tokens import MOST, TOKEN, issue_token

GOOD = {"name": "nightly", "scopes": ["register:read"], "days": "30", "cidrs": ""}


@pytest.fixture
def viewer(db, client):
    made = person("viewer")
    client.force_login(made)
    return made


def make_token(of, **more):
    given = {"scopes": ["register:read"], "days": 7, "at": timezone.now(), **more}
    return issue_token(of, "nightly", **given)


def test_the_secret_is_shown_once_and_kept_as_a_digest(viewer, client):
    answer = client.post(reverse("portal:token-create"), GOOD)
    assert answer["Cache-Control"] == "no-store"
    secret = answer.context["secret"]
    assert TOKEN.fullmatch(secret)
    assert secret in answer.text
    token = PersonalToken.objects.get()
    assert (token.user, token.secret_sha256) == (viewer, hash_secret(secret))
    assert token.expires_at - token.created_at == dt.timedelta(days=30)
    page = client.get(reverse("portal:token-list"))
    assert secret not in page.text
    assert token.public_id in page.text


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"days": "366"},
        {"days": "0"},
        {"cidrs": "10.0.0.1/8"},
        {"cidrs": "nowhere"},
    ],
)
def test_a_token_without_its_form_is_not_made(viewer, client, change):
    answer = client.post(reverse("portal:token-create"), {**GOOD, **change})
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not PersonalToken.objects.exists()


def test_one_sees_and_ends_ones_own(viewer, client):
    mine, _ = make_token(viewer)
    theirs, _ = make_token(person("officer"))
    page = client.get(reverse("portal:token-list"), {"of": "all"})
    assert theirs.public_id not in page.text
    assert client.post(reverse("portal:token-revoke", args=[theirs.pk])).status_code == 403
    client.post(reverse("portal:token-revoke", args=[mine.pk]))
    mine.refresh_from_db()
    assert mine.revoked_by == viewer


@pytest.mark.parametrize("role", ["officer", "administrator"])
def test_officers_and_administrators_end_anybodys(db, client, role):
    theirs, _ = make_token(person("viewer"))
    client.force_login(person(role))
    assert theirs.public_id in client.get(reverse("portal:token-list"), {"of": "all"}).text
    client.post(reverse("portal:token-revoke", args=[theirs.pk]))
    theirs.refresh_from_db()
    assert theirs.revoked_at is not None


def test_there_is_an_end_to_tokens(viewer, client):
    for _ in range(MOST):
        make_token(viewer)
    answer = client.post(reverse("portal:token-create"), GOOD)
    assert "Revoke one first" in answer.text
    assert PersonalToken.objects.count() == MOST
