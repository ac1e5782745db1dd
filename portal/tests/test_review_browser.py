"""An officer goes through the checklist, approves until a day, and the gate's answer ends then."""

import datetime as dt

import pytest
from playwright.sync_api import Page, expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import settle, sign_in
from vendors.checklist import SECTIONS

TODAY = dt.datetime.now(dt.UTC).date()
DUE = TODAY + dt.timedelta(days=40)

# A vendor in review whose papers are in order; nobody has gone through the checklist.
GROUND = """
import datetime as dt
from django.contrib.auth import get_user_model
from django.utils import timezone
from vendors.models import (Agreement, AssuranceReport, CoveredScope, Fact, ReportScope, Service,
                            ServiceModel, ServiceRegion, Vendor)
from vendors.services import agreements, facts, register, reports

on = timezone.localdate()
year = dt.timedelta(days=365)
officer = get_user_model().objects.get(email="officer@example.com")
vendor = Vendor(name="Harrow Models", slug="harrow-models", legal_name="Harrow Models Inc.")
vendor.full_clean()
vendor.save()
register.change_vendor_state(vendor, "in_review", reason="New.", by=officer, at=timezone.now())
service = Service(vendor=vendor, name="Harrow API", slug="harrow-api", provider="harrow")
regions = [ServiceRegion(region="us-east-1", guarantee="contract")]
register.save_service(service, [ServiceModel(pattern="harrow-*")], regions)
said = {"training_use": ("no", None), "retention_days": ("days", 0),
        "tls_minimum": ("1.3", None), "encryption_at_rest": ("aes-256", None)}
for dimension, (value, number) in said.items():
    fact = Fact(service=service, dimension=dimension, value=value, number=number,
                grade="contract", source="Master agreement, annex 2")
    facts.record_fact(fact, by=officer, on=on)
baa = Agreement(vendor=vendor, kind="baa", reference="BAA-1", counterparty="Harrow Models Inc.",
                our_role="covered_entity", starts_on=on - year, ends_on=on + year)
agreements.record_agreement(baa, [CoveredScope(service=service)], by=officer)
report = AssuranceReport(vendor=vendor, kind="soc2_type2", auditor="Hale & Moss LLP",
                         period_start=on - year, period_end=on - dt.timedelta(days=30))
reports.record_report(report, [ReportScope(service=service, in_scope="yes")], by=officer)
reports.review_report(report, "accept", by=officer, on=on)
"""


def press(page: Page, label: str) -> None:
    page.get_by_role("main").get_by_role("button", name=label, exact=True).click()


def answer_everything(page: Page) -> None:
    """Yes to each question of each section, the first one resting on what the register offers."""
    for section in SECTIONS:
        expect(page.get_by_role("heading", level=1)).to_have_text(section.title)
        settle(page)
        for choice in page.locator("input[type=radio][value=yes]").all():
            choice.check()
        if section.code == "baa":
            expect(page.locator("#baa-signed .reasons")).to_contain_text("covers 1 of 1 service")
            rests = page.locator("#baa-signed select")
            rests.select_option(index=1)
        last = section is SECTIONS[-1]
        press(page, "Keep and sign off" if last else "Keep and go on")


def sign_off(page: Page) -> None:
    page.locator("[name=outcome][value=valid]").check()
    page.locator("[name=note]").fill("All of it is in order but the penetration test.")
    press(page, "Sign off")
    expect(page.get_by_text("The review is signed off.")).to_be_visible()


def approve_until(page: Page, due: dt.date) -> None:
    page.locator("[name=state][value=approved_with_conditions]").check()
    page.locator("[name=reason]").fill("One report is still to come.")
    page.locator("[name=conditions-0-text]").fill("Send the penetration test.")
    page.locator("[name=conditions-0-due_on]").fill(due.isoformat())
    press(page, "Change the state")
    expect(page.get_by_text("The state is now: Approved with conditions.")).to_be_visible()
    expect(page.get_by_role("link", name="Met : Send the penetration test.")).to_be_visible()


@pytest.mark.browser
def test_an_approval_with_a_condition_ends_the_verdict_on_its_day(portal_server, browser):
    portal_server.run_manage("shell", "--no-imports", "-c", GROUND)
    page = sign_in(browser, portal_server.url, "officer@example.com", DEMO_PASSWORD)[1]
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto("/vendors/harrow-models/verdict/")
    expect(page.locator("#verdict")).not_to_contain_text("until")
    page.goto("/vendors/harrow-models/review/")
    press(page, "Begin the review")
    answer_everything(page)
    sign_off(page)
    approve_until(page, DUE)
    page.goto("/vendors/harrow-models/verdict/")
    expect(page.locator("#verdict")).to_contain_text(f"until {DUE.day} {DUE:%B %Y}")
    page.goto("/vendors/harrow-models/?tab=reviews")
    page.get_by_role("link", name=f"Review of {TODAY.day} {TODAY:%b %Y}").click()
    expect(page.get_by_role("link", name="BAA-1")).to_be_visible()
    assert broken == []
