"""The checks through a real web server, Redis and worker: asked for while the worker is down."""

import datetime as dt

import pytest
from playwright.sync_api import expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import chromium, sign_in

OVERDUE_VENDOR = """
from vendors.models import Vendor
Vendor.objects.create(
    name="Kestrel Vision", slug="kestrel-vision", state="approved", next_review_on="{day}"
)
"""


@pytest.mark.browser
def test_what_was_asked_for_while_the_worker_was_down_is_done_when_it_is_back(
    portal_server, chromium_path
):
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=2)
    portal_server.run_manage("shell", "-v", "0", "-c", OVERDUE_VENDOR.format(day=yesterday))
    portal_server.stop_worker()
    with chromium(chromium_path) as browser:
        context, page = sign_in(browser, portal_server.url, "officer@example.com", DEMO_PASSWORD)
        page.goto("/findings/")
        page.get_by_role("button", name="Run the checks now").click()
        expect(page.get_by_text("The checks are running")).to_be_visible()
        finding = page.get_by_role("row").filter(has_text="Kestrel Vision")
        expect(finding).to_have_count(0)
        portal_server.start_worker()
        # Nobody reloads the page: it looks by itself until the run is done.
        expect(finding).to_be_visible(timeout=20_000)
        expect(finding).to_contain_text("Vendor review due")
        expect(finding).to_contain_text("2 days ago")
        expect(page.get_by_text("The checks are running")).to_have_count(0)
        expect(page.get_by_text("last checked")).to_be_visible()
        context.close()
    log = (portal_server.logs / "worker.log").read_text()
    assert "Subject: Countersign:" in log  # the mail of the one-command mode: on the console
    assert "To: officer@example.com" in log
