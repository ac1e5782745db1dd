"""A whole campaign: begun, looked at, a token revoked and proven gone, closed, signed off."""

import pytest
from playwright.sync_api import Page, expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import faults, sign_in

# Somebody with a token that is to go.
GROUND = """
from django.contrib.auth import get_user_model
from django.utils import timezone
from portal.services.tokens import issue_token
person = get_user_model().objects.get(email="viewer@example.com")
issue_token(person, "old export", scopes=["register:read"], days=30, at=timezone.now())
"""
# Whatever nobody has decided on: by the officer, and of the officer's own by the administrator.
REST = """
from django.contrib.auth import get_user_model
from django.utils import timezone
from policies.models import AccessReview
from portal.services.reviewing import Choice, NotReviewed, decide
people = get_user_model().objects
officer, second = (people.get(email=f"{n}@example.com") for n in ("officer", "admin"))
for entry in AccessReview.objects.get().entries.undecided():
    try:
        decide(entry, Choice("keep", "Needed."), by=officer, at=timezone.now())
    except NotReviewed:
        decide(entry, Choice("keep", "Needed."), by=second, at=timezone.now())
"""


def press(page: Page, label: str) -> None:
    page.get_by_role("main").get_by_role("button", name=label, exact=True).click()


def begin(page: Page) -> None:
    page.goto("/access/reviews/start/")
    assert faults(page) == []
    page.get_by_label("Title").fill("Quarter 4")
    page.get_by_label("Escalate to").select_option(index=1)
    press(page, "Begin the review")
    expect(page.get_by_role("heading", level=1)).to_have_text("Quarter 4")
    assert faults(page) == []


def keep_one(page: Page) -> None:
    """By keyboard: a ticked line without a flag, with its note."""
    page.goto("/access/reviews/1/?flag=none")
    page.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    page.get_by_label("Why the ticked lines are kept").fill("Looked at; still needed.")
    press(page, "Keep the ticked")
    expect(page.get_by_text("Kept with your note: 1.")).to_be_visible()


def revoke(page: Page) -> None:
    page.goto("/access/reviews/1/?kind=token&holder=viewer")
    page.get_by_role("row").get_by_role("link").first.click()
    expect(page.get_by_text("old export: register:read")).to_be_visible()
    page.locator("[name=decision][value=revoke]").check()
    page.get_by_label("Why").fill("The export is no more.")
    press(page, "Decide")
    expect(page.get_by_text("Executed. The system looks again")).to_be_visible()
    line = page.url
    page.goto("/access/reviews/1/")
    press(page, "Verify again")
    expect(page.get_by_text("nothing is left of them")).to_be_visible()
    page.goto(line)
    proof = page.get_by_role("region", name="Proof")
    expect(proof).to_contain_text("Tokens of this id that still work: 0, expected 0")
    expect(proof).to_contain_text("The system")
    assert faults(page) == []


@pytest.mark.browser
def test_a_campaign_ends_with_the_proof_of_what_it_revoked(portal_server, browser):
    portal_server.run_manage("shell", "--no-imports", "-c", GROUND)
    page = sign_in(browser, portal_server.url, "officer@example.com", DEMO_PASSWORD)[1]
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    begin(page)
    keep_one(page)
    revoke(page)
    page.goto("/access/reviews/1/close/")
    expect(page.get_by_role("button", name="Close the review")).to_have_count(0)
    portal_server.run_manage("shell", "--no-imports", "-c", REST)
    page.reload()
    press(page, "Close the review")
    expect(page.get_by_text("Closed. Another person signs it off.")).to_be_visible()
    other = sign_in(browser, portal_server.url, "admin@example.com", DEMO_PASSWORD)[1]
    other.goto("/access/reviews/1/sign/")
    expect(other.get_by_text("It is as it was closed")).to_be_visible()
    assert faults(other) == []
    other.get_by_label("What you looked at").fill("The revocation and its proof.")
    press(other, "Sign off")
    expect(other.get_by_text("Signed off: nothing of it changes any more")).to_be_visible()
    assert broken == []
