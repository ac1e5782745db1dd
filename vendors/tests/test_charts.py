"""Where the parts of a figure stand, and what they say in words."""

import datetime as dt
import itertools
import re

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from vendors import charts
from vendors.charts.bars import round_steps
from vendors.charts.timelines import months_between

TODAY = dt.date(2026, 11, 21)
AXIS = charts.Axis(dt.date(2026, 1, 1), dt.date(2026, 12, 31), TODAY)
CAPTION = charts.Caption("sample", "A sample", "What it shows.")
DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2032, 12, 31))


def line(*spans, markers=(), axis=AXIS):
    drawn = charts.timeline([charts.Row("Row", spans, markers)], axis=axis, caption=CAPTION)
    return drawn, drawn.rows[0]


def span(starts_on, ends_on, kind="main"):
    return charts.Span(starts_on, ends_on, kind, "Report")


def test_a_span_of_the_whole_axis_fills_the_plot():
    drawn, row = line(span(AXIS.first, AXIS.last))
    assert (row.bars[0].x, row.bars[0].x + row.bars[0].width) == (drawn.plot_x, drawn.width - 18)


def test_both_days_of_a_span_count():
    drawn, row = line(span(TODAY, TODAY))
    assert row.bars[0].width == pytest.approx((drawn.width - 18 - drawn.plot_x) / 365, abs=0.1)


def test_a_span_is_cut_at_the_ends_of_the_axis_and_left_out_beyond_them():
    drawn, row = line(
        span(dt.date(2020, 1, 1), dt.date(2030, 1, 1)),
        span(dt.date(2020, 1, 1), dt.date(2025, 12, 31)),
        span(dt.date(2027, 1, 1), dt.date(2028, 1, 1)),
    )
    assert len(row.bars) == 1
    assert row.bars[0].x == drawn.plot_x


def test_a_span_without_an_end_reaches_the_right_edge_and_says_so():
    drawn, row = line(span(TODAY, None))
    assert row.bars[0].x + row.bars[0].width == pytest.approx(drawn.width - 18)
    assert row.bars[0].title == "Report: 21 Nov 2026 to no end"


def test_two_spans_that_touch_leave_no_gap_between_them():
    _, row = line(
        span(dt.date(2026, 1, 1), dt.date(2026, 6, 30)),
        span(dt.date(2026, 7, 1), dt.date(2026, 9, 30)),
    )
    assert row.bars[0].x + row.bars[0].width == pytest.approx(row.bars[1].x, abs=0.11)


def test_a_marker_outside_the_axis_is_in_the_table_alone():
    ends = charts.Marker(dt.date(2027, 3, 1), "main", "BAA ends")
    drawn, row = line(markers=(ends,))
    assert row.markers == ()
    assert drawn.table.rows == (("Row", "none", "BAA ends: 1 Mar 2027"),)


def test_today_is_marked_only_where_the_axis_shows_it():
    assert line()[0].today_x is not None
    later = charts.Axis(dt.date(2027, 1, 1), dt.date(2027, 12, 31), TODAY)
    assert line(axis=later)[0].today_x is None


def test_the_year_stands_over_its_first_month():
    axis = charts.Axis(dt.date(2026, 7, 1), dt.date(2027, 12, 31), TODAY)
    ticks = line(axis=axis)[0].ticks
    assert [(tick.label, tick.strong) for tick in ticks if tick.strong] == [
        ("Jul", "2026"),
        ("Jan", "2027"),
    ]


def test_an_axis_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="ends before it begins"):
        line(axis=charts.Axis(TODAY, TODAY - dt.timedelta(days=1), TODAY))


def test_the_legend_names_each_colour_and_diamond_once():
    rows = [
        charts.Row(name, (span(AXIS.first, TODAY),), (charts.Marker(TODAY, "bad", "BAA ends"),))
        for name in ("One", "Two")
    ]
    legend = charts.timeline(rows, axis=AXIS, caption=CAPTION).legend
    assert legend == (charts.Key("main", "Report"), charts.Key("", "BAA ends", marker=True))


@given(first=DAYS, length=st.integers(0, 4000), starts=DAYS, days=st.integers(0, 4000))
def test_nothing_is_drawn_outside_the_plot(first, length, starts, days):
    axis = charts.Axis(first, first + dt.timedelta(days=length), TODAY)
    drawn, row = line(span(starts, starts + dt.timedelta(days=days)), axis=axis)
    for bar in row.bars:
        assert drawn.plot_x <= bar.x
        assert bar.x + bar.width <= drawn.width - 18 + 0.11
    places = [tick.at for tick in drawn.ticks]
    assert places == sorted(places)
    assert all(b - a >= 20 for a, b in itertools.pairwise(places))


