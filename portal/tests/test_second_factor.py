"""Signing in by two factors: who has to, what they may reach before, and codes that work once."""

import re
import time
from importlib import import_module

import environ
import pyotp
import pytest
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.apps import apps
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audits.models import SecurityEvent
from portal.identity import factor_secrets, recovery, second_factor
from portal.identity.signing_in import signing_in
from portal.models import PersonSession
from portal.tests import enrolling

pytestmark = pytest.mark.django_db

Kind = SecurityEvent.Kind
HOME, FACTORS = "/", "/accounts/2fa/"
CODES = f"{FACTORS}recovery-codes/"
AUTHENTICATE, ENROL = f"{FACTORS}authenticate/", f"{FACTORS}totp/activate/"


@pytest.fixture
def required(settings):
    settings.MFA_REQUIRED = "all"


def key_on(page) -> str:
    """The secret that the page of enrolling shows as text."""
    return re.search(r"<code>([A-Z2-7]{32})</code>", page.text)[1]


def enrol(client) -> str:
    """Enrol an app as the signed-in person. Returns: its secret."""
    secret = key_on(client.get(ENROL))
    answer = client.post(ENROL, {"code": enrolling.code(secret)})
    assert answer.status_code == 302
    return secret


@pytest.mark.parametrize(
    "address", [HOME, "/vendors/", "/access/tokens/new/", f"{FACTORS}recovery-codes/"]
)
def test_who_has_none_reaches_nothing_but_enrolling(client, required, address):
    enrolling.give_password(client, enrolling.person("officer"))
    answer = client.get(address)
    assert (answer.status_code, answer.url) == (302, FACTORS)
    assert client.post(address).url == FACTORS
    assert client.get(FACTORS).status_code == client.get(ENROL).status_code == 200


def test_the_api_says_no_to_such_a_session(client, required):
    enrolling.give_password(client, enrolling.person("officer"))
    answer = client.get("/api/v1/vendors/")
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("permission-denied")


def test_enrolling_opens_the_portal_and_shows_the_codes_once(client, required):
    enrolling.give_password(client, enrolling.person("officer"))
    secret = key_on(client.get(ENROL))
    answer = client.post(ENROL, {"code": enrolling.code(secret)}, follow=True)
    codes = re.findall(r"<code>(\d{4} \d{4} \d{4})</code>", answer.text)
    assert len(set(codes)) == 10
    again = client.get(f"{FACTORS}recovery-codes/")
    assert "10 of 10 are left" in again.text
    assert codes[0] not in again.text
    assert client.get(HOME).status_code == 200
    assert client.get(f"{FACTORS}recovery-codes/download/").status_code == 404


@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_password_and_code_open_the_portal(client, required, kind):
    user = enrolling.with_app("officer")
    code = enrolling.code() if kind == "totp" else enrolling.recovery_codes(user)[3]
    answer = enrolling.give_password(client, user)
    assert answer.url == AUTHENTICATE
    assert client.get(HOME).status_code == 302
    assert enrolling.give_code(client, code).url == HOME
    assert client.get(HOME).status_code == 200


def test_the_password_alone_opens_nothing_even_where_no_factor_is_required(client):
    enrolling.give_password(client, enrolling.with_app("officer"))
    assert client.get(HOME).url.startswith("/accounts/login/")


def test_a_code_works_once_whatever_becomes_of_the_cache(client, required):
    user, code = enrolling.with_app("officer"), enrolling.code()
    enrolling.give_password(client, user)
    assert enrolling.give_code(client, code).status_code == 302
    client.logout()
    cache.clear()
    enrolling.give_password(client, user)
    again = enrolling.give_code(client, code)
    assert "Incorrect code" in again.text
    assert client.get(HOME).status_code == 302
    failed = SecurityEvent.objects.filter(user=user, kind=Kind.SECOND_FACTOR_FAILED)
    assert failed.count() == 1
    assert enrolling.give_code(client, enrolling.code(steps=1)).status_code == 302


def test_a_later_code_uses_up_the_earlier_ones():
    user = enrolling.with_app()
    app = Authenticator.objects.get(user=user, type="totp")
    assert second_factor.accept_code(app, enrolling.code(steps=1))
    assert not second_factor.accept_code(app, enrolling.code())
    assert not second_factor.accept_code(app, enrolling.code(steps=1))


def test_the_code_that_enrolled_does_not_sign_in(client, required):
    user = enrolling.person("officer")
    enrolling.give_password(client, user)
    secret = key_on(client.get(ENROL))
    code = enrolling.code(secret)
    client.post(ENROL, {"code": code})
    client.logout()
    enrolling.give_password(client, user)
    assert "Incorrect code" in enrolling.give_code(client, code).text


@pytest.mark.parametrize("steps", [-2, 2, 20])
def test_a_code_of_another_minute_is_refused(steps):
    app = Authenticator.objects.get(user=enrolling.with_app(), type="totp")
    assert not second_factor.accept_code(app, enrolling.code(steps=steps))


