"""Providers come from the environment, whole and checked, or the portal does not start."""

from __future__ import annotations

import json

import environ
import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured

from policies.tests import make
from portal.identity.single_sign_on import single_sign_on
from portal.services.invitations import send_invitation
from portal.tests.identity_providers import configure

OIDC = {
    "OIDC_ISSUER": "https://id.example.com",
    "OIDC_CLIENT_ID": "countersign",
    "OIDC_CLIENT_SECRET": "secret",
    "SSO_DOMAINS": "example.com, Example.org",
}
SAML = {
    "kind": "saml",
    "slug": "adfs",
    "name": "ADFS",
    "entity_id": "https://adfs.example.com/",
    "sso_url": "https://adfs.example.com/sso",
    "certificates": ["MIIC"],
}


def read(**variables: str):
    env = environ.Env()
    env.ENVIRON = variables
    return single_sign_on(env)


def test_without_any_there_is_none_and_passwords_are_on():
    found = read()
    assert found["PASSWORD_SIGN_IN"]
    assert found["IDENTITY_PROVIDERS"] == {}
    assert not any(kind["APPS"] for kind in found["SOCIALACCOUNT_PROVIDERS"].values())


def test_one_of_each_kind_and_a_list_stand_beside_each_other():
    listed = json.dumps([SAML, {**SAML, "slug": "other", "domains": ["else.example"]}])
    found = read(**OIDC, SSO_PROVIDERS=listed)["IDENTITY_PROVIDERS"]
    assert list(found) == ["adfs", "other", "oidc"]
    assert found["oidc"].domains == found["adfs"].domains == ("example.com", "example.org")
    assert found["other"].domains == ("else.example",)


def test_what_nobody_set_is_off():
    provider = read(**OIDC)["IDENTITY_PROVIDERS"]["oidc"]
    assert not provider.creates_people
    assert not provider.email_without_claim
    assert not provider.trusts_mfa
    assert not provider.governed


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SSO_DOMAINS": ""}, "SSO_DOMAINS"),
        ({"SSO_DOMAINS": "*"}, "SSO_DOMAINS"),
        ({"OIDC_CLIENT_SECRET": ""}, "client_secret"),
        ({"SSO_ROLE_GROUPS": '{"all": "Superuser"}'}, "no such role"),
        ({"SSO_ROLE_GROUPS": "[]"}, "JSON object"),
        ({"SSO_ROLE_GROUPS": "{"}, "not JSON"),
        ({"SSO_PROVIDERS": "{}"}, "JSON list"),
        ({"SSO_PROVIDERS": '[{"kind": "oidc", "sloog": "x"}]'}, "sloog"),
        ({"SSO_PROVIDERS": '[{"kind": "ldap", "slug": "x"}]'}, "oidc or saml"),
        ({"SSO_PROVIDERS": '[{"kind": "oidc", "slug": "A/b"}]'}, "slug"),
        ({"SSO_PROVIDERS": json.dumps([SAML, SAML])}, "same slug"),
        ({"SSO_PROVIDERS": json.dumps([{**SAML, "sso_url": ""}])}, "sso_url"),
        ({"SAML_METADATA": "<html/>"}, "metadata"),
        ({"SAML_METADATA": "not XML"}, "metadata"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_starts(changed, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        read(**{**OIDC, **changed})


def test_nobody_is_locked_out_by_a_setting():
    with pytest.raises(ImproperlyConfigured, match="nobody could sign in"):
        read(PASSWORD_SIGN_IN="off")


@pytest.fixture
def no_passwords(settings, db):
    configure(settings, **OIDC, PASSWORD_SIGN_IN="off", OIDC_NAME="Example ID")
    person = make.person("officer", "ada@example.com")
    person.set_password("correct horse battery staple")
    person.save()
    return person


def test_where_passwords_are_off_none_opens_anything(client, no_passwords):
    page = client.get("/accounts/login/").content.decode()
    assert "Sign in with Example ID" in page
    assert "password" not in page.lower()
    credentials = {"login": "ada@example.com", "password": "correct horse battery staple"}
    client.post("/accounts/login/", credentials)
    assert "_auth_user_id" not in client.session


def test_where_passwords_are_off_their_pages_are_closed(client, no_passwords):
    assert client.get("/accounts/password/reset/").status_code == 404
    assert client.post("/accounts/password/reset/", {"email": "a@b.example"}).status_code == 404
    assert client.get("/accounts/password/reset/key/1-set-password/").status_code == 404
    assert client.get("/accounts/2fa/webauthn/login/").status_code == 404
    client.force_login(no_passwords)
    assert client.get("/accounts/password/change/").status_code == 404
    assert client.get("/accounts/password/set/").status_code == 404


def test_where_passwords_are_off_the_mail_names_no_link(no_passwords, settings):
    send_invitation(no_passwords)
    assert settings.PUBLIC_URL in mail.outbox[0].body
    assert "assword" not in mail.outbox[0].body


def test_both_ways_stand_on_the_page_where_both_are_on(client, settings, db):
    configure(settings, **OIDC, OIDC_NAME="Example ID")
    page = client.get("/accounts/login/?next=/vendors/").content.decode()
    assert "Sign in with Example ID" in page
    assert 'action="/accounts/oidc/oidc/login/?next=' in page
    assert 'name="password"' in page
