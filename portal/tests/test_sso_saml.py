"""Signing in by a SAML provider that runs in a process of its own, and what it may not say."""

from __future__ import annotations

import base64
import json
import zlib
from urllib.parse import urlencode

import pytest
import requests
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client
from lxml import etree

from audits.models import SecurityEvent
from install import CHECKOUT
from policies.tests import make
from portal.tests.identity_providers import begin, configure, process, query_of
from portal.tests.saml_provider import CLASSES, response_in

pytestmark = pytest.mark.django_db
ACS = "/accounts/saml/saml/acs/"


@pytest.fixture(scope="module")
def identity_provider():
    with process(str(CHECKOUT / "portal/tests/saml_provider.py"), "{port}") as url:
        yield url


@pytest.fixture
def provide(settings, identity_provider):
    settings.PUBLIC_URL = "http://testserver"
    metadata = requests.get(f"{identity_provider}/metadata", timeout=10).text

    def given(**variables: str) -> None:
        configure(
            settings, **{"SAML_METADATA": metadata, "SSO_DOMAINS": "example.com", **variables}
        )

    given()
    return given


@pytest.fixture
def ada():
    return make.person("officer", "ada@example.com")


@pytest.fixture
def bob():
    return make.person("administrator", "bob@example.com")


def asserted(address: str, **told: str) -> str:
    """What the provider says to this request."""
    told = {"as": "ada-0001", "email": "ada@example.com", **told}
    answer = requests.get(f"{address}&{urlencode(told)}", timeout=10)
    answer.raise_for_status()
    return response_in(answer.text)


def post(client, response: str, **extra):
    """What the provider's page posts: from elsewhere, so without any cookie."""
    answer = Client().post(ACS, {"SAMLResponse": response, **extra})
    return client.get(answer.url) if answer.status_code == 302 else answer


def sign_in(client, **told: str):
    return post(client, asserted(begin(client, "saml", "saml"), **told))


def signed_in(client):
    return client.session.get("_auth_user_id")


def reason_of(answer, client) -> str:
    assert answer.status_code == 403
    assert signed_in(client) is None
    event = SecurityEvent.objects.latest("pk")
    assert (event.kind, event.outcome) == ("sso-refused", "failure")
    assert f">{event.reason}<" in answer.content.decode()
    return event.reason


def test_a_person_signs_in(client, provide, ada):
    answer = sign_in(client)
    assert (answer.status_code, answer.url) == (302, "/")
    assert signed_in(client) == str(ada.pk)
    event = SecurityEvent.objects.latest("pk")
    assert (event.kind, event.method, event.user_id) == ("sign-in", "saml", ada.pk)


def test_where_they_wanted_to_go_stays_with_us(client, provide, ada):
    address = begin(client, "saml", "saml", next="/vendors/")
    assert "RelayState" not in query_of(address) or not query_of(address)["RelayState"]
    answer = post(client, asserted(address), RelayState="https://evil.example/")
    assert answer.url == "/vendors/"


@pytest.mark.parametrize(
    "case",
    [
        "expired",
        "unsigned",
        "message-signed-alone",
        "foreign-key",
        "changed",
        "wrapped-before",
        "wrapped-after",
        "wrapped-inside",
        "wrapped-same-id",
        "audience",
        "no-audience",
        "recipient",
        "destination",
        "issuer",
        "transient",
        "no-name",
        "bomb",
        "file",
    ],
)
def test_what_is_not_as_it_must_be_is_refused(client, provide, ada, bob, case):
    assert reason_of(sign_in(client, case=case), client) == "assertion"


@pytest.mark.parametrize("case", ["unasked", "unbound"])
def test_what_answers_no_request_is_refused(client, provide, ada, case):
    assert reason_of(sign_in(client, case=case), client) == "state"


def test_an_assertion_is_taken_once(client, provide, ada):
    response = asserted(begin(client, "saml", "saml"))
    assert post(client, response).status_code == 302
    client.logout()
    # Neither again in the same browser nor in another one, which begins a sign-in of its own.
    assert reason_of(post(client, response), client) == "replayed"
    other = Client()
    begin(other, "saml", "saml")
    assert reason_of(post(other, response), other) == "replayed"