@pytest.mark.parametrize(("late", "opens"), [(-1, False), (0, True), (29, True), (30, False)])
def test_a_code_opens_for_its_thirty_seconds_and_no_longer(settings, monkeypatch, late, opens):
    settings.MFA_TOTP_TOLERANCE = signing_in(environ.FileAwareEnv())["MFA_TOTP_TOLERANCE"]
    app = Authenticator.objects.get(user=enrolling.with_app(), type="totp")
    begun = int(time.time()) // 30 * 30
    code = pyotp.TOTP(enrolling.SECRET).at(begun)
    monkeypatch.setattr(second_factor.time, "time", lambda: begun + late)
    assert second_factor.accept_code(app, code) is opens


def test_clocks_that_differ_are_a_setting_of_one_step_at_most(monkeypatch):
    monkeypatch.setenv("MFA_CLOCK_STEPS", "1")
    assert signing_in(environ.FileAwareEnv())["MFA_TOTP_TOLERANCE"] == 1
    monkeypatch.setenv("MFA_CLOCK_STEPS", "2")
    with pytest.raises(ImproperlyConfigured, match="MFA_CLOCK_STEPS"):
        signing_in(environ.FileAwareEnv())


def test_a_recovery_code_works_once_and_says_what_to_do(client, required):
    user = enrolling.with_app("officer")
    code = enrolling.recovery_codes(user)[0]
    enrolling.give_password(client, user)
    enrolling.give_code(client, code)
    assert "9 are left" in client.get(HOME).text
    client.logout()
    enrolling.give_password(client, user)
    assert "Incorrect code" in enrolling.give_code(client, code).text


def test_recovery_codes_are_kept_as_salted_hashes_of_a_passwords_kind(client, required, settings):
    settings.PASSWORD_HASHERS = ["portal.identity.passwords.Argon2Hasher"]
    settings.MFA_RECOVERY_CODE_COUNT = 2
    user = enrolling.person("officer")
    enrolling.give_password(client, user)
    enrol(client)
    row = Authenticator.objects.get(user=user, type="recovery_codes")
    assert list(row.data) == ["hashes"]
    hashes = [factor_secrets.unseal(sealed) for sealed in row.data["hashes"]]
    decoded = [identify_hasher(each).decode(each) for each in hashes]
    # OWASP ASVS 5.0, 6.5.2: a password's hash, and a random salt of 32 bits at least.
    assert {(each["algorithm"], each["variety"]) for each in decoded} == {("argon2", "argon2id")}
    assert len({each["salt"] for each in decoded}) == 2
    assert min(len(each["salt"]) for each in decoded) >= 16
    waiting = client.session[recovery.WAITING]
    shown = re.findall(r"<code>(\d{4} \d{4} \d{4})</code>", client.get(CODES).text)
    assert len(shown) == 2
    assert not any(code.replace(" ", "") in f"{row.data}{hashes}{waiting}" for code in shown)
    assert recovery.WAITING not in client.session
    # As they were printed, with spaces.
    assert second_factor.accept_code(row, shown[1])
    assert not second_factor.accept_code(row, shown[1])


def test_new_codes_end_the_old_ones_and_are_shown_once(client, required):
    user = enrolling.with_app("officer")
    old = enrolling.recovery_codes(user)
    enrolling.sign_in(client, user)
    assert "The 10 codes that are left" in client.get(f"{CODES}generate/").text
    page = client.post(f"{CODES}generate/", follow=True).text
    new = re.findall(r"<code>(\d{4} \d{4} \d{4})</code>", page)
    assert len(set(new)) == 10
    assert "<code>" not in client.get(CODES).text
    row = Authenticator.objects.get(user=user, type="recovery_codes")
    assert not second_factor.accept_code(row, old[0])
    assert second_factor.accept_code(row, new[0])


def test_codes_of_before_they_were_hashed_go_on_opening():
    user = enrolling.person()
    old = RecoveryCodes.activate(user)
    codes = old.get_unused_codes()
    assert old.validate_code(codes[0])
    migration = import_module("portal.migrations.0013_hash_recovery_codes")
    migration.hash_codes(apps, None)
    row = Authenticator.objects.get(user=user)
    assert recovery.left(row) == 9
    assert not second_factor.accept_code(row, codes[0])
    assert second_factor.accept_code(row, codes[1])
    migration.drop_hashed_codes(apps, None)
    assert not Authenticator.objects.filter(user=user).exists()


@pytest.mark.parametrize("typed", ["", "000000", "0" * 11, "0" * 13, "x" * 12, "\u0660" * 12])
def test_what_cannot_be_a_code_costs_no_hash(typed, monkeypatch):
    user = enrolling.with_app()
    monkeypatch.setattr(recovery, "check_password", lambda *_: pytest.fail("a hash was made"))
    row = Authenticator.objects.get(user=user, type="recovery_codes")
    assert not second_factor.accept_code(row, typed)


def test_five_wrong_codes_lock_even_the_right_one_out(client, required):
    user = enrolling.with_app("officer")
    enrolling.give_password(client, user)
    for _ in range(5):
        enrolling.give_code(client, "000000")
    assert "Too many" in enrolling.give_code(client, enrolling.code()).text
    assert client.get(HOME).status_code == 302
    # From another place as well: it is counted by the account.
    enrolling.give_password(client, user)
    answer = client.post(AUTHENTICATE, {"code": enrolling.code()}, REMOTE_ADDR="203.0.113.9")
    assert "Too many" in answer.text


