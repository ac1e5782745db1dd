"""What every template keeps to, read from the files."""

import hashlib
import re

import pytest
from django.conf import settings

from portal.context import NAVIGATION
from vendors.templatetags.ui import STATE_ICONS

TEMPLATES = settings.BASE_DIR / "templates"
VENDOR = settings.BASE_DIR / "static" / "vendor"
# The report is printed on the server or read from a folder, under no policy; it brings its style.
REPORT = TEMPLATES / "evidence" / "report"
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if REPORT not in path.parents)
TAG = re.compile(r"<[a-zA-Z][^<>]*(?:\{%[^%]*%\}[^<>]*)*>")
ICON = re.compile(
    r"\{% icon ['\"]([a-z0-9-]+)['\"]|\{% (?:pill|state_icon) [^%]*['\"][a-z]+['\"] "
    r"(?:['\"][^'\"]*['\"] )?['\"]([a-z0-9-]+)['\"] %\}|icon_name=['\"]([a-z0-9-]+)['\"]"
)
SPRITE_NAMES = set(
    re.findall(r'<symbol id="([a-z0-9-]+)"', (VENDOR / "tabler/icons.svg").read_text())
)


def named(path):
    return str(path.relative_to(TEMPLATES))


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_template_has_no_inline_style_script_or_handler(path):
    text = path.read_text()
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)", text)
    for tag in TAG.findall(text):
        assert not re.search(r"\s(style|on[a-z]+)\s*=", tag), tag
        assert "javascript:" not in tag, tag


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_script_carries_the_nonce(path):
    for tag in re.findall(r"<script[^>]*>", path.read_text()):
        assert 'nonce="{{ csp_nonce }}"' in tag, tag


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_an_element_of_htmx_carries_the_nonce(path):
    for tag in TAG.findall(path.read_text()):
        if re.search(r"\shx-[a-z]", tag):
            assert "hx-nonce" in tag or "{% htmx" in tag, tag


@pytest.mark.parametrize("path", [p for p in PAGES if p.name.startswith("_")], ids=named)
def test_a_partial_begins_with_a_comment_that_names_its_input(path):
    text = path.read_text().lstrip()
    first = text.split("#}")[0]
    assert first.startswith("{#"), "the partial does not begin with a comment"
    assert "Input" in first


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_icon_that_a_template_names_is_in_the_sprite(path):
    names = {name for found in ICON.findall(path.read_text()) for name in found if name}
    assert names <= SPRITE_NAMES


def test_files_of_a_list_follow_its_filters():
    """A filter exchanges #results alone: a menu outside would give the rows of before."""
    outside = {
        named(path)
        for path in PAGES
        if 'hx-get="{{ request.path }}"' in (text := path.read_text()) or "_filters.html" in text
        if re.search(r"_export\.html|-export'|export='", text.partition('id="results"')[0])
    }
    assert outside == set()


def test_the_icons_of_states_and_navigation_are_in_the_sprite():
    assert {*STATE_ICONS.values(), *(place.icon for place in NAVIGATION)} <= SPRITE_NAMES


def test_what_is_not_ours_is_what_the_list_of_digests_says():
    listed = dict(
        reversed(line.split(maxsplit=1))
        for line in (VENDOR / "SHA256SUMS").read_text().splitlines()
    )
    present = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name not in {"README.md", "SHA256SUMS"}
    }
    assert present == listed


def test_every_vendored_package_brings_its_licence():
    assert all((folder / "LICENSE").is_file() for folder in VENDOR.iterdir() if folder.is_dir())
