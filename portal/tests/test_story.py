"""The main job, as people do it: in a real browser, over real HTTP, with a real worker."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import zipfile
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import Browser, Page, expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import sign_in

TODAY = dt.datetime.now(dt.UTC).date()
YEAR = dt.timedelta(days=365)

# What an officer did in the weeks before: a vendor reviewed, its service and facts recorded.
GROUND = """
import datetime as dt
from django.contrib.auth import get_user_model
from django.utils import timezone
from vendors.models import Fact, Service, ServiceModel, ServiceRegion, Vendor
from vendors.services import facts, register

on = timezone.localdate()
officer = get_user_model().objects.get(email="officer@example.com")
vendor = Vendor(name="Lumen Models", slug="lumen-models", legal_name="Lumen Models Inc.")
vendor.full_clean()
vendor.save()
step = {"by": officer, "at": timezone.now()}
register.change_vendor_state(vendor, Vendor.State.IN_REVIEW, reason="Asked for.", **step)
register.review_vendor(vendor, on=on)
register.change_vendor_state(vendor, Vendor.State.APPROVED, reason="Reviewed.", **step)
service = Service(vendor=vendor, name="Lumen API", slug="lumen-api", provider="lumen")
regions = [ServiceRegion(region="us-east-1", guarantee="contract")]
register.save_service(service, [ServiceModel(pattern="lumen-*")], regions)
said = {"training_use": ("no", None), "retention_days": ("days", 0),
        "tls_minimum": ("1.3", None), "encryption_at_rest": ("aes-256", None)}
for dimension, (value, number) in said.items():
    fact = Fact(service=service, dimension=dimension, value=value, number=number,
                grade="contract", source="Master agreement, annex 2")
    facts.record_fact(fact, by=officer, on=on)
"""


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A PDF of one empty page."""
    path = tmp_path / "baa.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(path)
    return path


def fill(page: Page, **values: str) -> None:
    """Fill the fields of these names."""
    for name, value in values.items():
        page.locator(f"[name={name}]").fill(value)


def press(page: Page, label: str) -> None:
    page.get_by_role("main").get_by_role("button", name=label).click()


def as_person(browser: Browser, portal, role: str, *, scripts: bool) -> Page:
    email = f"{role}@example.com"
    return sign_in(browser, portal.url, email, DEMO_PASSWORD, scripts=scripts)[1]


def officer_records_the_baa(page: Page, paper: Path) -> None:
    page.goto("/vendors/lumen-models/agreements/new/")
    page.locator("[name=kind]").select_option("baa")
    fill(page, reference="BAA-2026-7", counterparty="Lumen Models Inc.")
    fill(page, starts_on=str(TODAY - YEAR), ends_on=str(TODAY + YEAR))
    page.locator("[name=document]").set_input_files(paper)
    page.get_by_label("Lumen API").first.check()
    press(page, "Record the agreement")
    expect(page.get_by_role("heading", level=1)).to_contain_text("BAA-2026-7")


def officer_records_the_report(page: Page, paper: Path) -> None:
    page.goto("/vendors/lumen-models/reports/new/")
    page.locator("[name=kind]").select_option("soc2_type2")
    fill(page, auditor="Hale & Moss LLP", period_start=str(TODAY - YEAR))
    fill(page, period_end=str(TODAY - dt.timedelta(days=40)))
    page.get_by_label("Lumen API in scope").select_option("yes")
    page.locator("[name=document]").set_input_files(paper)
    press(page, "Record the report")
    expect(page.get_by_text("It does not count yet")).to_be_visible()
    page.get_by_role("link", name="Review").click()
    page.locator("[name=review][value=accept]").check()
    page.get_by_role("main").locator("form button[type=submit]").first.click()
    expect(page.get_by_text("It does not count yet")).to_have_count(0)


