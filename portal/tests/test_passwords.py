"""Passwords: by length and by what is guessed first; no rule of which characters."""

import hashlib
import logging
from pathlib import Path

import environ
import pytest
from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string

from portal import checks
from portal.identity.breached import NotAList, check_list, is_listed
from portal.identity.passwords import GuessableValidator
from portal.identity.signing_in import signing_in
from portal.models import User
from portal.tests import enrolling

PERSON = User(email="mara.lindqvist@aldergrove.example", full_name="Mara Lindqvist")


@pytest.mark.parametrize(
    "password",
    [
        enrolling.PASSWORD,
        "correct horse battery staple",
        "unter den Linden regnet es",
        "ψηλά βουνά και θάλασσα",
        "kf83-mmqz-77pt-ws0d",
        "thirty seven yellow password jars",
    ],
)
def test_long_ones_of_any_characters_are_taken(password):
    validate_password(password, PERSON)


@pytest.mark.parametrize(
    "password",
    [
        "fourteen chars",
        "passwordpassword",
        "Password123456789!",
        "letmeinletmeinlet",
        "!!!dragon2024!!!!!",
        "123456789012345678",
        "abcdefghijklmnopqrs",
        "qwertyuiopasdfghjkl",
        "1qaz2wsx3edc4rfv5tgb",
        "aaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "countersign12345678",
        "CountersignCountersign",
        "mara.lindqvist2026!!",
        "lindqvist1234567890",
        "x" * 257,
    ],
)
def test_short_and_guessable_ones_are_refused_without_being_repeated(password):
    with pytest.raises(ValidationError) as refused:
        validate_password(password, PERSON)
    assert password not in str(refused.value)


def test_the_name_of_the_organization_is_guessable(settings):
    settings.ORGANIZATION_NAME = "Alder Grove Health"
    with pytest.raises(ValidationError):
        validate_password("aldergrovehealth2026")


def test_the_list_is_the_one_that_the_sources_name():
    assert len(GuessableValidator().passwords) == 19_640


@pytest.mark.django_db
def test_the_page_says_the_rules_and_refuses(client):
    person = enrolling.person("viewer")
    enrolling.give_password(client, person)
    address = "/accounts/password/change/"
    assert "At least 15 characters" in client.get(address).text
    new = {"oldpassword": enrolling.PASSWORD, "password1": "passwordpassword1"}
    answer = client.post(address, {**new, "password2": new["password1"]})
    assert "first that would be tried" in answer.text
    person.refresh_from_db()
    assert person.check_password(enrolling.PASSWORD)


def test_hashes_are_argon2id_and_older_ones_become_so(settings):
    settings.PASSWORD_HASHERS = [
        "portal.identity.passwords.Argon2Hasher",
        "django.contrib.auth.hashers.Argon2PasswordHasher",
    ]
    stored = make_password(enrolling.PASSWORD)
    assert stored.startswith("argon2$argon2id$v=19$m=47104,t=2,p=1$")
    assert identify_hasher(stored).verify(enrolling.PASSWORD, stored)
    weaker = stored.replace("m=47104", "m=19456")
    anew = []
    check_password(enrolling.PASSWORD, weaker, anew.append)
    assert not anew  # another hash: it does not fit
    assert identify_hasher(weaker).must_update(weaker)


def hash_of(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.fixture
def breached(tmp_path, settings):
    """Writes such a list of these passwords, and names it in the settings."""

    def write(passwords, *, end: str = "\r\n", tail: str = ":7", last: bool = True) -> Path:
        lines = [f"{each}{tail}" for each in sorted(map(hash_of, passwords))]
        path = tmp_path / "pwned.txt"
        path.write_bytes((end.join(lines) + (end if last else "")).encode())
        settings.PASSWORD_BREACHED_FILE = str(path)
        return path

    return write


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100, 1001])
@pytest.mark.parametrize(
    "form",
    [{}, {"end": "\n"}, {"tail": "", "end": "\n"}, {"last": False}],
    ids=["as given out", "unix", "hashes alone", "no end of line"],
)
def test_every_password_of_the_list_is_found_and_no_other(breached, count, form):
    path = breached([f"leaked {number}" for number in range(count)], **form)
    found = [number for number in range(count + 50) if is_listed(path, f"leaked {number}")]
    assert found == list(range(count))