def test_an_assertion_is_for_the_browser_that_asked(client, provide, ada):
    """Whoever lures somebody into posting an assertion does not sign them in as another."""
    response = asserted(begin(client, "saml", "saml"))
    victim = Client()
    begin(victim, "saml", "saml")
    assert reason_of(post(victim, response), victim) == "state"


def test_what_was_checked_is_taken_up_once(client, provide, ada):
    response = asserted(begin(client, "saml", "saml"))
    address = Client().post(ACS, {"SAMLResponse": response}).url
    assert client.get(address).status_code == 302
    client.logout()
    assert reason_of(client.get(address), client) == "state"


@pytest.mark.parametrize("response", ["", "not base64!", "PHhtbD4=", "QQ==", "A" * 300_000])
def test_what_is_no_response_is_refused(client, provide, response):
    assert reason_of(post(client, response), client) == "assertion"


def test_a_provider_speaks_for_its_own_domains_alone(client, provide):
    make.person("officer", "ada@elsewhere.example")
    assert reason_of(sign_in(client, email="ada@elsewhere.example"), client) == "email"


def test_the_name_at_the_provider_counts_not_the_address(client, provide, ada, bob):
    sign_in(client)
    client.logout()
    sign_in(client, email="bob@example.com")
    assert signed_in(client) == str(ada.pk)


def test_groups_give_roles_and_a_class_the_second_factor(client, provide, ada):
    provide(
        SSO_ROLE_GROUPS=json.dumps({"eng": "Engineer"}),
        SSO_TRUSTS_MFA=f"{CLASSES}TimeSyncToken",
    )
    sign_in(client, groups='["eng"]', **{"class": "TimeSyncToken"})
    assert set(ada.groups.values_list("name", flat=True)) == {"Compliance officer", "Engineer"}
    records = client.session[AUTHENTICATION_METHODS_SESSION_KEY]
    assert [record["method"] for record in records] == ["mfa", "socialaccount"]


def test_confirming_asks_anew(client, provide, ada):
    sign_in(client)
    address = begin(client, "saml", "saml", confirm="1", next="/access/")
    asked = etree.fromstring(
        zlib.decompress(base64.b64decode(query_of(address)["SAMLRequest"]), -15)
    )
    assert asked.get("ForceAuthn") == "true"
    answer = post(client, asserted(address, case="old-sign-in"))
    assert ">not-fresh<" in answer.content.decode()
    answer = post(client, asserted(begin(client, "saml", "saml", confirm="1", next="/access/")))
    assert (answer.url, signed_in(client)) == ("/access/", str(ada.pk))
    assert client.session[AUTHENTICATION_METHODS_SESSION_KEY][-1]["reauthenticated"]


def test_our_metadata_says_where_and_what_we_take(client, provide):
    answer = client.get("/accounts/saml/saml/metadata/")
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    text = answer.content.decode()
    assert 'entityID="http://testserver/accounts/saml/saml/metadata/"' in text
    assert 'Location="http://testserver/accounts/saml/saml/acs/"' in text
    assert 'WantAssertionsSigned="true"' in text
    assert "SingleLogoutService" not in text


def test_there_is_no_single_logout(client, provide):
    assert client.get("/accounts/saml/saml/sls/").status_code in (302, 404)


def test_the_host_header_changes_nothing(client, provide, ada, settings):
    settings.ALLOWED_HOSTS = ["*"]
    asked = query_of(begin(client, "saml", "saml"))["SAMLRequest"]
    answer = client.post(
        "/accounts/saml/saml/login/", headers={"host": "evil.example"}, follow=False
    )
    assert "evil.example" not in answer.content.decode().replace("//evil.example/static", "")
    document = etree.fromstring(zlib.decompress(base64.b64decode(asked), -15))
    assert (
        document.get("AssertionConsumerServiceURL") == "http://testserver/accounts/saml/saml/acs/"
    )
