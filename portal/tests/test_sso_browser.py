"""In Chromium: from the sign-in page to the OpenID provider and back, and by SAML."""

from __future__ import annotations

import ipaddress

import pytest
import requests
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread
from playwright.sync_api import expect

from install import CHECKOUT
from policies.tests import make
from portal.tests.browsing import WIDE, chromium, faults
from portal.tests.identity_providers import configure, openid_provider, process, put_user

pytestmark = pytest.mark.browser


@pytest.fixture
def portal_url(committed):
    """The portal in this process, so that its settings are the test's."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait(30)
    assert thread.error is None
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()
    thread.join(10)


@pytest.fixture
def providers(settings, portal_url):
    settings.PUBLIC_URL = portal_url
    settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.0/8")]
    saml = process(str(CHECKOUT / "portal/tests/saml_provider.py"), "{port}")
    with openid_provider() as issuer, saml as url:
        configure(
            settings,
            OIDC_ISSUER=issuer,
            OIDC_CLIENT_ID="countersign",
            OIDC_CLIENT_SECRET="a secret of the tests",
            OIDC_NAME="Example ID",
            SAML_METADATA=requests.get(f"{url}/metadata", timeout=10).text,
            SAML_NAME="Example SAML",
            SSO_DOMAINS="example.com",
        )
        put_user(issuer, "ada", email="ada@example.com", email_verified=True)
        yield issuer


def test_ada_signs_in_by_both_providers_and_mallory_by_none(chromium_path, portal_url, providers):
    make.person("officer", "ada@example.com")
    put_user(providers, "mallory", email="ada@example.com", email_verified=False)
    with chromium(chromium_path) as browser:
        by_openid(browser, portal_url, providers)
        by_saml(browser, portal_url)


def by_openid(browser, portal_url: str, issuer: str) -> None:
    page = browser.new_context(base_url=portal_url, viewport=WIDE).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto("/accounts/login/?next=/vendors/")
    assert faults(page) == []
    page.get_by_role("button", name="Sign in with Example ID").click()
    page.wait_for_url(f"{issuer}/**")
    page.locator("input[name=sub]").first.fill("mallory")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Example ID did not sign you in")
    assert faults(page) == []
    page.get_by_role("link", name="To the sign-in page").click()

    page.goto("/accounts/login/?next=/vendors/")
    page.get_by_role("button", name="Sign in with Example ID").click()
    page.wait_for_url(f"{issuer}/**")
    page.locator("input[name=sub]").first.fill("ada")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{portal_url}/vendors/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Vendors")
    assert not [line for line in said if "Content Security Policy" in line]


def by_saml(browser, portal_url: str) -> None:
    page = browser.new_context(base_url=portal_url, viewport=WIDE).new_page()
    page.goto("/accounts/login/?next=/vendors/")
    page.get_by_role("button", name="Sign in with Example SAML").click()
    page.wait_for_url("**/sso?**")
    page.goto(f"{page.url}&as=ada-0001&email=ada@example.com")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"{portal_url}/vendors/")
