"""Comparing, planning costs and keeping views, in a real browser over the demonstration."""

from __future__ import annotations

import csv

import pytest

from conftest import DEMO_PASSWORD
from portal.tests.browsing import chromium, faults, settle, sign_in

pytestmark = pytest.mark.browser


def downloaded(page, link, folder) -> list[list[str]]:
    """The rows of a CSV file that a link gives."""
    with page.expect_download() as waiting:
        link.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return list(csv.reader(path.read_text().splitlines()))


def headings(page) -> set[str]:
    """Those of the columns of a page's table."""
    settle(page)
    return set(page.get_by_role("columnheader").all_inner_texts())


def test_services_are_chosen_compared_and_exported(demo_portal, chromium_path, tmp_path):
    with chromium(chromium_path) as browser:
        context, page = sign_in(browser, demo_portal.url, "viewer@example.com", DEMO_PASSWORD)
        page.goto("/compare/")
        for name in ("Amazon Bedrock", "OpenAI API"):
            page.get_by_label(f"Compare {name}").check()
        page.get_by_role("button", name="Compare the ticked ones").click()
        page.get_by_text("2 services, 15 dimensions").wait_for()
        page.locator("[name=show]").select_option("gate")
        page.get_by_text("2 services, 4 dimensions").wait_for()
        assert not faults(page)
        page.goto(page.url)
        page.get_by_text("Export", exact=True).click()
        rows = downloaded(page, page.get_by_role("link", name="CSV"), tmp_path)
        assert [row[1] for row in rows[1:]] == ["Amazon Bedrock", "OpenAI API"]
        assert "TLS minimum: age in days" in rows[0]
        context.close()


def test_an_engineer_plans_what_a_use_costs(demo_portal, chromium_path, tmp_path):
    with chromium(chromium_path) as browser:
        context, page = sign_in(
            browser, demo_portal.url, "engineer@example.com", DEMO_PASSWORD, scripts=False
        )
        page.goto("/costs/")
        page.get_by_role("link", name="As approved").first.wait_for()
        page.locator("tbody td a").first.click()
        page.get_by_role("link", name="Costs", exact=True).last.click()
        page.get_by_role("link", name="Plan costs").click()
        page.get_by_label("Name").fill("Twice the spend")
        page.get_by_label("API spend a month").fill("8400")
        page.get_by_role("button", name="Calculate").click()
        page.get_by_text("Estimate, not saved yet").wait_for()
        page.get_by_role("button", name="Save the plan").click()
        page.get_by_text("The plan is saved.").wait_for()
        page.get_by_text("USD 100,800", exact=True).wait_for()
        context.close()
        context, page = sign_in(browser, demo_portal.url, "viewer@example.com", DEMO_PASSWORD)
        page.goto("/costs/")
        page.get_by_role("link", name="Twice the spend").click()
        assert not faults(page)
        page.get_by_text("Export", exact=True).click()
        rows = downloaded(page, page.get_by_role("link", name="CSV"), tmp_path)
        assert rows[-1][2] == "Total"
        context.close()


def test_a_view_is_saved_shared_and_used_by_somebody_else(demo_portal, chromium_path, tmp_path):
    with chromium(chromium_path) as browser:
        context, page = sign_in(browser, demo_portal.url, "officer@example.com", DEMO_PASSWORD)
        page.goto("/vendors/?criticality=critical")
        page.get_by_text("Views", exact=True).click()
        page.get_by_role("link", name="Save, share, columns").click()
        assert not faults(page)
        page.get_by_role("checkbox", name="Training").check()
        page.get_by_role("checkbox", name="Exceptions").uncheck()
        page.get_by_role("button", name="Show these columns").click()
        page.get_by_text("Views", exact=True).click()
        page.get_by_role("link", name="Save, share, columns").click()
        page.get_by_label("Name", exact=True).fill("Critical ones")
        page.get_by_label("Shared with everybody").check()
        page.get_by_role("button", name="Save the view").click()
        page.get_by_text("The view is saved.").wait_for()
        # What the app above knows has come into the rows.
        page.locator("[id^=phi-] .pill").first.wait_for()
        assert page.title() == "Vendors · Countersign"
        assert not faults(page)
        context.close()
        context, page = sign_in(browser, demo_portal.url, "auditor@example.com", DEMO_PASSWORD)
        page.goto("/vendors/")
        page.get_by_text("Views", exact=True).click()
        page.get_by_role("link", name="Critical ones").click()
        page.get_by_role("columnheader", name="PHI").wait_for()
        assert headings(page) & {"Training", "Exceptions"} == {"Training"}
        page.get_by_text("Export", exact=True).click()
        rows = downloaded(page, page.get_by_role("link", name="CSV"), tmp_path)
        assert set(rows[0]) & {"PHI", "Training on our data", "Open exceptions"} == {
            "PHI",
            "Training on our data",
        }
        assert len(rows) == 1 + page.locator("tbody tr [id^=phi-]").count()
        context.close()
