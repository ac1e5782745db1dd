"""The proof of an entry is verified in a real browser, and a changed entry is not."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import faults, sign_in

pytestmark = pytest.mark.browser


def steps(page: Page, count: int) -> list[str]:
    """What the page says, in so many steps, after the button was pressed."""
    page.get_by_role("button", name="Verify in this browser").click()
    said = page.locator("[data-steps] li strong")
    expect(said).to_have_count(count)
    # No further step comes behind the last one.
    page.wait_for_timeout(300)
    expect(said).to_have_count(count)
    return [each.strip() for each in said.all_inner_texts()]


def test_a_browser_verifies_an_entry_by_itself(portal_server, browser):
    context, page = sign_in(browser, portal_server.url, "auditor@example.com", DEMO_PASSWORD)
    page.goto("/ledger/live/1/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    said = steps(page, 3)
    # Chromium that knows no Ed25519 says that the signature was not checked.
    assert said[:2] == ["Holds.", "Holds."]
    assert said[2] in ("Holds.", "Not checked.")
    # The page's own icon may come late; nothing else is asked for.
    assert not [url for url in asked if "/static/" not in url]
    assert not faults(page)
    page.locator("[data-entry]").evaluate("entry => { entry.textContent += ' ' }")
    assert steps(page, 1) == ["Does not hold."]
    page.reload()
    page.locator("[data-path] li").first.evaluate(
        "step => { step.textContent = btoa('x'.repeat(32)) }"
    )
    assert steps(page, 3)[1] == "Does not hold."
    context.close()


def test_without_scripts_the_commands_and_the_proof_are_there(portal_server, browser):
    context, page = sign_in(
        browser, portal_server.url, "auditor@example.com", DEMO_PASSWORD, scripts=False
    )
    page.goto("/ledger/")
    expect(page.get_by_role("link", name="How the ledger stands")).to_be_visible()
    page.goto("/ledger/live/0/")
    expect(page.get_by_role("button", name="Verify in this browser")).to_be_hidden()
    expect(page.get_by_text("python -m countersign verify")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name="Proof as JSON").click()
    assert started.value.suggested_filename == "live-0.proof.json"
    context.close()
