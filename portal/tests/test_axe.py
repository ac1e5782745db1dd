"""Every page that a person can reach, looked at in both themes and at phone width."""

from __future__ import annotations

import html
import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve

from conftest import DEMO_PASSWORD
from portal.tests.browsing import faults, sign_in, visit

ROLES = ["officer", "engineer", "auditor", "viewer", "admin"]
LINK = re.compile(r"""<a\b[^>]*?\shref="([^"#]+)""")
# These answer with a file, or end the session.
FILES = re.compile(r"download|export|schema|logout")
EXAMPLES = 2


def kind_of(address: str) -> str:
    """The name of the page behind an address, with its tab: pages of one kind look alike."""
    parts = urlsplit(address)
    try:
        name = resolve(parts.path).view_name
    except Resolver404:
        return f"no page at {parts.path}"
    tab = re.search(r"\btab=(\w+)", parts.query)
    return f"{name}?{tab[1]}" if tab else name


def crawl(get, start: str = "/") -> dict[str, str]:
    """Follow every link from `start`, up to EXAMPLES of a kind: kind of page -> an address.

    `get` gives status, content type and text of an address. Each link must answer; one that
    answers with a file is left out.
    """
    found: dict[str, list[str]] = {kind_of(start): [start]}
    waiting, broken = deque([start]), []
    pages: dict[str, str] = {}
    while waiting:
        address = waiting.popleft()
        status, content_type, text = get(address)
        if status != 200:
            broken.append(f"{status} at {address}")
        if not content_type.startswith("text/html"):
            continue
        pages.setdefault(kind_of(address), address)
        for href in LINK.findall(text):
            target = urljoin(address, html.unescape(href))
            if urlsplit(target).netloc or FILES.search(target):
                continue
            examples = found.setdefault(kind_of(target), [])
            if len(examples) < EXAMPLES and target not in examples:
                examples.append(target)
                waiting.append(target)
    assert not broken, broken
    return pages


# Which kinds of pages were looked at, for any role: a second look costs time and finds nothing.
_seen: set[str] = set()


@pytest.mark.browser
@pytest.mark.parametrize("role", ROLES)
def test_every_link_leads_somewhere_and_no_page_has_a_fault(demo_portal, browser, role):
    context, page = sign_in(browser, demo_portal.url, f"{role}@example.com", DEMO_PASSWORD)
    console: list[str] = []
    page.on("console", lambda message: console.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: console.append(f"{page.url}: {error}"))

    def get(address: str) -> tuple[int, str, str]:
        answer = context.request.get(address)
        return answer.status, answer.headers.get("content-type", ""), answer.text()

    found = {}
    for kind, address in crawl(get).items():
        if kind in _seen and address != "/":
            continue
        _seen.add(kind)
        visit(page, address)
        if faulty := faults(page):
            found[address] = faulty
    context.close()
    assert not found
    assert not console


@pytest.mark.browser
@pytest.mark.parametrize(
    "address", ["/accounts/login/", "/accounts/password/reset/", "/no-such-page/"]
)
def test_what_a_stranger_sees_has_no_fault(demo_portal, browser, address):
    page = browser.new_page(base_url=demo_portal.url)
    visit(page, address)
    assert faults(page) == []
    page.close()
