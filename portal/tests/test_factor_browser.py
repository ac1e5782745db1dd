"""Second factors in Chromium: an app, the day it is lost, a passkey; both themes, no complaint."""

from __future__ import annotations

import time

import pyotp
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from conftest import DEMO_PASSWORD, fresh_portal
from portal.tests.browsing import WIDE, complaints, faults

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("factors")]

# A key that keeps the account's name and verifies its holder, as a laptop or a phone does.
VIRTUAL_KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def portal():
    """A portal where everybody signs in by two factors."""
    with fresh_portal(
        "own", ("setup", "--people"), {"MFA_REQUIRED": "all", "MFA_CLOCK_STEPS": "1"}
    ) as running:
        yield running


@pytest.fixture
def window(browser, portal):
    """A window of its own; whatever its console said fails the test at the end."""
    said: list[str] = []
    context = browser.new_context(base_url=portal.url, viewport=WIDE)
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(str(error.error)))
    yield context
    context.close()
    assert complaints(said) == []


def give_password(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def give_code(page: Page, code: str, button: str = "Sign in") -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name=button, exact=True).click()


def sign_out(page: Page) -> None:
    page.locator("summary", has_text="Account of").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")


def enrol_app(page: Page) -> str:
    """Enrol an app on the page that offers it. Returns: its secret."""
    secret = page.get_by_role("group", name="Key").inner_text().strip()
    drawn = "image => image.decode().then(() => image.naturalWidth > 0)"
    assert page.locator("img.qr").evaluate(drawn)
    give_code(page, pyotp.TOTP(secret).now(), "Enrol")
    page.wait_for_url("**/recovery-codes/")
    return secret


def later_code(secret: str) -> str:
    """The next code: the one of now was used to enrol, and none is taken twice."""
    return pyotp.TOTP(secret).at(int(time.time()), counter_offset=1)


def test_an_app_is_enrolled_signs_in_is_lost_and_a_code_recovers(window: BrowserContext):
    page = window.new_page()
    give_password(page, "officer@example.com")
    page.wait_for_url("**/accounts/2fa/")
    page.goto("/vendors/")
    page.wait_for_url("**/accounts/2fa/")
    assert faults(page) == []
    page.get_by_role("link", name="Enrol an app").click()
    assert faults(page) == []
    secret = enrol_app(page)
    codes = keep_codes(page)

    sign_out(page)
    give_password(page, "officer@example.com")
    page.wait_for_url("**/authenticate/")
    assert faults(page) == []
    give_code(page, later_code(secret))
    expect(page.get_by_role("link", name="Vendors").first).to_be_visible()

    # The phone is gone: a code of the paper opens, and another app takes the old one's place.
    sign_out(page)
    give_password(page, "officer@example.com")
    give_code(page, codes[0])
    expect(page.get_by_text("9 are left")).to_be_visible()
    another = replace_app(page)
    sign_out(page)
    give_password(page, "officer@example.com")
    give_code(page, later_code(secret))
    expect(page.get_by_text("Incorrect code.", exact=True)).to_be_visible()
    give_code(page, later_code(another))
    expect(page.get_by_role("link", name="Vendors").first).to_be_visible()


def keep_codes(page: Page) -> list[str]:
    """Download the recovery codes from the page that shows them once. Returns: them."""
    assert faults(page) == []
    codes = page.locator(".codes code").all_inner_texts()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    kept = download.value.path().read_text().split()
    assert kept == [code.replace(" ", "") for code in codes]
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 left")).to_be_visible()
    return codes


def replace_app(page: Page) -> str:
    """Enrol another app in the old one's place. Returns: its secret."""
    page.goto("/accounts/2fa/")
    page.get_by_role("link", name="Replace it").click()
    secret = page.get_by_role("group", name="Key").inner_text().strip()
    give_code(page, pyotp.TOTP(secret).now(), "Enrol")
    page.wait_for_url("**/accounts/2fa/")
    return secret


def test_a_passkey_signs_in_alone_and_as_the_second_step(window: BrowserContext):
    page = window.new_page()
    tool = window.new_cdp_session(page)
    tool.send("WebAuthn.enable")
    key = tool.send("WebAuthn.addVirtualAuthenticator", {"options": VIRTUAL_KEY})
    give_password(page, "engineer@example.com")
    page.wait_for_url("**/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    assert faults(page) == []
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add it").click()
    page.wait_for_url("**/recovery-codes/")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Laptop")).to_be_visible()
    assert faults(page) == []

    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("link", name="Integrations").first).to_be_visible()

    sign_out(page)
    give_password(page, "engineer@example.com")
    page.wait_for_url("**/authenticate/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("link", name="Integrations").first).to_be_visible()

    # A key that verified nobody, such as one found in a drawer, does not open.
    sign_out(page)
    authenticator = {"authenticatorId": key["authenticatorId"], "isUserVerified": False}
    tool.send("WebAuthn.setUserVerified", authenticator)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("not confirmed")
    page.goto("/vendors/")
    page.wait_for_url("**/accounts/login/**")
