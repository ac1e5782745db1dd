"""Sign-in and style page in Chromium: axe, both themes, a phone, keyboard, no JavaScript."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import DEMO_PASSWORD
from portal.tests.browsing import NARROW, WIDE, complaints

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def officer_state(browser, portal_server):
    """The cookies of an officer who has signed in."""
    context = browser.new_context(base_url=portal_server.url)
    page = context.new_page()
    page.goto("/accounts/login/?next=/style/")
    page.get_by_label("E-mail").fill("officer@example.com")
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/style/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def open_page(browser, portal_server, officer_state):
    """Opens a page of its own context; whatever its console said fails the test at the end."""
    contexts, said = [], []

    def open_page(path, *, theme="light", size=WIDE, signed_in=True, **options):
        context = browser.new_context(
            base_url=portal_server.url,
            color_scheme=theme,
            viewport=size,
            storage_state=officer_state if signed_in else None,
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints(said) == []


def found_by_axe(page):
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in Axe().run(page).response["violations"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["desk", "phone"])
@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/password/reset/", "/style/", "/api/v1/docs"]
)
def test_axe_finds_nothing_and_the_page_does_not_scroll_sideways(open_page, path, theme, size):
    page = open_page(path, theme=theme, size=size, signed_in="accounts" not in path)
    assert found_by_axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize(
    "place",
    [".crumbs li:last-child", ".lede", ".trail p", ".stacked td", ".stacked tbody th"],
)
def test_a_long_name_breaks_before_it_leaves_a_phone(open_page, place):
    page = open_page("/style/", size=NARROW)
    right = page.locator(place).first.evaluate(
        """element => {
            element.textContent = "siobhan.".repeat(15) + "@example.com";
            const range = document.createRange();
            range.selectNodeContents(element);
            return range.getBoundingClientRect().right;
        }"""
    )
    assert right <= NARROW["width"]


def test_axe_finds_nothing_in_messages_and_an_open_dialog(open_page):
    page = open_page("/style/")
    page.get_by_role("link", name="Show messages").click()
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.locator(".messages li")).to_have_count(2)
    page.get_by_role("link", name="Open a dialog").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert found_by_axe(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_theme_is_chosen_without_javascript(open_page):
    page = open_page("/style/", java_script_enabled=False)
    page.locator("summary", has_text="Theme").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(13, 17, 23)")


def test_the_system_decides_until_the_person_does(open_page):
    page = open_page("/accounts/login/", theme="dark", signed_in=False)
    expect(page.locator("body")).to_have_css("background-color", "rgb(13, 17, 23)")


def test_the_first_tab_leads_past_the_navigation(open_page):
    page = open_page("/accounts/password/change/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_a_menu_opens_and_closes_by_keyboard(open_page):
    page = open_page("/style/")
    menu = page.locator("summary", has_text="Account of")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu).to_be_focused()


def test_htmx_swaps_the_list_alone_and_keeps_the_address(open_page):
    page = open_page("/style/")
    page.evaluate("window.still_here = true")
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.get_by_text("26 to 50 of 240 vendors")).to_be_visible()
    page.wait_for_url("**/style/?page=2")
    page.get_by_label("State").select_option("bad")
    page.wait_for_url("**state=bad*")
    assert page.evaluate("window.still_here") is True
    page.go_back()
    expect(page.get_by_text("26 to 50 of 240 vendors")).to_be_visible()


def test_the_list_is_paged_without_javascript_too(open_page):
    page = open_page("/style/", java_script_enabled=False)
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.get_by_text("26 to 50 of 240 vendors")).to_be_visible()


def test_a_failed_sign_in_shows_what_is_wrong_where_the_person_is(open_page):
    page = open_page("/accounts/login/", signed_in=False)
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert found_by_axe(page) == []
