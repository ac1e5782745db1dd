"""The import with errors, as a person does it: uploaded, read, corrected, confirmed."""

import re

import pytest
from playwright.sync_api import expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import chromium, faults, settle, sign_in

pytestmark = pytest.mark.browser

HEAD = "Company;Legal entity;Criticality;Owner;Remark\n"
BAD = (
    HEAD
    + "Marigold Speech;Marigold Speech Ltd;High;officer@example.org;ours\n"
    + "Tansy Vision;Tansy GmbH & Co. KG Zürich;huge;officer@example.org;\n"
    + "Yarrow;;low;nobody@example.org;\n"
    + "marigold speech;;low;;again\n"
)
GOOD = (
    HEAD
    + "Marigold Speech;Marigold Speech Ltd;High;officer@example.org;ours\n"
    + "Tansy Vision;Tansy GmbH & Co. KG Zürich;critical;officer@example.org;\n"
    + "Yarrow;;low;;\n"
)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_an_import_with_errors_is_corrected_and_confirmed(  # noqa: PLR0915 - one story
    portal_server, chromium_path, tmp_path, scripts
):
    email = "officer@example.com"
    suffix = "" if scripts else " two"
    with chromium(chromium_path) as browser:
        context, page = sign_in(browser, portal_server.url, email, DEMO_PASSWORD, scripts=scripts)
        page.goto("/vendors/")
        page.get_by_role("link", name="Import", exact=True).click()
        page.get_by_role("link", name="Import a file").first.click()
        _upload(page, tmp_path / "list.csv", BAD, email, suffix, encoding="cp1252")
        expect(page.get_by_text("Windows-1252, since it is not valid UTF-8")).to_be_visible()
        assert page.get_by_label("Vendor", exact=True).locator("option:checked").text_content() == (
            "Company"
        )
        expect(page.get_by_text("Left out of the import: Remark.")).to_be_visible()
        page.get_by_role("button", name="Show what would change").click()

        expect(page.get_by_text("Some lines cannot be imported")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^Import"))).to_have_count(0)
        page.get_by_role("link", name=re.compile("^Errors")).click()
        rows = page.get_by_role("region", name="Lines of the file").get_by_role("row")
        expect(rows).to_have_count(4)
        expect(rows.nth(1)).to_contain_text("Write one of: Low, Medium, High, Critical.")
        expect(rows.nth(2)).to_contain_text("No active person has this address.")
        expect(rows.nth(3)).to_contain_text("Line 2 names the same.")
        if scripts:
            assert faults(page) == []
        with page.expect_download() as download:
            page.get_by_role("link", name="Lines with errors as CSV").click()
        assert download.value.suggested_filename.endswith("-errors.csv")

        page.get_by_role("link", name="Upload the corrected file").click()
        _upload(page, tmp_path / "list.csv", GOOD, email, suffix, encoding="utf-8")
        page.get_by_role("button", name="Show what would change").click()
        page.get_by_role("button", name="Import 3 lines").click()
        for _ in range(120):
            settle(page)
            if page.get_by_text("Every line was stored.").is_visible():
                break
            page.wait_for_timeout(500)
            page.reload()
        expect(page.get_by_text("Every line was stored.")).to_be_visible()
        if scripts:
            assert faults(page) == []
        page.get_by_role("link", name=f"Tansy Vision{suffix}").click()
        expect(page.get_by_role("heading", name=f"Tansy Vision{suffix}", level=1)).to_be_visible()
        expect(page.get_by_text("Tansy GmbH & Co. KG Zürich").first).to_be_visible()
        context.close()


def _upload(page, path, text, email, suffix, *, encoding):
    text = text.replace("officer@example.org", email)
    for name in ("Marigold Speech;", "Tansy Vision;", "Yarrow;", "marigold speech;"):
        text = text.replace(f"\n{name}", f"\n{name[:-1]}{suffix};")
    path.write_bytes(text.encode(encoding))
    page.get_by_role("radio", name="Vendors").check()
    page.get_by_label("CSV or XLSX file").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
