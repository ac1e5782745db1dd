"""An auditor makes a pack in a real browser, with a real worker, and checks it with sha256sum."""

from __future__ import annotations

import subprocess
import zipfile

import pytest

from conftest import DEMO_PASSWORD
from portal.tests.browsing import ask_until, chromium, complaints, faults, sign_in

pytestmark = pytest.mark.browser


def checked(pack, folder):
    """What sha256sum says of an unpacked pack, all of whose files are whole."""
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(folder)
    (bag,) = folder.iterdir()
    done = subprocess.run(
        ["/usr/bin/env", "sha256sum", "-c", "--strict", "manifest-sha256.txt"],
        cwd=bag,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_auditor_builds_watches_downloads_and_checks_a_pack(
    portal_server, chromium_path, tmp_path
):
    with chromium(chromium_path) as browser:
        context, page = sign_in(browser, portal_server.url, "auditor@example.com", DEMO_PASSWORD)
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.goto("/packs/")
        page.get_by_role("link", name="Make an evidence pack").first.click()
        page.get_by_label("Title").fill("Fieldwork")
        assert not faults(page)
        # While the worker is away the page says that the pack waits, and keeps asking.
        portal_server.stop_worker()
        page.get_by_role("button", name="Make the pack").click()
        page.get_by_text("Waiting for a worker").wait_for()
        assert page.get_by_role("button", name="Cancel").is_visible()
        assert not faults(page)
        portal_server.start_worker()
        link = page.get_by_role("link", name="Download")
        link.wait_for(timeout=120_000)
        assert not faults(page)
        with page.expect_download() as waiting:
            link.click()
        waiting.value.save_as(tmp_path / "pack.zip")
        assert waiting.value.suggested_filename.endswith("-unsigned.zip")
        page.reload()
        page.get_by_text("Downloaded", exact=True).wait_for()
        assert not complaints(said)
        context.close()
    assert "data/report.pdf: OK" in checked(tmp_path / "pack.zip", tmp_path / "pack")


def test_a_pack_is_made_without_javascript(portal_server, chromium_path):
    with chromium(chromium_path) as browser:
        context = browser.new_context(base_url=portal_server.url, java_script_enabled=False)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.get_by_label("E-mail").fill("auditor@example.com")
        page.get_by_label("Password").fill(DEMO_PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.goto("/packs/new/")
        page.get_by_label("Title").fill("Without scripts")
        page.get_by_role("button", name="Make the pack").click()
        download = page.get_by_role("link", name="Download")
        ask_until(page, download, page.get_by_role("link", name="Refresh"))
        assert download.is_visible()
        context.close()
