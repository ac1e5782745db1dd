"""Idle logoff in Chromium: a page that asks by itself keeps nobody signed in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conftest import DEMO_PASSWORD, fresh_portal
from portal.tests.browsing import chromium, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("own_portal")]
IDLE_SECONDS = 12


def test_who_does_nothing_is_warned_may_stay_and_is_signed_out(chromium_path):
    settings = {"SESSION_IDLE_SECONDS": str(IDLE_SECONDS)}
    with (
        fresh_portal("own", ("setup", "--people"), settings) as portal,
        chromium(chromium_path) as browser,
    ):
        context, page = sign_in(browser, portal.url, "auditor@example.com", DEMO_PASSWORD)
        portal.stop_worker()
        asked = []
        page.goto("/packs/new/")
        page.get_by_label("Title").fill("Fieldwork")
        page.get_by_role("button", name="Make the pack").click()
        page.get_by_text("Waiting for a worker").wait_for()
        here = page.url
        page.on("request", lambda each: asked.append(each.headers.get("x-polling")))
        # The warning takes the keyboard; a press of a key stays.
        warning = page.get_by_role("alertdialog", name="You are about to be signed out")
        warning.wait_for(timeout=IDLE_SECONDS * 1000)
        expect(page.get_by_role("button", name="Stay signed in")).to_be_focused()
        page.keyboard.press("Enter")
        expect(warning).to_be_hidden()
        # Nobody does anything any more; the page goes on asking, and that is no activity.
        page.wait_for_url(re.compile("/accounts/login/.*ended=(idle|over)"), timeout=40_000)
        assert asked.count("1") >= 3
        page.get_by_text("You were signed out").wait_for()
        assert page.get_by_text("Fieldwork").count() == 0
        page.get_by_label("E-mail").fill("auditor@example.com")
        page.get_by_label("Password").fill(DEMO_PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(here)
        context.close()
