"""What the browser tests share: Chromium, signing in, and looking at a page with axe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Two cores are shared with everything else that is tested: what is late is not yet wrong.
expect.set_options(timeout=20_000)
OF_FAULTS = {"resultTypes": ["violations"]}
# What another theme can break: its colours.
OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"], **OF_FAULTS}
# What Chromium tells of no fault: what a sign-out made it forget, and a field that somebody was
# quicker to fill than the page to choose.
NO_COMPLAINTS = ("Clear-Site-Data header on", "Autofocus processing was blocked")
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Debian's Chromium, without a network of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def sign_in(
    browser: Browser, url: str, email: str, password: str, *, scripts: bool = True
) -> tuple[BrowserContext, Page]:
    """A window of its own in which this person is signed in; without JavaScript if asked so."""
    context = browser.new_context(base_url=url, viewport=WIDE, java_script_enabled=scripts)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(url + "/")
    return context, page


def visit(page: Page, address: str) -> None:
    """Open the page, and wait for the parts of it that come by themselves."""
    page.goto(address)
    page.wait_for_selector(".htmx-request", state="detached")


def complaints(said: Iterable[str]) -> list[str]:
    """What a console said, without what is no fault."""
    return [text for text in said if not text.startswith(NO_COMPLAINTS)]


def settle(page: Page) -> None:
    """Wait until the page is whole: a click waits only until the next one begins to come."""
    page.wait_for_load_state("load")


def ask_until(page: Page, wanted: Locator, again: Locator) -> None:
    """Press `again`, which asks for the page anew, until `wanted` is on it; for two minutes."""
    for _ in range(240):
        wanted.or_(again).first.wait_for()
        settle(page)
        if wanted.count():
            return
        page.wait_for_timeout(500)
        with page.expect_navigation():
            again.click()
    wanted.wait_for()


def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands: axe's violations in both themes, and its width."""
    found = []
    settle(page)
    # Without motion: a colour on its way to another has the contrast of neither.
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    every = {"light": Axe().run(page, options=OF_FAULTS).response["violations"]}
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    every["dark"] = page.evaluate("options => axe.run(options)", OF_COLOURS)["violations"]
    for theme, violations in every.items():
        for violation in violations:
            places = ", ".join(str(node["target"]) for node in violation["nodes"][:3])
            found.append(f"{theme}: {violation['id']} at {places}")
    page.set_viewport_size(NARROW)
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("scrolls sideways at 390 px")
    page.set_viewport_size(WIDE)
    return found