def engineer_registers_it(page: Page) -> None:
    page.goto("/integrations/new/")
    fill(page, name="Intake summaries", purpose="treatment")
    fill(page, description="Summarises intake notes for the nurse on duty.")
    press(page, "Continue")
    page.locator("[name=data_classes][value=phi]").check()
    press(page, "Continue")
    page.locator("[name=service]").select_option("lumen-api")
    fill(page, model_patterns="lumen-large", region="us-east-1")
    press(page, "Continue")
    expect(page.get_by_text("Until an officer approves it, every call is denied")).to_be_visible()
    press(page, "Continue")
    expect(page.get_by_text("Would be ALLOWED once approved")).to_be_visible()
    expect(page.get_by_text("BAA-2026-7")).to_be_visible()
    press(page, "Submit for approval")
    expect(page.get_by_text("Submitted for approval.")).to_be_visible()
    expect(page.get_by_text("Integration not active").first).to_be_visible()


def officer_approves_it(page: Page) -> None:
    page.goto("/integrations/intake-summaries/decide/")
    press(page, "Approve")
    expect(page.get_by_text("Approved").first).to_be_visible()


def engineer_gets_the_snippet(page: Page) -> str:
    page.goto("/integrations/intake-summaries/keys/new/")
    fill(page, name="first")
    press(page, "Make the key")
    secret = page.get_by_role("group", name="Key").inner_text()
    snippet = page.get_by_role("group", name="Python").inner_text()
    page.goto("/integrations/intake-summaries/?tab=keys")
    assert secret not in page.content()
    return snippet


def run_snippet(snippet: str) -> str:
    done = subprocess.run(
        [sys.executable, "-"], input=snippet, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def officer_terminates_the_baa(page: Page) -> None:
    page.goto("/vendors/lumen-models/?tab=agreements")
    page.get_by_role("link", name="BAA-2026-7").first.click()
    page.get_by_role("link", name="Terminate").click()
    fill(page, terminated_on=str(TODAY), reason="The vendor was sold.")
    press(page, "Terminate")
    expect(page.get_by_text("Terminated").first).to_be_visible()


def officer_runs_the_checks(page: Page) -> None:
    page.goto("/findings/")
    press(page, "Run the checks now")
    for _ in range(120):
        page.goto("/findings/")
        if page.get_by_role("main").get_by_text("Intake summaries").count():
            break
        page.wait_for_timeout(500)
    expect(page.get_by_role("main")).to_contain_text("Intake summaries")


def auditor_builds_a_pack(page: Page, folder: Path) -> Path:
    page.goto("/packs/new/")
    fill(page, title="Quarterly evidence")
    page.get_by_role("main").locator("form button[type=submit]").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Quarterly evidence")
    download = page.get_by_role("link", name="Download")
    # The page asks for its progress by itself, and ends with the link.
    download.wait_for(timeout=120_000)
    with page.expect_download() as started:
        download.click()
    path = folder / "pack.zip"
    started.value.save_as(path)
    return path


def check_manifest(pack: Path) -> None:
    """What VERIFY.txt tells an auditor to do."""
    with zipfile.ZipFile(pack) as opened:
        opened.extractall(pack.parent)
        root = pack.parent / opened.namelist()[0].split("/")[0]
    folder = root if root.is_dir() and (root / "manifest-sha256.txt").exists() else pack.parent
    done = subprocess.run(
        ["sha256sum", "-c", "--quiet", "manifest-sha256.txt"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    calls = (folder / "data/populations/calls.csv").read_text()
    assert "allow" in calls
    assert "baa-expired" in calls


@pytest.mark.browser
def test_an_expired_agreement_stops_the_next_call_and_all_of_it_is_evidence(
    portal_server, browser, paper, tmp_path
):
    portal_server.run_manage("shell", "--no-imports", "-c", GROUND)
    # No task needs JavaScript: two of them work without it.
    officer = as_person(browser, portal_server, "officer", scripts=False)
    officer_records_the_baa(officer, paper)
    officer_records_the_report(officer, paper)
    engineer = as_person(browser, portal_server, "engineer", scripts=False)
    engineer_registers_it(engineer)
    officer_approves_it(officer)
    snippet = engineer_gets_the_snippet(engineer)
    answer = run_snippet(snippet)
    assert "decision: allow" in answer
    assert "recorded:" in answer
    officer_terminates_the_baa(officer)
    assert "decision: deny baa-expired" in run_snippet(snippet)
    officer_runs_the_checks(officer)
    auditor = as_person(browser, portal_server, "auditor", scripts=True)
    check_manifest(auditor_builds_a_pack(auditor, tmp_path))
