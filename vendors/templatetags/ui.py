"""The template tags of the design system; every template has them without a load.

`/style/` shows what each makes, `templates/components/README.md` lists the partials.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django import template
from django.core.paginator import Page
from django.template.context import RequestContext
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def as_json(value: object) -> str:
    """What a script reads from an attribute; the template escapes it."""
    return json.dumps(value)


SPRITE = "vendor/tabler/icons.svg"
# A state is never told by colour alone: each has its icon too.
STATE_ICONS = {
    "ok": "circle-check",
    "soon": "clock",
    "bad": "ban",
    "info": "info-circle",
    "neutral": "circle-dashed",
}
ICON_SIZES = {"": "ico", "small": "ico ico-s", "large": "ico ico-l"}
# A drawing in a PDF sees no style sheet of the page around it, so a chart names its light colours
# as attributes as well; in the browser the classes of charts.css win over them.
PAINT = {
    "k-main": {"fill": "#4c7fb8"},
    "k-ok": {"fill": "#3f8f66"},
    "k-soon": {"fill": "#b97a14"},
    "k-bad": {"fill": "#c4473f"},
    "k-neutral": {"fill": "#7d8796"},
    "k-info": {"fill": "#7a6bb5"},
    "grid": {"stroke": "#dfe3e8"},
    "axis": {"stroke": "#7d8796"},
    "band": {"fill": "#f9fafb"},
    "period": {"fill": "#e9f0f9"},
    "track": {"fill": "#eceff3"},
    "today": {"stroke": "#a8201a", "stroke-width": "1.5", "stroke-dasharray": "4 3"},
    "marker": {"fill": "#ffffff", "stroke": "#14181f", "stroke-width": "2"},
    "marker k-soon": {"fill": "#ffffff", "stroke": "#8a4b00", "stroke-width": "2"},
    "marker k-bad": {"fill": "#ffffff", "stroke": "#a8201a", "stroke-width": "2"},
    "text": {"fill": "#56606e", "font-size": "12"},
    "text end": {"fill": "#56606e", "font-size": "12", "text-anchor": "end"},
    "text mid": {"fill": "#56606e", "font-size": "12", "text-anchor": "middle"},
    "lab": {"fill": "#14181f", "font-size": "12.5"},
    "lab end": {"fill": "#14181f", "font-size": "12.5", "text-anchor": "end"},
    "yr": {"fill": "#14181f", "font-size": "12", "font-weight": "650"},
    "today-t mid": {
        "fill": "#a8201a",
        "font-size": "12",
        "font-weight": "600",
        "text-anchor": "middle",
    },
    "total mid": {
        "fill": "#14181f",
        "font-size": "22",
        "font-weight": "650",
        "text-anchor": "middle",
    },
}


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """An icon of the sprite, hidden from screen readers: the words beside it speak.

    `size`: nothing (20), "small" (16) or "large" (32).
    """
    return _drawing(ICON_SIZES[size], name)


@register.simple_tag
def state_icon(kind: str, name: str = "") -> SafeString:
    """The icon of a state (ok, soon, bad, info, neutral), in its colour inside `.reasons`."""
    return _drawing(f"ico {kind}", name or STATE_ICONS[kind])


@cache
def _drawing(classes: str, name: str) -> SafeString:
    """Made once: a list shows some hundred, and there are few different ones."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        classes,
        static(SPRITE),
        name,
    )


@register.simple_tag
def pill(kind: str, text: object, name: str = "") -> SafeString:
    """A state as icon and word; `name` is another icon than the state's own."""
    return format_html(
        '<span class="pill {}">{}{}</span>', kind, icon(name or STATE_ICONS[kind]), text
    )


@register.simple_tag
@cache
def paint(classes: str) -> SafeString:
    """The class of a part of a chart, and its light colours for a PDF."""
    attributes = format_html_join("", ' {}="{}"', PAINT.get(classes, {}).items())
    return format_html('class="{}"{}', classes, attributes)


@register.simple_tag(takes_context=True)
def htmx(context: RequestContext, target: str = "results") -> SafeString:
    """The attributes of a link or GET form that swaps the part `target` of the page it leads to.

    Without JavaScript the link is a link. Each element carries its own, since htmx 4 inherits none.
    """
    return format_html(
        'hx-target="#{0}" hx-select="#{0}" hx-swap="outerHTML" hx-push-url="true" hx-nonce="{1}"',
        target,
        context.get("csp_nonce", ""),
    )


def _query(context: RequestContext, **changes: object) -> str:
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.inclusion_tag("components/_sort_header.html", takes_context=True)
def sort_header(
    context: RequestContext, field: str, label: str, css: str = "", param: str = "sort"
) -> dict[str, Any]:
    """A `<th>` whose link sorts the list by `field`; a second press turns it around.

    `param` is the name that the FilterSet's OrderingFilter has; `css` the class of the cell.
    """
    now = context["request"].GET.get(param, "")
    ascending = now == field
    direction = {field: "ascending", f"-{field}": "descending"}.get(now, "")
    return {
        "label": label,
        "css": css,
        "direction": direction,
        "url": _query(context, **{param: f"-{field}" if ascending else field, "page": None}),
        "csp_nonce": context.get("csp_nonce", ""),
    }


@dataclass(frozen=True)
class PageLink:
    """One entry of a pagination; without a number it is the gap between two."""

    number: int | None
    url: str
    current: bool


@register.simple_tag(takes_context=True)
def page_links(context: RequestContext, page: Page, param: str = "page") -> list[PageLink]:
    """The pages around the present one, the first and the last, with gaps between."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return [
        PageLink(None, "", current=False)
        if isinstance(number, str)
        else PageLink(number, _query(context, **{param: number}), number == page.number)
        for number in numbers
    ]


@register.simple_tag(takes_context=True)
def page_url(context: RequestContext, number: int, param: str = "page") -> str:
    """The address of this list at its page `number`, filters kept."""
    return _query(context, **{param: number})


@register.filter
def until(days: int | None) -> str:
    """Days from today as words: in 12 days, today, 3 days ago."""
    if days is None:
        return ""
    if days == 0:
        return "today"
    word = "day" if abs(days) == 1 else "days"
    return f"in {days:,} {word}" if days > 0 else f"{-days:,} {word} ago"


@register.filter
def due_class(days: int | None) -> str:
    """The class of a text that says when something ends: red when it is past, amber within 60."""
    if days is None or days > 60:
        return ""
    return "t-bad" if days < 0 else "t-soon"
