"""Signing in by an OpenID provider that runs in a process of its own."""

from __future__ import annotations

import ipaddress
import json
import time

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from audits.models import SecurityEvent
from policies.tests import make
from portal.tests.identity_providers import (
    begin,
    configure,
    consent,
    openid_provider,
    path_of,
    put_user,
    query_of,
    sign_in_by_oidc,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def issuer():
    with openid_provider() as url:
        yield url


@pytest.fixture
def provide(settings, issuer):
    """Configure the provider, with more variables if asked for."""
    settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.0/8")]

    def given(**variables: str) -> None:
        base = {
            "OIDC_ISSUER": issuer,
            "OIDC_CLIENT_ID": "countersign",
            "OIDC_CLIENT_SECRET": "a secret of the tests",
            "SSO_DOMAINS": "example.com",
        }
        configure(settings, **{**base, **variables})

    given()
    return given


@pytest.fixture
def known(issuer):
    """A person with an account, whom the provider knows as `ada`."""
    person = make.person("officer", "ada@example.com")
    put_user(issuer, "ada", email="ada@example.com", email_verified=True, name="Ada Byron")
    return person


def signed_in(client):
    return client.session.get("_auth_user_id")


def refused(answer, client, reason: str) -> bool:
    return (
        answer.status_code == 403
        and f">{reason}<" in answer.content.decode()
        and signed_in(client) is None
    )


def test_a_person_signs_in_and_is_known_the_next_time_by_the_providers_name(
    client, provide, known, issuer
):
    answer = sign_in_by_oidc(client, "ada")
    assert (answer.status_code, answer.url) == (302, "/")
    assert signed_in(client) == str(known.pk)
    link = SocialAccount.objects.get()
    assert (link.user, link.provider, link.extra_data) == (known, "oidc", {})
    assert "ada" not in link.uid
    client.logout()
    # The address changed there; the name did not.
    put_user(issuer, "ada", email="ada.king@example.com", email_verified=True)
    sign_in_by_oidc(client, "ada")
    assert signed_in(client) == str(known.pk)
    assert SocialAccount.objects.count() == 1


def test_what_is_asked_of_the_provider_is_ours_to_say(client, provide, known):
    address = begin(client, scope="admin", auth_params="redirect_uri=https://evil.example/")
    asked = query_of(address)
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert asked["redirect_uri"] == "http://testserver/accounts/oidc/oidc/login/callback/"
    assert asked["code_challenge_method"] == "S256"
    assert asked["code_challenge"]
    assert len(asked["nonce"]) >= 32
    assert len(asked["state"]) >= 16


def test_a_link_alone_begins_nothing(client, provide):
    answer = client.get("/accounts/oidc/oidc/login/?process=login")
    assert answer.status_code == 200
    assert not client.session.keys()


def test_an_unverified_address_takes_over_nobody(client, provide, known, issuer):
    put_user(issuer, "mallory", email="ada@example.com", email_verified=False)
    assert refused(sign_in_by_oidc(client, "mallory"), client, "email")
    put_user(issuer, "mallory", email="ada@example.com")
    assert refused(sign_in_by_oidc(client, "mallory"), client, "email")
    assert not SocialAccount.objects.exists()


def test_a_provider_may_be_believed_that_says_nothing_but_not_one_that_says_no(
    client, provide, known, issuer
):
    provide(SSO_EMAIL_WITHOUT_CLAIM="on")
    put_user(issuer, "mallory", email="ada@example.com", email_verified=False)
    assert refused(sign_in_by_oidc(client, "mallory"), client, "email")
    put_user(issuer, "ada", email="Ada@Example.com")
    sign_in_by_oidc(client, "ada")
    assert signed_in(client) == str(known.pk)


def test_a_provider_speaks_for_its_own_domains_alone(client, provide, issuer):
    make.person("administrator", "root@elsewhere.example")
    put_user(issuer, "root", email="root@elsewhere.example", email_verified=True)
    assert refused(sign_in_by_oidc(client, "root"), client, "email")


def test_nobody_gets_an_account_by_signing_in(client, provide, issuer):
    put_user(issuer, "new", email="new@example.com", email_verified=True)
    assert refused(sign_in_by_oidc(client, "new"), client, "nobody")
    assert not get_user_model().objects.filter(email="new@example.com").exists()


def test_where_it_is_set_an_account_is_made_for_whom_a_group_gives_a_role(client, provide, issuer):
    make.person("officer")
    provide(SSO_CREATE_PEOPLE="on", SSO_ROLE_GROUPS=json.dumps({"sec": "Auditor"}))
    put_user(issuer, "new", email="new@example.com", email_verified=True, groups=["staff"])
    assert refused(sign_in_by_oidc(client, "new"), client, "no-role")
    assert not get_user_model().objects.filter(email="new@example.com").exists()
    put_user(
        issuer, "new", email="new@example.com", email_verified=True, groups=["sec"], name="Nia New"
    )
    sign_in_by_oidc(client, "new")
    person = get_user_model().objects.get(email="new@example.com")
    assert signed_in(client) == str(person.pk)
    assert (person.full_name, person.has_usable_password()) == ("Nia New", False)
    assert [group.name for group in person.groups.all()] == ["Auditor"]


def roles_of(person) -> set[str]:
    return set(person.groups.values_list("name", flat=True))


def test_roles_follow_the_groups_at_each_sign_in_and_others_stay(client, provide, known, issuer):
    provide(SSO_ROLE_GROUPS=json.dumps({"eng": ["Engineer"], "aud": "Auditor"}))
    known.groups.add(Group.objects.get(name="Viewer"))
    claims = {"email": "ada@example.com", "email_verified": True}
    put_user(issuer, "ada", **claims, groups=["eng", "Administrator", "other"])
    sign_in_by_oidc(client, "ada")
    # The officer's role is none of the provider's: it neither gives nor takes it.
    assert roles_of(known) == {"Compliance officer", "Viewer", "Engineer"}
    client.logout()
    put_user(issuer, "ada", **claims, groups=["aud"])
    sign_in_by_oidc(client, "ada")
    assert roles_of(known) == {"Compliance officer", "Viewer", "Auditor"}


def test_who_loses_the_last_role_at_the_provider_is_refused(client, provide, issuer):
    person = make.person("engineer", "eve@example.com")
    provide(SSO_ROLE_GROUPS=json.dumps({"eng": "Engineer"}))
    put_user(issuer, "eve", email="eve@example.com", email_verified=True, groups=[])
    assert refused(sign_in_by_oidc(client, "eve"), client, "no-role")
    assert roles_of(person) == set()


def test_a_closed_account_stays_closed(client, provide, known):
    sign_in_by_oidc(client, "ada")
    client.logout()
    known.is_active = False
    known.save()
    assert refused(sign_in_by_oidc(client, "ada"), client, "inactive")


def test_an_answer_is_good_once_and_in_the_browser_that_asked(
    client, client_factory, provide, known
):
    answer = path_of(consent(begin(client), "ada"))
    # Forged or of another browser: nobody is made to sign in as somebody else.
    other = client_factory()
    assert refused(other.get(answer), other, "state")
    forged = f"{answer.partition('&state=')[0]}&state=AAAAAAAAAAAAAAAA"
    assert refused(client.get(forged), client, "state")
    assert client.get(answer).status_code == 302
    client.logout()
    assert refused(client.get(answer), client, "state")


def test_an_answer_of_another_issuer_is_refused(client, provide, known):
    answer = path_of(consent(begin(client), "ada"))
    assert refused(client.get(f"{answer}&iss=https://evil.example"), client, "state")


def test_a_code_of_somebody_elses_sign_in_is_refused(
    client, client_factory, provide, known, issuer
):
    """The nonce of another request is in the token: a stolen code opens nothing."""
    put_user(issuer, "victim", email="ada@example.com", email_verified=True)
    stolen = query_of(consent(begin(client_factory()), "victim"))["code"]
    mine = query_of(begin(client))["state"]
    address = f"/accounts/oidc/oidc/login/callback/?code={stolen}&state={mine}"
    assert refused(client.get(address), client, "assertion")


def test_a_cancelled_sign_in_says_so(client, provide):
    state = query_of(begin(client))["state"]
    address = f"/accounts/oidc/oidc/login/callback/?error=access_denied&state={state}"
    assert refused(client.get(address), client, "cancelled")


@pytest.mark.parametrize("next_url", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_nobody_is_led_elsewhere_after_signing_in(client, provide, known, next_url):
    assert sign_in_by_oidc(client, "ada", next=next_url).url == "/"


def test_who_wanted_a_page_gets_there(client, provide, known):
    assert sign_in_by_oidc(client, "ada", next="/vendors/?q=a").url == "/vendors/?q=a"


def methods(client) -> list[tuple[str, str]]:
    records = client.session[AUTHENTICATION_METHODS_SESSION_KEY]
    return [(record["method"], record.get("type", "")) for record in records]


def test_a_second_factor_counts_where_the_provider_is_trusted_with_it(
    client, provide, known, issuer
):
    claims = {"email": "ada@example.com", "email_verified": True}
    put_user(issuer, "ada", **claims, amr=["pwd", "otp"])
    sign_in_by_oidc(client, "ada")
    assert methods(client) == [("socialaccount", "")]
    client.logout()
    provide(SSO_TRUSTS_MFA="mfa,otp")
    sign_in_by_oidc(client, "ada")
    assert ("mfa", "provider") in methods(client)
    client.logout()
    put_user(issuer, "ada", **claims, amr=["pwd"])
    sign_in_by_oidc(client, "ada")
    assert methods(client) == [("socialaccount", "")]


def test_rows_of_the_database_make_no_provider(client, provide, issuer):
    SocialApp.objects.create(
        provider="openid_connect",
        provider_id="evil",
        name="Evil",
        client_id="x",
        settings={"server_url": issuer},
    )
    assert client.post("/accounts/oidc/evil/login/").status_code == 404
    assert "Evil" not in client.get("/accounts/login/").content.decode()


def test_metadata_that_lies_inside_the_network_is_not_fetched(client, provide, settings):
    settings.OUTBOUND_ALLOW = []
    answer = client.post("/accounts/oidc/oidc/login/")
    assert refused(answer, client, "unreachable")


def test_confirming_asks_anew_and_keeps_the_session(client, provide, known, issuer):
    sign_in_by_oidc(client, "ada")
    session = client.session
    session["half done"] = "kept"
    session.save()
    asked = query_of(address := begin(client, confirm="1", next="/access/"))
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    answer = client.get(path_of(consent(address, "ada")))
    assert answer.url == "/access/"
    # Under a new name, as after any sign-in.
    assert (client.session["half done"], signed_in(client)) == ("kept", str(known.pk))
    assert client.session.session_key != session.session_key
    assert client.session[AUTHENTICATION_METHODS_SESSION_KEY][-1]["reauthenticated"]


def test_somebody_else_does_not_confirm_for_who_is_signed_in(client, provide, known, issuer):
    make.person("administrator", "bob@example.com")
    put_user(issuer, "bob", email="bob@example.com", email_verified=True)
    sign_in_by_oidc(client, "ada")
    answer = client.get(path_of(consent(begin(client, confirm="1"), "bob")))
    assert answer.status_code == 403
    assert ">other-person<" in answer.content.decode()
    assert signed_in(client) == str(known.pk)
    assert not SocialAccount.objects.filter(user__email="bob@example.com").exists()


def test_who_was_let_in_without_being_asked_has_proved_nothing_just_now(
    client, provide, issuer, settings
):
    make.person("administrator", "ada@example.com")
    settings.STEP_UP_SECONDS = 900
    claims = {"email": "ada@example.com", "email_verified": True}
    put_user(issuer, "ada", **claims, auth_time=int(time.time()) - 3600)
    sign_in_by_oidc(client, "ada")
    assert client.get(NEW_PERSON).url.startswith("/access/again/?next=")
    put_user(issuer, "ada", **claims, auth_time=int(time.time()) - 60)
    sign_in_by_oidc(client, "ada")
    assert client.get(NEW_PERSON).status_code == 200


def test_an_old_sign_in_confirms_nothing(client, provide, known, issuer):
    sign_in_by_oidc(client, "ada")
    put_user(issuer, "ada", email="ada@example.com", email_verified=True, auth_time=1_700_000_000)
    answer = client.get(path_of(consent(begin(client, confirm="1"), "ada")))
    assert ">not-fresh<" in answer.content.decode()
    records = client.session[AUTHENTICATION_METHODS_SESSION_KEY]
    assert not any(record.get("reauthenticated") for record in records)


NEW_PERSON = "/access/people/add/"


def test_who_signed_in_here_long_ago_goes_to_the_provider_and_on_to_what_they_wanted(
    client, provide, issuer, settings
):
    """Also where nothing is known here but the provider: no password, no second factor."""
    person = make.person("administrator", "ada@example.com")
    person.set_unusable_password()
    person.save()
    settings.STEP_UP_SECONDS = 900
    claims = {"email": "ada@example.com", "email_verified": True}
    put_user(issuer, "ada", **claims)
    sign_in_by_oidc(client, "ada")
    assert client.get(NEW_PERSON).status_code == 200
    grow_old(client)
    asked = client.get(NEW_PERSON)
    assert asked.url.startswith("/access/again/?next=")
    page = client.get(asked.url).text
    assert 'action="/accounts/oidc/oidc/login/"' in page
    assert 'name="confirm" value="1"' in page
    wanted = NEW_PERSON
    assert (
        f'name="next" value="{wanted}"'
        in page.partition('name="confirm"')[2].partition("</form>")[0]
    )
    # Of an earlier sign-in there, of one to come, and of nobody knows when: none confirms.
    for old in (1_700_000_000, int(time.time()) - 600, 4_000_000_000, "now"):
        put_user(issuer, "ada", **claims, auth_time=old)
        answer = client.get(path_of(consent(begin(client, confirm="1", next=wanted), "ada")))
        assert ">not-fresh<" in answer.text
        assert client.get(NEW_PERSON).status_code == 302
    put_user(issuer, "ada", **claims)
    address = begin(client, confirm="1", next=wanted)
    assert (query_of(address)["prompt"], query_of(address)["max_age"]) == ("login", "0")
    assert client.get(path_of(consent(address, "ada"))).url == wanted
    assert client.get(wanted).status_code == 200


def grow_old(client) -> None:
    """Make it look as if the person had proven an hour ago who they are."""
    session = client.session
    records = session[AUTHENTICATION_METHODS_SESSION_KEY]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {**each, "at": each["at"] - 3600} for each in records
    ]
    session.save()


@pytest.fixture
def client_factory():
    from django.test import Client  # noqa: PLC0415

    return Client


def test_without_a_trusted_second_factor_the_portal_asks_for_its_own(
    client, provide, known, issuer, settings
):
    settings.MFA_REQUIRED = "all"
    claims = {"email": "ada@example.com", "email_verified": True}
    put_user(issuer, "ada", **claims, amr=["pwd"])
    provide(SSO_TRUSTS_MFA="otp")
    sign_in_by_oidc(client, "ada")
    assert client.get("/").url.startswith("/accounts/2fa/")
    client.logout()
    put_user(issuer, "ada", **claims, amr=["pwd", "otp"])
    sign_in_by_oidc(client, "ada")
    assert client.get("/").status_code == 200


def test_what_happened_stands_in_the_trail_of_security_events(client, provide, known, issuer):
    provide(SSO_ROLE_GROUPS=json.dumps({"eng": "Engineer"}))
    put_user(issuer, "ada", email="ada@example.com", email_verified=True, groups=["eng"])
    sign_in_by_oidc(client, "ada")
    client.get(path_of(consent(begin(client, confirm="1"), "ada")))
    put_user(issuer, "mallory", email="ada@example.com", email_verified=False)
    sign_in_by_oidc(client, "mallory")
    told = SecurityEvent.objects.order_by("pk").values_list("kind", "method", "user", "reason")
    kinds = ("role-changed", "sign-in", "stepped-up", "sso-refused")
    assert [row for row in told if row[0] in kinds] == [
        ("role-changed", "", known.pk, "by-no-person"),
        ("sign-in", "oidc", known.pk, ""),
        ("stepped-up", "oidc", known.pk, ""),
        ("sso-refused", "oidc", None, "email"),
    ]
