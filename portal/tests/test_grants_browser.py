"""A grant from request to end, and emergency access; the gate is asked before and after."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import Browser, Page, expect

from conftest import DEMO_PASSWORD, Portal
from portal.tests.browsing import faults, sign_in, visit

pytestmark = pytest.mark.browser
# An integration for known actors only, and a key that asks the gate without a record.
GROUND = """
from django.utils import timezone
from policies.services.people import officers
from policies.tests import make

use = make.active_integration(slug="night-desk", name="Night desk", known_actors_only=True)
secret = make.key(use, scopes=["decide"], at=timezone.now())[1]
print("SECRET", secret)
"""
# The end of what stands comes now rather than at midnight: no service can do that.
EXPIRE = """
from django.db import connection, transaction

with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("ALTER TABLE policies_grant DISABLE TRIGGER keep_versions")
    cursor.execute("UPDATE policies_grant SET ends_at = now() WHERE state = 'standing' "
                   "AND integration_id = (SELECT id FROM policies_integration "
                   "WHERE slug = 'night-desk')")
    cursor.execute("ALTER TABLE policies_grant ENABLE TRIGGER keep_versions")
"""


class Gate:
    """Asks the portal's gate whether the engineer may send a prompt at this moment."""

    def __init__(self, portal: Portal) -> None:
        self.url = f"{portal.url}/api/v1/decisions"
        said = portal.run_manage("shell", "--no-imports", "-c", GROUND)
        self.secret = said.split("SECRET ")[1].split()[0]

    def reasons(self) -> list[str]:
        body = {
            "model": "gpt-4.1",
            "region": "us-east-1",
            "phi_present": True,
            "data_classes": ["phi"],
            "actor": {"type": "user", "id": "engineer@example.com"},
        }
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return [each["code"] for each in json.load(answer).get("reasons", [])]

    def lets_in(self) -> bool:
        return "principal-not-granted" not in self.reasons()


def press(page: Page, label: str) -> None:
    page.get_by_role("main").get_by_role("button", name=label, exact=True).click()


def test_a_grant_from_request_to_end_and_an_emergency(portal_server, browser: Browser):
    gate = Gate(portal_server)
    url = portal_server.url
    mine = sign_in(browser, url, "engineer@example.com", DEMO_PASSWORD)[1]
    officer = sign_in(browser, url, "officer@example.com", DEMO_PASSWORD)[1]
    assert not gate.lets_in()
    ask(mine)
    assert not gate.lets_in()
    approve(officer)
    assert gate.lets_in()
    visit(officer, "/access/matrix/")
    expect(officer.get_by_role("cell", name="Send by a grant")).to_be_visible()
    assert faults(officer) == []
    portal_server.run_manage("shell", "--no-imports", "-c", EXPIRE)
    assert not gate.lets_in()
    break_in(mine)
    assert gate.lets_in()
    end_and_review(officer)
    assert not gate.lets_in()


def ask(page: Page) -> None:
    visit(page, "/access/mine/")
    assert faults(page) == []
    page.get_by_role("main").get_by_role("link", name="Ask for a grant").click()
    page.get_by_label("Integration").select_option("night-desk")
    page.get_by_label("Send prompts").check()
    page.get_by_label("What for").fill("Notes of the night shift.")
    assert faults(page) == []
    press(page, "Ask")
    expect(page.get_by_text("somebody else decides")).to_be_visible()


def approve(page: Page) -> None:
    visit(page, "/")
    page.get_by_role("link", name="Send prompts", exact=False).or_(
        page.get_by_role("link", name="send prompts", exact=False)
    ).first.click()
    expect(page.get_by_text("Notes of the night shift.")).to_be_visible()
    assert faults(page) == []
    press(page, "Approve")
    expect(page.get_by_text("it holds from now on")).to_be_visible()


def break_in(page: Page) -> None:
    visit(page, "/access/emergency/new/")
    page.get_by_label("Integration").select_option("night-desk")
    page.get_by_label("Send prompts").check()
    page.get_by_label("Reason").fill("The desk is alone and a patient waits.")
    assert faults(page) == []
    press(page, "Take access now")
    expect(page.get_by_text("Every officer is told of it")).to_be_visible()


def end_and_review(page: Page) -> None:
    visit(page, "/access/emergency/")
    assert faults(page) == []
    page.get_by_role("row", name="Night desk").get_by_role("link").first.click()
    page.get_by_role("main").get_by_role("link", name="Withdraw").click()
    press(page, "Withdraw")
    expect(page.get_by_text("in force for the next call")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Review").click()
    page.get_by_role("textbox", name="What you found").fill("It was needed, and short.")
    press(page, "Reviewed")
    expect(page.get_by_text("It was needed, and short.").first).to_be_visible()
