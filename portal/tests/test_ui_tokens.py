"""The contrast of the colours that meet on a page, computed from the style sheet itself."""

import re

import pytest
from django.conf import settings

from vendors.templatetags.ui import PAINT

STYLES = settings.BASE_DIR / "static" / "css"
DECLARATION = re.compile(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TOKENS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in DECLARATION.findall((STYLES / "tokens.css").read_text())
}
SURFACES = ["bg", "card", "sunk", "raised", "hover"]
STATES = ["ok", "soon", "bad", "info", "neutral"]
TEXT = [
    *[(ink, surface) for ink in ("ink", "mut", "acc") for surface in SURFACES],
    *[(state, surface) for state in STATES for surface in ("bg", "card", "sunk", "hover")],
    *[(state, f"{state}-b") for state in STATES],
    *[("ink", f"{state}-b") for state in STATES],
    ("mut", "neutral-b"),
    ("mut", "acc-soft"),
    ("acc", "acc-soft"),
    ("ink", "acc-soft"),
    ("ink", "mark"),
    ("acc-strong", "card"),
    ("acc-ink", "acc"),
    ("acc-ink", "acc-strong"),
    ("danger-ink", "danger"),
    ("side-ink", "side"),
    ("side-ink", "side-hover"),
    ("side-on", "side-hover"),
    ("side-on", "side-current"),
]
SHAPES = [
    *[(edge, surface) for edge in ("line2", "acc") for surface in ("bg", "card", "sunk")],
    *[("acc", f"{state}-b") for state in STATES],
    *[
        (f"bar{kind}", surface)
        for kind in ("", "-ok", "-soon", "-bad", "-neutral", "-info")
        for surface in ("card", "sunk")
    ],
    ("bar", "neutral-b"),
    ("side-focus", "side"),
    ("side-focus", "side-current"),
]
ROLE_OF_KIND = {"k-main": "bar", **{f"k-{k}": f"bar-{k}" for k in (*STATES,)}}


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2, "contrast ratio": 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_the_contrast_that_wcag_names():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "surface"), TEXT)
def test_text_reads_on_every_surface_it_stands_on(text, surface, theme):
    assert contrast(TOKENS[text][theme], TOKENS[surface][theme]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("shape", "surface"), SHAPES)
def test_edges_and_bars_are_seen_on_every_surface_they_stand_on(shape, surface, theme):
    assert contrast(TOKENS[shape][theme], TOKENS[surface][theme]) >= 3


def test_no_other_style_sheet_names_a_colour():
    named = {
        path.name: found
        for path in STYLES.glob("*.css")
        # The report is printed: it has one theme, and WeasyPrint does not know light-dark().
        if path.name not in ("tokens.css", "report.css")
        and (found := re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", path.read_text()))
    }
    assert named == {}


def test_every_colour_that_a_style_sheet_uses_exists():
    known = set(re.findall(r"--([a-z0-9-]+):", (STYLES / "tokens.css").read_text()))
    used = {
        name
        for path in STYLES.glob("*.css")
        for name in re.findall(r"var\(--([a-z0-9-]+)", path.read_text())
    }
    assert used <= known


@pytest.mark.parametrize("kind", ROLE_OF_KIND)
def test_a_chart_in_a_pdf_has_the_light_colours_of_the_page(kind):
    assert PAINT[kind]["fill"] == TOKENS[ROLE_OF_KIND[kind]]["light"]


def test_every_colour_of_a_chart_in_a_pdf_is_a_light_colour_of_the_page():
    light = {token["light"] for token in TOKENS.values()}
    painted = {value for paint in PAINT.values() for value in paint.values() if value[0] == "#"}
    assert painted <= light
