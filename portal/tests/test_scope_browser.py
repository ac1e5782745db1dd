"""A BAA that does not cover the model in use stops the call, until an officer amends it."""

from __future__ import annotations

import datetime as dt
import json
import urllib.request
import uuid

import pytest
from playwright.sync_api import Page, expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import chromium, faults, sign_in

pytestmark = pytest.mark.browser
TODAY = dt.datetime.now(dt.UTC).date()

# An integration of which everything is in order but that the BAA covers another model.
GROUND = """
import datetime as dt
from django.contrib.auth import get_user_model
from django.utils import timezone
from policies.models import DataClass
from policies.services import keys, lifecycle
from vendors.clauses import BAA
from vendors.models import Agreement, AssuranceReport, CoveredScope, Fact, ReportScope, Service
from vendors.models import ServiceModel, ServiceRegion, Vendor
from vendors.services import agreements, clauses, facts, register, reports

at, on = timezone.now(), timezone.localdate()
year = dt.timedelta(days=365)
people = get_user_model().objects
officer = people.get(email="officer@example.com")
engineer = people.get(email="engineer@example.com")
vendor = Vendor(name="Tern Models", slug="tern-models", legal_name="Tern Models Inc.",
                state="approved", last_reviewed_on=on, next_review_on=on + year)
vendor.full_clean()
vendor.save()
service = register.save_service(
    Service(vendor=vendor, name="Tern API", slug="tern-api", provider="tern"),
    [ServiceModel(pattern="tern-*")], [ServiceRegion(region="us-east-1", guarantee="contract")])
said = {"training_use": ("no", None), "retention_days": ("days", 0),
        "tls_minimum": ("1.3", None), "encryption_at_rest": ("aes-256", None)}
for dimension, (value, number) in said.items():
    facts.record_fact(Fact(service=service, dimension=dimension, value=value, number=number,
                           grade="contract", source="Master agreement"), by=officer, on=on)
report = reports.record_report(
    AssuranceReport(vendor=vendor, kind="soc2_type2", auditor="Hale & Moss LLP",
                    period_start=on - year, period_end=on - dt.timedelta(days=30)),
    [ReportScope(service=service, in_scope="yes")], by=officer)
reports.review_report(report, "accept", by=officer, on=on)
baa = agreements.record_agreement(
    Agreement(vendor=vendor, kind="baa", reference="BAA-TERN", counterparty="Tern Models Inc.",
              our_role="covered_entity", starts_on=on - year, ends_on=on + year, notice_days=30),
    [CoveredScope(service=service, model_pattern="tern-small", region="us-east-1")], by=officer)
clauses.read_clauses(
    baa, [clauses.ClauseAnswer(each.code, "present", "4") for each in BAA], by=officer, on=on)
use = lifecycle.create_draft(
    {"slug": "discharge-letters", "name": "Discharge letters", "purpose": "treatment",
     "description": "Drafts letters.", "service": service, "model_patterns": ["tern-large"],
     "region": "us-east-1"}, [DataClass.objects.get(slug="phi")], by=engineer, at=at)
lifecycle.submit(use, by=engineer, at=at)
lifecycle.approve(use, by=officer, at=at)
key, secret = keys.issue_key(use, keys.KeyTerms(name="ward"), by=engineer, at=at)
print("SECRET", secret, baa.pk)
"""


def ask(url: str, secret: str) -> dict:
    """What the API answers to a call with the model in use."""
    body = {
        "call_id": str(uuid.uuid4()),
        "provider": "tern",
        "operation": "chat",
        "model": "tern-large",
        "region": "us-east-1",
        "phi_present": True,
        "actor": {"type": "service", "id": "ward"},
    }
    request = urllib.request.Request(
        f"{url}/api/v1/calls",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def amend(page: Page, baa: int) -> None:
    """Add a part for the model in use, by a button, and record the version of today."""
    page.goto(f"/agreements/{baa}/amend/")
    page.locator("[name=starts_on]").fill(str(TODAY))
    page.locator("[name=ends_on]").fill(str(TODAY + dt.timedelta(days=365)))
    expect(page.locator("[name=scopes-0-model_pattern]")).to_have_value("tern-small")
    page.get_by_role("button", name="Add a part").click()
    page.locator("[name=scopes-1-service]").select_option(label="Tern API")
    page.locator("[name=scopes-1-model_pattern]").fill("tern-large")
    page.locator("[name=scopes-1-page]").fill("12")
    expect(page.locator("[name=starts_on]")).to_have_value(str(TODAY))
    page.get_by_role("button", name="Record the new version", exact=True).click()
    expect(page.get_by_text("Version 2, with Tern Models Inc.")).to_be_visible()


def test_a_model_that_the_baa_does_not_cover_is_denied_until_it_is_amended(
    portal_server, chromium_path
):
    told = portal_server.run_manage("shell", "--no-imports", "-c", GROUND)
    secret, baa = told.rsplit("SECRET ", 1)[1].split()
    denied = ask(portal_server.url, secret)
    assert denied["decision"] == "deny"
    assert [reason["code"] for reason in denied["reasons"]] == ["baa-scope"]
    with chromium(chromium_path) as browser:
        _, page = sign_in(browser, portal_server.url, "officer@example.com", DEMO_PASSWORD)
        page.goto(f"/agreements/{baa}/")
        expect(page.get_by_role("cell", name="tern-small")).to_be_visible()
        uncovered = page.locator("#agreement-uncovered")
        expect(uncovered).to_contain_text("Discharge letters")
        assert not faults(page)
        amend(page, int(baa))
        expect(page.get_by_text("new in this version")).to_have_count(1)
        expect(uncovered).to_contain_text("None")
        expect(page.get_by_text("Covers Tern API, models tern-large")).to_be_visible()
        expect(page.get_by_text("15 clause readings carried over")).to_be_visible()
        assert not faults(page)
        allowed = ask(portal_server.url, secret)
        assert allowed["decision"] == "allow", allowed
        page.get_by_role("link", name="Clauses", exact=True).click()
        assert not faults(page)
        page.goto("/agreements/?q=tern")
        assert not faults(page)
        page.goto("/vendors/tern-models/agreements/new/")
        assert not faults(page)


def test_an_amendment_needs_no_javascript(portal_server, chromium_path):
    program = GROUND.replace("tern-", "plover-").replace("Tern", "Plover").replace("TERN", "PLOVER")
    told = portal_server.run_manage(
        "shell", "--no-imports", "-c", program.replace("discharge-letters", "plover-letters")
    )
    _, baa = told.rsplit("SECRET ", 1)[1].split()
    with chromium(chromium_path) as browser:
        _, page = sign_in(
            browser, portal_server.url, "officer@example.com", DEMO_PASSWORD, scripts=False
        )
        page.goto(f"/agreements/{baa}/amend/")
        page.locator("[name=starts_on]").fill(str(TODAY))
        page.get_by_role("button", name="Add a part").click()
        expect(page.locator("[name=starts_on]")).to_have_value(str(TODAY))
        page.locator("[name=scopes-1-service]").select_option(label="Plover API")
        page.locator("[name=scopes-1-model_pattern]").fill("plover-large")
        page.get_by_role("button", name="Remove part 1").click()
        expect(page.locator("[name=scopes-0-model_pattern]")).to_have_value("plover-large")
        page.get_by_role("button", name="Record the new version", exact=True).click()
        expect(page.get_by_text("Version 2, with Plover Models Inc.")).to_be_visible()
