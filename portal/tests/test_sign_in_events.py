"""Signing in, failing to, and signing out stand in the trail of security events."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from audits.models import Pending, SecurityEvent
from policies.services.people import sync_roles
from policies.tests import make
from portal.services.people import add_person, change_person, set_roles
from portal.services.tokens import issue_token, revoke_token
from portal.tests import enrolling

pytestmark = pytest.mark.django_db

PASSWORD = "a long phrase of several words"


@pytest.fixture(autouse=True)
def no_limits():
    cache.clear()


@pytest.fixture
def person():
    someone = make.person("viewer")
    someone.set_password(PASSWORD)
    someone.save()
    return someone


def sign_in(client, email: str, password: str = PASSWORD):
    return client.post(
        reverse("account_login"), {"login": email, "password": password}, REMOTE_ADDR="198.51.100.9"
    )


def told() -> list[tuple[str, int | None]]:
    return list(SecurityEvent.objects.order_by("pk").values_list("kind", "user_id"))


def test_signing_in_and_out_is_noted(client, person):
    sign_in(client, person.email)
    client.post(reverse("account_logout"))
    assert told() == [("sign-in", person.pk), ("signed-out", person.pk)]
    event = SecurityEvent.objects.earliest("pk")
    assert (event.method, event.network) == ("password", "198.51.100.0/24")


def test_a_wrong_password_is_noted_for_the_person(client, person):
    sign_in(client, person.email.upper(), "wrong")
    assert told() == [("sign-in-failed", person.pk)]


def test_what_a_stranger_typed_is_kept_nowhere(client, caplog):
    sign_in(client, "mr.smith@clinic.example", "hiv positive")
    assert told() == [("sign-in-failed", None)]
    kept = json.dumps([*SecurityEvent.objects.values(), *Pending.objects.values()], default=str)
    assert "smith" not in (kept + caplog.text).lower()
    assert "hiv" not in (kept + caplog.text).lower()


def test_hammering_locks_out_and_is_noted_once_a_minute(client, person):
    for _ in range(9):
        sign_in(client, person.email, "wrong")
    kinds = [kind for kind, _ in told()]
    assert kinds.count("sign-in-failed") == 5
    assert kinds.count("locked-out") == 1


def test_who_left_cannot_sign_in_and_that_is_noted(client, person):
    person.is_active = False
    person.save()
    sign_in(client, person.email)
    assert told()[-1] == ("sign-in-failed", person.pk)
    assert "sign-in" not in [kind for kind, _ in told()]


def test_asking_for_a_new_password_is_noted_for_people_here_alone(client, person):
    client.post(reverse("account_reset_password"), {"email": "stranger@clinic.example"})
    client.post(reverse("account_reset_password"), {"email": person.email})
    assert told() == [("password-reset-asked", person.pk)]


def test_a_directory_whose_token_is_not_known_is_refused_and_noted_once(client):
    for _ in range(3):
        client.get("/scim/v2/Users", headers={"Authorization": "Bearer hunter2"})
    assert told() == [("directory-refused", None)]


def test_people_roles_and_tokens_are_noted_as_they_change():
    admin, at = make.person("administrator"), timezone.now()
    sync_roles()
    person = add_person("new@example.com", full_name="", roles=["Viewer"], by=admin, at=at)
    token, _ = issue_token(person, "t", scopes=["register:read"], days=3, at=at)
    revoke_token(token, by=admin, at=at)
    set_roles(person, ["Auditor"], by=admin, at=at)
    set_roles(person, ["Viewer"], by=None, at=at)
    terms = {"full_name": "", "roles": ["Viewer"], "by": admin, "at": at}
    change_person(person, is_active=False, **terms)
    change_person(person, is_active=True, **terms)
    kinds = ["person-added", "token-made", "token-ended", "role-changed", "role-changed"]
    assert told() == [(kind, person.pk) for kind in [*kinds, "person-left", "person-back"]]
    by = SecurityEvent.objects.order_by("pk").values_list("by_id", "reason")
    assert by[4] == (None, "by-no-person")
    assert {each for each, _ in by if each} == {admin.pk}


def test_each_step_with_a_second_factor_is_noted(client):
    person = enrolling.with_app("viewer")
    enrolling.give_password(client, person)
    enrolling.give_code(client, "000000")
    enrolling.give_code(client, enrolling.code())
    kinds = ["second-factor-failed", "second-factor", "sign-in"]
    assert told() == [(kind, person.pk) for kind in kinds]
    methods = list(SecurityEvent.objects.order_by("pk").values_list("method", flat=True))
    assert methods == ["totp", "totp", "password"]


def test_a_recovery_code_is_noted_as_what_it_is(client):
    person = enrolling.with_app("viewer")
    enrolling.give_password(client, person)
    enrolling.give_code(client, enrolling.recovery_codes(person)[0])
    assert told() == [("recovery-code", person.pk), ("sign-in", person.pk)]