@given(first=DAYS, length=st.integers(0, 2000), step=st.sampled_from([1, 3, 12]))
def test_months_are_first_days_inside_the_axis(first, length, step):
    last = first + dt.timedelta(days=length)
    for day in months_between(first, last, step=step):
        assert day.day == 1
        assert first <= day <= last
        assert (day.month - 1) % step == 0


def bars(*values):
    days = [TODAY + dt.timedelta(days=n) for n in range(len(values[0]))]
    series = [charts.Series(f"s{n}", "main", tuple(v)) for n, v in enumerate(values)]
    return charts.stacked_bars(days, series, caption=CAPTION)


def test_series_stand_upon_each_other_in_proportion():
    drawn = bars([10, 0], [30, 20])
    low, high, other = drawn.bars
    assert high.y + high.height == pytest.approx(low.y, abs=0.11)
    assert high.height == pytest.approx(3 * low.height, abs=0.3)
    assert low.x == high.x < other.x
    assert low.title == "21 Nov 2026, s0: 10"


def test_the_table_of_a_bar_chart_has_the_same_numbers_and_their_sum():
    assert bars([1000], [5]).table.rows == (("21 Nov 2026", "1,000", "5", "1,005"),)


def test_no_calls_at_all_is_an_empty_axis_and_no_error():
    assert bars([0, 0]).bars == ()
    assert [tick.label for tick in bars([0, 0]).y_ticks] == ["0", "1"]
    assert charts.stacked_bars([], [], caption=CAPTION).x_ticks == ()


def test_a_series_that_lacks_a_day_is_refused():
    with pytest.raises(ValueError, match="one value for each day"):
        charts.stacked_bars([TODAY], [charts.Series("s", "main", ())], caption=CAPTION)


@given(st.integers(0, 10**9))
def test_steps_reach_the_highest_value_by_few_equal_whole_numbers(highest):
    steps = round_steps(highest)
    assert steps[0] == 0
    assert steps[-1] >= highest
    assert len({b - a for a, b in itertools.pairwise(steps)}) == 1
    assert 2 <= len(steps) <= 6


def test_a_list_of_bars_is_in_proportion_to_the_longest():
    parts = [charts.Part("one", 50), charts.Part("two", 25), charts.Part("none", 0)]
    first, second, third = charts.bar_list(parts, caption=CAPTION).parts
    assert first.width == pytest.approx(2 * second.width)
    assert third.width == 0
    assert charts.bar_list([], caption=CAPTION).parts == ()


def test_a_ring_leaves_out_nothing_and_closes_when_there_is_one_share():
    parts = [charts.Part("one", 7), charts.Part("none", 0)]
    drawn = charts.donut(parts, caption=CAPTION)
    assert len(drawn.parts) == 1
    assert drawn.parts[0].path.count("Z") == 2
    assert drawn.total == "7"
    assert charts.donut([], caption=CAPTION).parts == ()


@pytest.mark.parametrize(
    ("template", "chart"),
    [
        (
            "_timeline",
            charts.timeline(
                [charts.Row("<b>", (span(TODAY, None, "soon"),))], axis=AXIS, caption=CAPTION
            ),
        ),
        ("_stacked_bars", bars([3, 4])),
        ("_bar_list", charts.bar_list([charts.Part("<b>", 3, "bad")], caption=CAPTION)),
        ("_donut", charts.donut([charts.Part("<b>", 3, "ok")], caption=CAPTION)),
    ],
)
def test_a_drawing_has_title_and_description_and_escapes_names(template, chart):
    svg = render_to_string(f"components/{template}.svg.html", {"chart": chart})
    assert '<title id="sample-t">A sample</title>' in svg
    assert 'aria-labelledby="sample-t sample-d"' in svg
    assert "<b>" not in svg
    assert " style=" not in svg
    # Colours stand as attributes too: a PDF sees no style sheet of the page.
    assert re.search(r'class="k-[a-z]+" fill="#[0-9a-f]{6}"', svg)


def test_the_table_of_a_figure_can_be_read():
    html = render_to_string("components/_chart_table.html", {"chart": bars([3, 4])})
    assert html.count("<tr>") == 3
    assert '<th scope="row">21 Nov 2026</th>' in html