def test_lines_of_any_length_and_small_letters_are_read(breached, tmp_path):
    passwords = [f"leaked {number}" for number in range(300)]
    path = breached(passwords)
    lines = path.read_text().lower().split()
    path.write_text("\n".join(line + "0" * (at % 97) for at, line in enumerate(lines)))
    assert all(is_listed(path, each) for each in passwords)
    assert not is_listed(path, "never leaked")


def test_a_long_list_costs_few_reads(breached, monkeypatch):
    path = breached([f"leaked {number}" for number in range(20_000)])
    reads = []
    line_from = "portal.identity.breached._line_from"
    real = import_string(line_from)
    monkeypatch.setattr(line_from, lambda *place: reads.append(place) or real(*place))
    assert not is_listed(path, "never leaked")
    assert len(reads) <= 22  # the bits of its size in bytes


def test_a_breached_password_is_refused_without_being_repeated(client, breached, db):
    leaked = "seven violet harbours sleeping"
    validate_password(leaked, PERSON)
    breached([leaked, "another"])
    with pytest.raises(ValidationError, match="leaked elsewhere") as refused:
        validate_password(leaked, PERSON)
    assert leaked not in str(refused.value)
    validate_password(leaked + "!", PERSON)
    user = enrolling.person("viewer")
    enrolling.give_password(client, user)
    both = {"password1": leaked, "password2": leaked}
    page = client.post("/accounts/password/change/", {"oldpassword": enrolling.PASSWORD, **both})
    assert "leaked elsewhere" in page.text
    user.refresh_from_db()
    assert user.check_password(enrolling.PASSWORD)


@pytest.mark.parametrize("content", [None, "not a hash at all\n" * 9])
def test_a_list_that_cannot_be_read_lets_no_password_in(breached, content, caplog):
    path = breached(["x"])
    path.unlink() if content is None else path.write_text(content)
    with caplog.at_level(logging.ERROR), pytest.raises(ValidationError, match="cannot be read"):
        validate_password(enrolling.PASSWORD, PERSON)
    assert enrolling.PASSWORD not in caplog.text
    assert [each.id for each in checks.list_of_breached_passwords()] == ["portal.E002"]


def test_a_list_in_another_order_is_refused_at_the_start(breached):
    path = breached([f"leaked {number}" for number in range(300)])
    check_list(path)
    assert checks.list_of_breached_passwords() == []
    path.write_bytes(b"\n".join(sorted(path.read_bytes().split(), reverse=True)))
    with pytest.raises(NotAList):
        check_list(path)
    path.write_bytes(b"")
    with pytest.raises(NotAList):
        check_list(path)


def test_a_deployment_without_a_list_is_warned(settings, breached):
    settings.PASSWORD_BREACHED_FILE = ""
    assert [each.id for each in checks.breached_passwords_asked()] == ["portal.W002"]
    settings.PASSWORD_SIGN_IN = False
    assert checks.breached_passwords_asked() == []
    settings.PASSWORD_SIGN_IN = True
    breached(["x"])
    assert checks.breached_passwords_asked() == []


def test_the_list_is_named_by_the_environment(monkeypatch):
    monkeypatch.setenv("PASSWORD_BREACHED_FILE", "/srv/pwned.txt")
    found = signing_in(environ.FileAwareEnv())
    assert found["PASSWORD_BREACHED_FILE"] == "/srv/pwned.txt"
    names = [each["NAME"] for each in found["AUTH_PASSWORD_VALIDATORS"]]
    assert "portal.identity.breached.BreachedValidator" in names
