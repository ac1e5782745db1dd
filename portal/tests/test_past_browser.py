"""The as-of date, as a person uses it: in a real browser, on the demonstration."""

from __future__ import annotations

import datetime as dt

import pytest
from playwright.sync_api import expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import faults, sign_in

pytestmark = pytest.mark.browser

# The BAA that this integration rests on ended some days before the demonstration was made.
PAGE = "/integrations/call-center-transcripts/"
DAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=30)
WRITTEN = f"{DAY:%-d %B %Y}"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_an_officer_reads_what_the_gate_would_have_said(browser, demo_portal, scripts):
    context, page = sign_in(
        browser, demo_portal.url, "officer@example.com", DEMO_PASSWORD, scripts=scripts
    )
    main = page.get_by_role("main")
    page.goto(PAGE)
    expect(main.get_by_text("Denied for").first).to_be_visible()
    expect(page.get_by_text("More steps")).to_have_count(1)

    # The day, chosen in the header of the page.
    page.get_by_text("As of today").click()
    page.get_by_label("Read as of the end of").fill(DAY.isoformat())
    page.get_by_role("button", name="Show that day").click()
    page.wait_for_url(f"**/as-of/{DAY.isoformat()}{PAGE}")
    expect(page).to_have_title(f"Call center transcripts, {WRITTEN} · Countersign")
    expect(main.get_by_text(f"As of {WRITTEN}")).to_be_visible()
    expect(main.get_by_text("Allowed until").first).to_be_visible()
    expect(main.get_by_text("Denied for")).to_have_count(0)
    expect(page.get_by_text("More steps")).to_have_count(0)

    # The paper it rested on is in force on that day; every link keeps the day.
    main.get_by_role("link", name="BAA-").first.click()
    page.wait_for_url(f"**/as-of/{DAY.isoformat()}/agreements/*/")
    expect(main.get_by_text(f"As of {WRITTEN}")).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Integrations").click()
    page.wait_for_url(f"**/as-of/{DAY.isoformat()}/integrations/")
    row = page.get_by_role("row", name="Call center transcripts")
    expect(row.get_by_text("Allowed")).to_be_visible()

    page.get_by_role("link", name="Return to today").click()
    page.wait_for_url(f"{demo_portal.url}/integrations/")
    row = page.get_by_role("row", name="Call center transcripts")
    expect(row.get_by_text("Denied")).to_be_visible()
    context.close()


def test_pages_of_a_past_day_have_no_fault(browser, demo_portal):
    context, page = sign_in(browser, demo_portal.url, "officer@example.com", DEMO_PASSWORD)
    for path in ("/vendors/", PAGE, "/findings/"):
        page.goto(f"/as-of/{DAY.isoformat()}{path}")
        page.get_by_text(f"{DAY:%-d %b %Y}").first.click()
        assert faults(page) == [], path
    page.goto("/vendors/?as_of=2001-01-01")
    expect(page.get_by_text("Versions are kept since")).to_be_visible()
    assert faults(page) == []
    context.close()
