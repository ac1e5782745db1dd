"""Two officers write, test, approve and use a data policy by its forms, and try it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import faults, sign_in, visit

pytestmark = pytest.mark.browser
TEXT = "Patient Maria Sandoval, SSN 512-44-8273, seen for chest pain. Card 4111 1111 1111 1111."
CLEAN = "Patient Maria Sandoval, SSN 512-44-8273, seen for chest pain."


@pytest.mark.xdist_group("demo_portal")
def test_two_officers_bring_a_policy_into_force_and_try_it(demo_portal, browser):
    journey(browser, demo_portal.url, DEMO_PASSWORD)


def journey(browser: Browser, url: str, password: str) -> None:
    context, page = sign_in(browser, url, "officer@example.com", password)
    visit(page, "/policies/data/new/")
    page.get_by_label("Name").fill("Discharge notes")
    page.get_by_label("Slug").fill("discharge-notes")
    page.get_by_role("button", name="Add policy").click()
    expect(page.get_by_text("Ready to submit")).to_be_visible()
    add_rule(page)
    expect(page.get_by_text("The rule no-cards blocks and needs a test")).to_be_visible()
    add_test(page, "card-stops", TEXT, "It is blocked", "Rules that must match")
    add_test(page, "no-card-goes", CLEAN, "It is sent", "Rules that must not match")
    expect(page.get_by_text("Run just now: 6 of 6 pass")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("What changes, and why").fill("Cards are stopped outside of the East.")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Somebody else decides on this")).to_be_visible()
    second, other = sign_in(browser, url, "officer2@example.com", password)
    expect(other.get_by_role("link", name="Discharge notes, version 1")).to_be_visible()
    visit(other, "/policies/data/discharge-notes/versions/1/")
    assert faults(other) == []
    other.get_by_role("button", name="Approve").click()
    expect(other.get_by_text("Approved and signed.")).to_be_visible()
    use_it(other)
    second.close()
    context.close()


def use_it(page: Page) -> None:
    visit(page, "/integrations/patient-portal-assistant/rules/")
    page.get_by_label("Policy").select_option("discharge-notes")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("link", name="Discharge notes")).to_be_visible()
    assert faults(page) == []
    try_it(page)
    # Other tests look at this portal too: its integrations stay as they were.
    visit(page, "/integrations/patient-portal-assistant/rules/")
    page.get_by_label("Policy").select_option("")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_text("No data policy")).to_be_visible()


def add_rule(page: Page) -> None:
    page.get_by_role("link", name="Add rule").click()
    page.get_by_label("Name", exact=True).fill("no-cards")
    page.get_by_label("Block the call").check()
    page.get_by_label("Payment card number (J)").check()
    rows = page.locator("fieldset.condition")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="More questions").click()
    expect(rows).to_have_count(4)
    rows.nth(0).get_by_label("Question about").select_option("region")
    rows.nth(0).get_by_label("How").select_option("not")
    rows.nth(0).get_by_role("textbox").fill("us-east-1")
    page.get_by_label("Reason").fill("Card numbers belong in no prompt.")
    assert faults(page) == []
    page.get_by_role("button", name="Save in the draft").click()


def add_test(page: Page, name: str, text: str, decision: str, rules: str) -> None:
    page.get_by_role("link", name="Add test").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_label("Facts of the call").fill("region: eu-west-1")
    page.get_by_label(decision).check()
    page.get_by_role("group", name=rules).get_by_label("no-cards").check()
    page.get_by_role("button", name="Save in the draft").click()


def try_it(page: Page) -> None:
    visit(page, "/policies/data/discharge-notes/try/")
    page.get_by_label("Text", exact=True).fill(CLEAN)
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("mark", has_text="512-44-8273")).to_be_visible()
    leaving = page.get_by_role("group", name="Outgoing body")
    expect(leaving).to_contain_text("[[SSN_")
    expect(leaving).not_to_contain_text("512-44-8273")
    assert "512" not in page.url
    assert faults(page) == []