def test_a_session_from_before_the_factor_has_to_show_it(client, required, settings):
    user = enrolling.person("officer")
    settings.MFA_REQUIRED = "off"
    enrolling.give_password(client, user)
    assert client.get(HOME).status_code == 200
    Authenticator.objects.create(
        user=user, type="totp", data={"secret": factor_secrets.seal(enrolling.SECRET)}
    )
    settings.MFA_REQUIRED = "all"
    answer = client.get("/vendors/?q=a")
    assert answer.url == f"{FACTORS}reauthenticate/?next=%2Fvendors%2F%3Fq%3Da"
    # Who has a factor shows it; a thief of the session must not add one of their own.
    assert client.get(ENROL).url.startswith(f"{FACTORS}reauthenticate/")
    answer = client.post(answer.url, {"code": enrolling.code()})
    assert answer.url == "/vendors/?q=a"
    assert client.get("/vendors/").status_code == 200


@pytest.mark.parametrize(
    ("setting", "role", "reaches"),
    [
        ("all", "viewer", False),
        ("except-viewers", "viewer", True),
        ("except-viewers", "", True),
        ("except-viewers", "officer", False),
        ("except-viewers", "administrator", False),
        ("off", "administrator", True),
    ],
)
def test_the_setting_says_who_needs_one(client, settings, setting, role, reaches):
    settings.MFA_REQUIRED = setting
    enrolling.give_password(client, enrolling.person(role))
    assert (client.get("/accounts/password/change/").status_code == 200) is reaches


def test_a_page_costs_no_query_more_once_a_factor_was_shown(
    client, required, settings, django_assert_num_queries
):
    enrolling.sign_in(client, enrolling.with_app("officer"))
    client.get("/style/")
    settings.MFA_REQUIRED = "off"
    with_off = counted(client)
    settings.MFA_REQUIRED = "all"
    assert counted(client) == with_off


def counted(client) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/style/").status_code == 200
    return len(queries)


def test_a_new_app_takes_the_place_of_the_old_one(client, required):
    user = enrolling.with_app("officer")
    enrolling.give_password(client, user)
    enrolling.give_code(client, enrolling.recovery_codes(user)[0])
    secret = enrol(client)
    client.logout()
    enrolling.give_password(client, user)
    assert "Incorrect code" in enrolling.give_code(client, enrolling.code()).text
    assert enrolling.give_code(client, enrolling.code(secret, steps=1)).status_code == 302


def test_the_old_app_stays_until_the_new_one_has_shown_a_code(client, required):
    user = enrolling.with_app("officer")
    enrolling.sign_in(client, user)
    client.get(ENROL)
    assert "Incorrect code" in client.post(ENROL, {"code": "000000"}).text
    assert (
        enrolling.code()
        == pyotp.TOTP(
            factor_secrets.unseal(Authenticator.objects.get(user=user, type="totp").data["secret"])
        ).now()
    )


def test_the_last_factor_stays_where_one_is_required(client, required, settings):
    user = enrolling.with_app("officer")
    enrolling.sign_in(client, user)
    address = f"{FACTORS}totp/deactivate/"
    assert "last factor" in client.get(address).text
    client.post(address)
    assert second_factor.has_factor(user)
    settings.MFA_REQUIRED = "off"
    client.post(address)
    assert not Authenticator.objects.filter(user=user).exists()


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
def test_a_factor_that_was_taken_meanwhile_opens_nothing(kind):
    user = enrolling.with_app()
    row = Authenticator.objects.get(user=user, type=kind)
    code = enrolling.code() if kind == "totp" else recovery.renew(row)[0]
    Authenticator.objects.filter(user=user).delete()
    assert not second_factor.accept_code(row, code)


def test_what_is_shown_of_the_secret_is_in_no_row_and_no_session(client, required):
    user = enrolling.person("officer")
    enrolling.give_password(client, user)
    secret = key_on(client.get(ENROL))
    stored = "".join(str(row.get_decoded()) for row in PersonSession.objects.all())
    assert "v1." in stored
    assert secret not in stored
    client.post(ENROL, {"code": enrolling.code(secret)})
    rows = [row.data for row in Authenticator.objects.filter(user=user)]
    assert len(rows) == 2
    assert secret not in str(rows)


@pytest.mark.parametrize("asked", [True, False])
def test_a_provider_that_is_trusted_with_it_spares_the_second_step(client, rf, asked):
    user = enrolling.with_app("officer")
    request = rf.get("/")
    request.session, request.user = client.session, AnonymousUser()
    with context.request_context(request):
        if asked:
            second_factor.note_provider_factor(request, user, provider="example")
        stages = LoginStageController(request, Login(user=user)).get_stages()
        (stage,) = (s for s in stages if isinstance(s, second_factor.SecondFactorStage))
        answer, _ = stage.handle()
    assert (answer is None) is asked
