"""Secrets at rest: sealed for one place, opened by the key that sealed them, changed by nobody."""

import environ
import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from portal.identity import second_factor
from portal.identity.envelope import CannotOpen, Envelope, LocalKey
from portal.identity.signing_in import signing_in
from portal.tests import enrolling

OLD, NEW = LocalKey(b"o" * 32, "test"), LocalKey(b"n" * 32, "test")
ENVELOPE = Envelope([OLD])


def test_what_was_sealed_opens_in_its_place():
    sealed = ENVELOPE.seal("JBSWY3DP", place="table.column")
    assert "JBSWY3DP" not in sealed
    assert ENVELOPE.open(sealed, place="table.column") == "JBSWY3DP"
    assert ENVELOPE.seal("JBSWY3DP", place="table.column") != sealed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sealed: sealed[:-2] + ("AA" if sealed[-2:] != "AA" else "BB"),
        lambda sealed: sealed.replace("v1.", "v2.", 1),
        lambda sealed: sealed.rpartition(".")[0],
        lambda sealed: sealed.rpartition(".")[0] + ".",
        lambda sealed: sealed.replace(OLD.name, NEW.name),
        lambda _sealed: "JBSWY3DP",
        lambda _sealed: "",
    ],
    ids=["changed", "form", "no-body", "empty-body", "key", "in-clear", "nothing"],
)
def test_nothing_else_opens(spoil):
    with pytest.raises(CannotOpen):
        ENVELOPE.open(spoil(ENVELOPE.seal("JBSWY3DP", place="here")), place="here")


def test_it_opens_in_no_other_place_and_with_no_other_key():
    sealed = ENVELOPE.seal("JBSWY3DP", place="here")
    with pytest.raises(CannotOpen):
        ENVELOPE.open(sealed, place="there")
    with pytest.raises(CannotOpen, match="not among the settings"):
        Envelope([NEW]).open(sealed, place="here")
    with pytest.raises(CannotOpen):
        Envelope([LocalKey(b"o" * 32, "another purpose")]).open(sealed, place="here")


def test_an_earlier_key_opens_and_is_told_apart():
    sealed = ENVELOPE.seal("JBSWY3DP", place="here")
    both = Envelope([NEW, OLD])
    assert both.open(sealed, place="here") == "JBSWY3DP"
    assert not both.is_current(sealed)
    assert both.is_current(both.seal("x", place="here"))


@pytest.mark.django_db
def test_changing_the_key_keeps_every_factor(settings, capsys):
    user = enrolling.with_app()
    codes = enrolling.recovery_codes(user)
    old = settings.MFA_ENCRYPTION_KEYS[0]
    settings.MFA_ENCRYPTION_KEYS = ["ab" * 32, old]
    row = Authenticator.objects.get(user=user, type="recovery_codes")
    assert second_factor.accept_code(row, codes[0])
    call_command("reseal_factors")
    assert "secrets of 2 factors" in capsys.readouterr().out
    settings.MFA_ENCRYPTION_KEYS = ["ab" * 32]
    app = Authenticator.objects.get(user=user, type="totp")
    assert second_factor.accept_code(app, enrolling.code())
    row.refresh_from_db()
    assert second_factor.accept_code(row, codes[1])
    call_command("reseal_factors")
    assert "secrets of 0 factors" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_key_that_is_missing_changes_nothing(settings):
    user = enrolling.with_app()
    before = list(Authenticator.objects.filter(user=user).values_list("data", flat=True))
    settings.MFA_ENCRYPTION_KEYS = ["ab" * 32]
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("reseal_factors")
    assert list(Authenticator.objects.filter(user=user).values_list("data", flat=True)) == before


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, "MFA_ENCRYPTION_KEY"),
        ({"MFA_ENCRYPTION_KEY": "short"}, "MFA_ENCRYPTION_KEY"),
        ({"MFA_ENCRYPTION_KEY": "0" * 64, "MFA_PREVIOUS_ENCRYPTION_KEYS": "x"}, "PREVIOUS"),
        ({"MFA_ENCRYPTION_KEY": "0" * 64, "MFA_REQUIRED": "sometimes"}, "MFA_REQUIRED"),
        ({"MFA_ENCRYPTION_KEY": "0" * 64, "PASSWORD_MIN_LENGTH": "6"}, "PASSWORD_MIN_LENGTH"),
    ],
)
def test_a_setting_that_does_not_do_stops_the_start_with_what_to_set(monkeypatch, values, named):
    for name in ("MFA_ENCRYPTION_KEY", "MFA_REQUIRED", "PASSWORD_MIN_LENGTH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=named):
        signing_in(environ.FileAwareEnv())
