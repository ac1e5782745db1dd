"""The template tags of the design system."""

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory


def render(text, query="", **context):
    request = RequestFactory().get(f"/list/{query}")
    return Template(text).render(Context({"request": request, "csp_nonce": "n0", **context}))


def test_a_pill_has_icon_and_word():
    html = render('{% pill "soon" word %}', word="<Renewal>")
    assert 'class="pill soon"' in html
    assert "icons.svg#clock" in html
    assert "&lt;Renewal&gt;" in html


def test_a_pill_may_have_another_icon_but_no_state_of_its_own():
    assert "#signature" in render('{% pill "ok" "Signed" "signature" %}')
    with pytest.raises(KeyError):
        render('{% pill "great" "Signed" %}')


def test_a_sorted_column_says_so_and_turns_around():
    text = '<table><tr>{% sort_header "name" "Vendor" %}</tr></table>'
    assert "aria-sort" not in render(text)
    assert 'href="?sort=name"' in render(text, "?page=4")
    up = render(text, "?sort=name&q=a%26b")
    assert 'aria-sort="ascending"' in up
    assert 'href="?sort=-name&amp;q=a%26b"' in up
    assert 'aria-sort="descending"' in render(text, "?sort=-name")


def test_every_link_of_a_list_carries_the_nonce_of_htmx():
    html = render('<table><tr>{% sort_header "name" "Vendor" %}</tr></table>')
    assert 'hx-nonce="n0"' in html
    assert 'hx-select="#results"' in html


def test_pages_show_the_first_the_last_and_those_around():
    page = Paginator(range(1000), 10).get_page(50)
    html = render(
        '{% include "components/_pagination.html" with noun="calls" %}', "?q=x", page_obj=page
    )
    shown = [n for n in range(1, 101) if f">{n}</" in html.replace("Page</span>", "")]
    assert shown == [1, 49, 50, 51, 100]
    assert "491 to 500 of 1000 calls" in html
    assert 'href="?q=x&amp;page=51"' in html


def test_a_single_page_has_no_links():
    html = render(
        '{% include "components/_pagination.html" with noun="calls" %}',
        page_obj=Paginator([], 10).get_page(1),
    )
    assert "0 calls" in html
    assert "href" not in html


@pytest.mark.parametrize(
    ("days", "words", "css"),
    [
        (314, "in 314 days", ""),
        (60, "in 60 days", "t-soon"),
        (1, "in 1 day", "t-soon"),
        (0, "today", "t-soon"),
        (-1, "1 day ago", "t-bad"),
        (-1200, "1,200 days ago", "t-bad"),
        (None, "", ""),
    ],
)
def test_days_are_told_in_words(days, words, css):
    assert render("{{ days|until }}/{{ days|due_class }}", days=days) == f"{words}/{css}"
