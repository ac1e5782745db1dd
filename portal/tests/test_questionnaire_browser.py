"""A questionnaire from the officer to the vendor and back, in a browser.

The vendor has no account, and answers without JavaScript; where it runs, questions appear at once.
"""

from __future__ import annotations

import re
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import Browser, Page, expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import WIDE, faults, sign_in

GROUND = """
from vendors.models import Questionnaire, Vendor
from vendors.tests import make, make_inquiries
if not Questionnaire.objects.filter(slug="short").exists():
    vendor = make.vendor("Heron Models", slug="heron-models")
    make.service(vendor, name="Heron API", slug="heron-api", facts=False)
    make_inquiries.published(slug="short", title="Short set")
"""
EXPIRE = """
import datetime as dt
from django.utils import timezone
from vendors.models import Inquiry
Inquiry.objects.filter(state__in=["sent", "opened"]).update(
    expires_at=timezone.now() - dt.timedelta(minutes=1)
)
"""


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A PDF of one empty page."""
    path = tmp_path / "terms.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(path)
    return path


@pytest.fixture
def officer(portal_server, browser) -> Page:
    portal_server.run_manage("shell", "--no-imports", "-c", GROUND)
    return sign_in(browser, portal_server.url, "officer@example.com", DEMO_PASSWORD)[1]


def press(page: Page, label: str) -> None:
    page.get_by_role("main").get_by_role("button", name=label).click()


def send(officer: Page) -> str:
    """Send the short set about the service. Returns: the path of the link, shown this once."""
    officer.goto("/vendors/heron-models/?tab=questionnaires")
    officer.get_by_role("main").get_by_role("link", name=re.compile("^Send")).first.click()
    officer.locator("[name=questionnaire]").select_option(label="Short set, version 1")
    officer.locator("[name=service]").select_option(label="Heron API")
    officer.locator("[name=contact]").fill("trust@heron.example")
    officer.locator("[name=delivery][value=copy]").check()
    press(officer, "Send")
    link = officer.get_by_role("group", name="Link").inner_text().strip()
    with officer.expect_navigation():
        officer.get_by_role("link", name="I have copied it").click()
    assert link not in officer.content()
    return link[link.index("/q/") :]


def stranger(browser: Browser, portal, *, scripts: bool) -> Page:
    """A window in which nobody is signed in."""
    context = browser.new_context(base_url=portal.url, viewport=WIDE, java_script_enabled=scripts)
    return context.new_page()


def answer_all(vendor: Page, link: str, paper: Path) -> None:
    vendor.goto(link)
    vendor.get_by_role("link", name="Begin or go on").click()
    expect(vendor.get_by_text("Why do you?")).to_have_count(0)
    vendor.get_by_label("Yes", exact=True).check()
    vendor.get_by_role("button", name="Save", exact=True).click()
    expect(vendor.get_by_text("Why do you?")).to_be_visible()
    vendor.get_by_label("No", exact=True).check()
    vendor.locator("input[type=file]").set_input_files(paper)
    press(vendor, "Save and continue")
    vendor.get_by_label("For how many days is it kept?").fill("-5")
    press(vendor, "Save and continue")
    expect(vendor.get_by_role("alert")).to_contain_text("whole number")
    vendor.get_by_label("For how many days is it kept?").fill("30")
    press(vendor, "Save and continue")
    expect(vendor.get_by_text("terms.pdf")).to_be_visible()
    press(vendor, "Submit the answers")
    expect(vendor.get_by_role("heading", level=1)).to_have_text("Thank you")


@pytest.mark.browser
def test_the_vendor_answers_by_a_link_and_an_accepted_answer_becomes_a_fact(
    officer, portal_server, browser, paper
):
    link = send(officer)
    inquiry = officer.url
    answer_all(stranger(browser, portal_server, scripts=False), link, paper)
    officer.goto(inquiry)
    expect(officer.get_by_text("The answers wait for your review")).to_be_visible()
    officer.get_by_role("button", name="Accept T1").click()
    press(officer, "Accept the other 1")
    press(officer, "Close the review")
    officer.get_by_role("link", name=re.compile("^Facts")).click()
    row = officer.get_by_role("row").filter(has_text="Training on our data")
    row.get_by_label("Grade").select_option("contract")
    row.get_by_label("Page").fill("3")
    press(officer, "Record what is ticked")
    expect(officer.get_by_text("2 facts recorded.")).to_be_visible()
    officer.goto("/services/heron-api/facts/training_use/")
    said = officer.get_by_role("main")
    expect(said).to_contain_text("Questionnaire Short set, version 1, question T1")
    expect(said).to_contain_text("Contract")


@pytest.mark.browser
def test_questions_appear_at_once_where_scripts_run_and_an_ended_link_says_so(
    officer, portal_server, browser
):
    link = send(officer)
    vendor = stranger(browser, portal_server, scripts=True)
    vendor.goto(link)
    assert faults(vendor) == []
    vendor.get_by_role("link", name="Begin or go on").click()
    vendor.get_by_label("Yes", exact=True).check()
    expect(vendor.get_by_text("Why do you?")).to_be_visible()
    assert faults(vendor) == []
    vendor.get_by_label("No", exact=True).check()
    expect(vendor.get_by_text("Why do you?")).to_have_count(0)
    vendor.goto(f"{link}submit/")
    expect(vendor.get_by_text("Some answers are missing")).to_be_visible()
    assert faults(vendor) == []
    portal_server.run_manage("shell", "--no-imports", "-c", EXPIRE)
    vendor.goto(link)
    expect(vendor.get_by_role("heading", level=1)).to_have_text("This link has ended")
    assert "Heron" not in vendor.content()
    officer.reload()
    expect(officer.get_by_text("The link ended before the vendor submitted")).to_be_visible()
    assert faults(officer) == []
