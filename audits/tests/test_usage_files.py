"""Files of counts: what is read, and what is refused line by line without quoting it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from audits.completeness.comparing import Count
from audits.completeness.files import Cost, read
from vendors.sheets import read_table

TODAY = dt.date(2026, 11, 21)
DAY = dt.date(2026, 11, 20)


def reading(text: str, integrations=None):
    table = read_table(text.encode())
    return read(table.headings, table.rows, integrations=integrations or {}, today=TODAY)


def test_our_own_form_is_read_and_lines_of_one_key_are_added_up():
    found = reading(
        "day,integration,project,model,requests,input_tokens,output_tokens\n"
        "2026-11-20,intake,,gpt-4.1,3,300,30\n"
        "2026-11-20,intake,,gpt-4.1,2,200,20\n"
        "2026-11-18,,proj_1,gpt-4.1,1,,\n",
        {"intake": 7},
    )
    assert found.faults == ()
    assert found.counts == (
        Count(DAY, "", "", "gpt-4.1", 7, 5, 500, 50),
        Count(dt.date(2026, 11, 18), "proj_1", "", "gpt-4.1", None, 1, None, None),
    )
    assert found.lines == 3


def test_an_export_of_openai_is_read():
    found = reading(
        "start_time,end_time,start_time_iso,end_time_iso,input_tokens,output_tokens,"
        "num_model_requests,project_id,project_name,user_id,api_key_id,model,batch,"
        "input_cached_tokens\n"
        "1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,1000,500,5,"
        "proj_abc,Intake,,key_abc,gpt-4.1-2025-04-14,False,800\n"
    )
    assert found.faults == ()
    assert found.counts == (
        Count(DAY, "proj_abc", "key_abc", "gpt-4.1-2025-04-14", None, 5, 1000, 500, 800),
    )


def test_an_export_of_anthropic_is_read_with_all_its_input_tokens():
    found = reading(
        "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,"
        "usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
        "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\n"
        "2026-11-20,claude-sonnet-4-5-20250929,intake key,Default,standard,200k,100,20,3,4000,50\n"
    )
    assert found.faults == ()
    assert found.counts == (
        Count(
            DAY, "Default", "intake key", "claude-sonnet-4-5-20250929", None, None, 4123, 50, 4000
        ),
    )


def test_costs_stand_apart_from_counts():
    found = reading(
        "date,project,requests,cost,currency\n2026-11-20,p1,2,0.0612,usd\n2026-11-19,p1,,1.5,EUR\n"
    )
    assert found.faults == ()
    assert found.costs == (
        Cost(DAY, Decimal("0.06120000"), "USD", "p1"),
        Cost(dt.date(2026, 11, 19), Decimal("1.50000000"), "EUR", "p1"),
    )
    assert [count.requests for count in found.counts] == [2]


@pytest.mark.parametrize(
    ("headings", "told"),
    [
        ("project,requests", "No column is the day"),
        ("day,project", "No column counts"),
    ],
)
def test_a_file_without_the_columns_it_needs_is_refused(headings, told):
    found = reading(f"{headings}\n1,2\n")
    assert told in found.faults[0].message
    assert found.faults[0].line == 0
    assert found.counts == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("20 Nov 2026,,p,m,1,1,1", "Write the day"),
        (",,p,m,1,1,1", "Write the day"),
        ("2026-11-22,,p,m,1,1,1", "in the future"),
        ("2019-11-22,,p,m,1,1,1", "before 2020"),
        ("99999999999,,p,m,1,1,1", "in the future"),
        ("2026-11-20,nobody,p,m,1,1,1", "no integration"),
        ("2026-11-20,,p<script>,m,1,1,1", "Letters, digits"),
        ("2026-11-20,,p,m,-1,1,1", "whole number"),
        ("2026-11-20,,p,m,1e3,1,1", "whole number"),
        ("2026-11-20,,p,m,1.5,1,1", "whole number"),
        ("2026-11-20,,p,m,9999999999999999,1,1", "whole number"),
        ("2026-11-20,,p,m,,,", "neither requests nor tokens"),
        ("2026-11-20,,sk-" + "a" * 40 + ",m,1,1,1", "secret key"),
    ],
)
def test_a_bad_line_is_told_by_its_number_and_never_quoted(line, told):
    found = reading(
        "day,integration,project,model,requests,input_tokens,output_tokens\n"
        f"2026-11-20,,p,m,1,1,1\n{line}\n"
    )
    assert [fault.line for fault in found.faults] == [3]
    assert told in found.faults[0].message
    assert "script" not in found.faults[0].message
    assert "aaa" not in found.faults[0].message


def test_a_cost_without_currency_is_refused_and_an_amount_must_be_one():
    found = reading("day,requests,cost\n2026-11-20,1,2.0\n2026-11-20,1,NaN\n2026-11-20,1,1e99\n")
    assert [(fault.line, fault.column) for fault in found.faults] == [
        (2, "currency"),
        (3, "cost"),
        (4, "cost"),
    ]


def test_after_fifty_faults_nobody_reads_on():
    lines = "\n".join("2026-11-20,x" for _ in range(400))
    assert len(reading(f"day,requests\n{lines}\n").faults) == 50
