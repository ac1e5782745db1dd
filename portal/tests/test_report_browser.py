"""An officer reviews a SOC 2 report of sixty pages in a real browser, read by a real worker."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import ask_until, chromium, faults, settle, sign_in
from vendors.tests.soc2_paper import soc2_pdf

pytestmark = pytest.mark.browser

GROUND = """
from vendors.models import Service, ServiceModel, ServiceRegion, Vendor
from vendors.services import register
vendor = Vendor(name="Larkspur Speech", slug="larkspur", legal_name="Larkspur Speech, Inc.")
vendor.full_clean()
vendor.save()
service = Service(vendor=vendor, name="Larkspur Transcribe", slug="larkspur-transcribe",
                  provider="larkspur")
region = ServiceRegion(region="us-east-1", guarantee="contract")
register.save_service(service, [ServiceModel(pattern="larkspur-*")], [region])
"""


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "larkspur-soc2.pdf"
    path.write_bytes(soc2_pdf())
    return path


def use(page: Page, name: str) -> None:
    """Take a proposal over, and wait until the form has it."""
    taken = page.get_by_text("In the form", exact=True).count()
    page.get_by_role("button", name=f"Use {name}").first.click()
    expect(page.get_by_text("In the form", exact=True)).to_have_count(taken + 1)


def go_on(page: Page, section: str) -> None:
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", name=section, exact=True)).to_be_visible()


def begin(page: Page, paper: Path) -> None:
    page.goto("/vendors/larkspur/reports/workbench/")
    page.get_by_label("The vendor's report (PDF)").set_input_files(paper)
    page.get_by_role("button", name="Begin the review").click()


def read_the_letter(page: Page) -> None:
    """The first sections: three proposals taken, one set aside."""
    for name in ("Kind SOC 2 Type II", "Period", "Auditor Ridgeline"):
        use(page, name)
    expect(page.get_by_label("Period to")).to_have_value("2026-09-30")
    expect(page.get_by_role("heading", name="Page 4 of 63")).to_be_visible()
    page.get_by_role("button", name="Not this Auditor's letter").click()
    expect(page.get_by_text("Set aside", exact=True)).to_be_visible()
    expect(page.get_by_label("Auditor's letter of")).to_have_value("")
    assert not faults(page)
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("heading", name="Page 5 of 63")).to_be_visible()
    go_on(page, "Opinion")
    use(page, "Opinion Unqualified")
    go_on(page, "Scope")
    use(page, "Service Larkspur Transcribe")
    go_on(page, "Categories")
    use(page, "Categories Security")
    go_on(page, "Exceptions")


def read_the_lines(page: Page) -> None:
    """Exceptions, subservices and CUECs, from what is proposed."""
    use(page, "Exception LAC-07")
    page.get_by_label("Disposition").select_option("accepted")
    assert not faults(page)
    go_on(page, "Subservices")
    use(page, "Subservice Amazon Web Services")
    page.get_by_label("We rely on it").uncheck()
    go_on(page, "CUECs")
    settle(page)
    for box in page.locator("input[name=chosen]").all()[:2]:
        box.check()
    page.get_by_role("button", name="Use the chosen ones").click()
    expect(page.get_by_role("group", name="CUEC 2")).to_be_visible()
    go_on(page, "Bridge letters")
    go_on(page, "Verdict")


def test_an_officer_reviews_a_report_of_sixty_pages(portal_server, chromium_path, paper):
    portal_server.run_manage("shell", "-c", GROUND)
    with chromium(chromium_path) as browser:
        context, page = sign_in(browser, portal_server.url, "officer@example.com", DEMO_PASSWORD)
        begin(page, paper)
        page.get_by_role("button", name="Use Period").wait_for(timeout=120_000)
        shown = page.locator("#viewer img")
        assert shown.evaluate("image => image.decode().then(() => image.naturalWidth > 800)")
        read_the_letter(page)
        read_the_lines(page)
        page.get_by_label("Accepted with conditions").check()
        page.get_by_role("button", name="Add a condition").click()
        page.locator("#id_form-0-text").fill("Larkspur shows how leavers lose their access.")
        page.locator("#id_form-0-due_on").fill("2027-06-30")
        assert not faults(page)
        page.get_by_role("button", name="Record the report and the verdict").click()
        expect(page.get_by_text("The report and its review are recorded.")).to_be_visible()
        for said in ("LAC-07", "Amazon Web Services", "leavers lose their access", "In scope"):
            expect(page.get_by_text(said).first).to_be_visible()
        assert not faults(page)
        page.goto("/vendors/larkspur/?tab=services")
        row = page.get_by_role("row").filter(has_text="Larkspur Transcribe")
        expect(row.get_by_text("Current")).to_be_visible()
        page.goto("/cuecs/?vendor=larkspur")
        expect(page.get_by_role("row")).to_have_count(3)
        assert not faults(page)
        context.close()


def test_a_proposal_is_taken_over_without_javascript(portal_server, chromium_path, paper):
    with chromium(chromium_path) as browser:
        context, page = sign_in(
            browser, portal_server.url, "officer@example.com", DEMO_PASSWORD, scripts=False
        )
        page.goto("/vendors/")
        if not page.get_by_role("link", name="Larkspur Speech").count():
            portal_server.run_manage("shell", "-c", GROUND)
        begin(page, paper)
        period = page.get_by_role("button", name="Use Period")
        ask_until(page, period, page.get_by_role("button", name="Look again"))
        page.get_by_label("Auditor", exact=True).fill("Somebody else LLP")
        period.click()
        expect(page.get_by_label("Period from")).to_have_value("2025-10-01")
        expect(page.get_by_label("Auditor", exact=True)).to_have_value("Somebody else LLP")
        context.close()
