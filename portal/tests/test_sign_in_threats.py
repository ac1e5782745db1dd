"""What somebody without a password, or with the wrong one, learns and gains: nothing."""

import json

import pytest
from django.core import mail
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import run_checks
from django.test import Client

from policies.tests import make
from portal import tasks
from portal.checks import shared_cache
from portal.tests import enrolling

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
RIGHT = enrolling.PASSWORD


def shown(answer) -> str:
    """The page but for what differs each time: token, nonce, and what was typed."""
    return "\n".join(
        line
        for line in answer.text.splitlines()
        if not any(word in line for word in ("csrfmiddlewaretoken", "nonce=", "example.com"))
    )


def test_five_wrong_passwords_lock_the_right_one_out_from_everywhere(client):
    person = enrolling.person("officer")
    for number in range(5):
        enrolling.give_password(client, person, f"not this one {number}")
    elsewhere = Client(REMOTE_ADDR="203.0.113.77", HTTP_X_FORWARDED_FOR="198.51.100.3")
    answer = enrolling.give_password(elsewhere, person)
    assert answer.status_code == 200
    assert "Too many failed login attempts" in answer.text
    other = enrolling.person("viewer")
    assert enrolling.give_password(elsewhere, other).status_code == 302


def test_a_forged_address_does_not_help_who_guesses(client):
    people = [enrolling.person() for _ in range(11)]
    for number, person in enumerate(people[:10]):
        client.post(
            LOGIN,
            {"login": person.email, "password": "wrong"},
            HTTP_X_FORWARDED_FOR=f"198.51.100.{number}",
        )
    answer = client.post(
        LOGIN,
        {"login": people[10].email, "password": RIGHT},
        HTTP_X_FORWARDED_FOR="198.51.100.200",
    )
    assert "Too many failed login attempts" in answer.text


def test_a_wrong_password_and_an_unknown_address_look_the_same(client):
    person, left = enrolling.person("officer"), enrolling.person("officer")
    left.is_active = False
    left.save()
    unknown = make.person()
    unknown.email = "nobody@example.com"
    answers = [
        enrolling.give_password(Client(), who, "wrong password here")
        for who in (person, left, unknown)
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({shown(answer) for answer in answers}) == 1


def test_asking_for_a_link_looks_the_same_and_mails_only_who_is_here(
    client, monkeypatch, mailoutbox
):
    asked = []
    monkeypatch.setattr(tasks.send_password_link, "delay_on_commit", asked.append)
    person = enrolling.person("officer")
    answers = [
        client.post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in (person.email, "nobody@example.com")
    ]
    assert len({shown(answer) for answer in answers}) == 1
    assert asked == [person.pk]
    assert mailoutbox == []


def test_the_link_lets_its_secret_out_of_the_address_at_once(client):
    person = enrolling.person("officer")
    tasks.send_password_link(person.pk)
    link = next(word for word in mail.outbox[0].body.split() if "/reset/key/" in word)
    answer = client.get("/" + link.split("/", 3)[3])
    assert answer.url.endswith("-set-password/")
    page = client.get(answer.url)
    assert page.headers["Referrer-Policy"] == "same-origin"
    new = "seven kettles in the orchard"
    client.post(answer.url, {"password1": new, "password2": new})
    person.refresh_from_db()
    assert person.check_password(new)
    assert "no longer works" in Client().get("/" + link.split("/", 3)[3], follow=True).text


def test_a_new_password_by_mail_does_not_get_past_the_second_factor(client, settings):
    settings.MFA_REQUIRED = "all"
    person = enrolling.with_app("officer")
    tasks.send_password_link(person.pk)
    link = next(word for word in mail.outbox[0].body.split() if "/reset/key/" in word)
    address = client.get("/" + link.split("/", 3)[3]).url
    new = "seven kettles in the orchard"
    client.post(address, {"password1": new, "password2": new})
    assert client.get("/").status_code == 302
    assert enrolling.give_password(client, person, new).url == "/accounts/2fa/authenticate/"


def test_a_password_in_the_address_does_nothing_and_is_repeated_nowhere(client, caplog):
    person = enrolling.person("officer")
    answer = client.get(LOGIN, {"login": person.email, "password": RIGHT})
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    assert RIGHT not in answer.text + caplog.text
    assert person.email not in answer.text
    assert 'method="post"' in answer.text


def test_no_password_stands_in_a_page_after_a_mistake(client):
    person = enrolling.person("officer")
    answer = client.post(LOGIN, {"login": person.email, "password": "a wrong one, typed"})
    assert "a wrong one, typed" not in answer.text


@pytest.mark.parametrize("address", ["/admin/", "/admin/login/", "/admin/portal/user/"])
def test_there_is_no_admin_of_django(client, address):
    client.force_login(make.person("administrator"))
    assert client.get(address).status_code == 404


def test_one_cache_serves_all_processes_or_the_portal_does_not_start(settings):
    assert shared_cache() == []
    path = f"{LocMemCache.__module__}.{LocMemCache.__name__}"
    settings.CACHES = {"default": {"BACKEND": path}}
    assert [error.id for error in run_checks(tags=["caches"])] == ["portal.E001"]


GARBAGE = [
    "",
    "null",
    "[]",
    "7",
    '"text"',
    "{",
    "{}",
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}),
    json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {
                "clientDataJSON": "e30",
                "authenticatorData": "AA",
                "signature": "AA",
                "userHandle": "MQ",
            },
        }
    ),
    json.dumps({"id": 1, "rawId": [], "response": "x", "Smith": "HIV"}),
]


@pytest.mark.parametrize("credential", GARBAGE)
def test_garbage_in_place_of_a_passkey_signs_nobody_in(client, credential):
    client.get("/accounts/2fa/webauthn/login/", HTTP_ACCEPT="application/json")
    answer = client.post("/accounts/2fa/webauthn/login/", {"credential": credential})
    assert answer.status_code == 302
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("credential", GARBAGE)
def test_garbage_adds_no_passkey_and_opens_no_second_step(client, credential):
    person = enrolling.with_app("officer")
    enrolling.give_password(client, person)
    client.get("/accounts/2fa/authenticate/")
    answer = client.post("/accounts/2fa/authenticate/", {"credential": credential})
    assert answer.status_code == 200
    assert "Smith" not in answer.text
    assert enrolling.give_code(client, enrolling.code()).status_code == 302
    client.get("/accounts/2fa/webauthn/add/")
    answer = client.post("/accounts/2fa/webauthn/add/", {"name": "Key", "credential": credential})
    assert answer.status_code == 200
    assert person.authenticator_set.filter(type="webauthn").count() == 0
