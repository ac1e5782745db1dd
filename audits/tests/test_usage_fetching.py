"""The usage API is asked page by page, and nothing is stored of what is not whole."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from decimal import Decimal

import pytest
from celery.exceptions import Retry

from audits import tasks
from audits.models import UsageCost, UsageCount, UsageImport
from audits.services.usage_imports import FetchFailed, days_to_fetch, fetch
from audits.tests import make_usage as make
from audits.tests.provider import at, serving

KEY = "sk-admin-never-shown"
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def provider(settings):
    settings.OUTBOUND_ALLOW = LOOPBACK
    settings.USAGE_API_KEYS = {"main": KEY}
    with serving() as running:
        yield running


def ask(source):
    return fetch(source, key=KEY, on=make.TODAY, at=make.NOW)


def test_all_pages_of_usage_and_costs_are_stored(provider, db):
    provider.counted(make.day(1), num_model_requests=7)
    provider.counted(make.day(29), model="gpt-5", api_key_id="key_9")
    provider.counted(make.day(2), "embeddings", model="text-embedding-3-small", output_tokens=0)
    provider.charged(make.day(1), 0.06)
    provider.charged(make.day(2), "0.1234567890123")
    source = make.api_source(provider.url)
    stored = ask(source)
    assert (stored.first_day, stored.last_day) == (make.day(30), make.day(1))
    assert (stored.origin, stored.line_count, stored.imported_by) == ("api", 5, None)
    found = UsageCount.objects.order_by("day").values_list(
        "day", "project", "api_key", "model", "requests", "input_tokens", "cached_tokens"
    )
    assert list(found) == [
        (make.day(29), "proj_1", "key_9", "gpt-5", 5, 1000, 800),
        (make.day(2), "proj_1", "", "text-embedding-3-small", 5, 1000, 800),
        (make.day(1), "proj_1", "", "gpt-4.1", 7, 1000, 800),
    ]
    amounts = UsageCost.objects.order_by("day").values_list("amount", "currency", "item")
    assert list(amounts) == [
        (Decimal("0.12345679"), "USD", "gpt-4.1, input"),
        (Decimal("0.06000000"), "USD", "gpt-4.1, input"),
    ]
    # Thirty days on ten pages, for each of three questions, with the key in the header alone.
    assert len(provider.asked) == 30
    assert {key for _, _, key in provider.asked} == {f"Bearer {KEY}"}
    path, query, _ = provider.asked[0]
    assert path == "/v1/organization/usage/completions"
    assert query["group_by"] == ["project_id", "api_key_id", "model"]
    assert query["bucket_width"] == ["1d"]
    assert query["end_time"] == [str(at(make.TODAY))]


def test_the_last_days_are_asked_for_again(provider, db):
    source = make.api_source(provider.url)
    ask(source)
    assert days_to_fetch(source, make.TODAY) == (make.day(7), make.day(1))
    assert days_to_fetch(source, make.TODAY + dt.timedelta(days=3)) == (make.day(7), make.day(-2))


def test_the_same_answers_again_are_stored_once(provider, db):
    source = make.api_source(provider.url)
    provider.counted(make.day(1))
    ask(source)
    assert ask(source) is not None  # seven days now, instead of thirty
    assert ask(source) is None
    assert UsageImport.objects.count() == 2


@pytest.mark.parametrize(
    ("answer", "told", "again", "wait"),
    [
        ((429, {"Retry-After": "17"}, b"{}"), "answered 429", True, 17),
        ((429, {"Retry-After": "9" * 5000}, b"{}"), "answered 429", True, 3600),
        ((429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, b"{}"), "answered 429", True, 0),
        ((500, {}, b"oh no"), "answered 500", True, 0),
        ((401, {}, b'{"error":"Incorrect API key sk-..."}'), "answered 401", False, 0),
        ((302, {"Location": "http://169.254.169.254/"}, b""), "answered 302", False, 0),
        ((200, {}, b"<html>Smith</html>"), "not the form", False, 0),
        ((200, {}, b'{"data":[],"has_more":true,"next_page":null}'), "not where", False, 0),
        (
            (
                200,
                {},
                b'{"data":[{"start_time":1,"end_time":86401,"results":[]}],"has_more":false}',
            ),
            "other days",
            False,
            0,
        ),
        ((200, {}, b"x" * 9_000_000), "too long", True, 0),
    ],
)
def test_what_is_not_whole_is_not_stored(provider, db, answer, told, again, wait):
    """The first page is good: a failure on a later one must not leave it behind."""
    provider.counted(make.day(1))
    source = make.api_source(provider.url)
    good = provider.answer(
        "/completions", {"start_time": [str(at(make.day(30)))], "end_time": [str(at(make.TODAY))]}
    )
    provider.failing = [(200, {}, good), answer]
    with pytest.raises(FetchFailed) as failed:
        ask(source)
    assert told in failed.value.message
    assert (failed.value.again, failed.value.wait_seconds) == (again, wait)
    assert "Smith" not in failed.value.message
    assert "sk-" not in failed.value.message
    assert not UsageImport.objects.exists()
    assert not UsageCount.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"num_model_requests": -1},
        {"num_model_requests": "many"},
        {"input_tokens": 1.5},
        {"model": "m" * 121},
        {"project_id": 5},
    ],
)
def test_garbage_in_a_row_is_refused(provider, db, change):
    provider.counted(make.day(1), **change)
    with pytest.raises(FetchFailed, match="form"):
        ask(make.api_source(provider.url))


def test_pages_without_end_end(provider, db):
    page = json.dumps({"data": [], "has_more": True, "next_page": "again"}).encode()
    provider.failing = [(200, {}, page)] * 300
    with pytest.raises(FetchFailed, match="more pages"):
        ask(make.api_source(provider.url))


def test_a_private_address_is_not_asked(db, settings):
    settings.OUTBOUND_ALLOW = []
    with pytest.raises(FetchFailed, match="private") as failed:
        ask(make.api_source("http://127.0.0.1:9"))
    assert not failed.value.again


def test_the_task_notes_what_was_wrong_and_tries_again(provider, db):
    source = make.api_source(provider.url)
    provider.failing = [(503, {"Retry-After": "40"}, b"")]
    with pytest.raises(Retry) as again:
        tasks.fetch_source.apply(args=[source.pk], throw=True)
    assert again.value.when == 40
    source.refresh_from_db()
    assert source.trouble == "The API answered 503."
    tasks.fetch_source.apply(args=[source.pk], throw=True)
    source.refresh_from_db()
    assert source.trouble == ""
    assert source.imports.count() == 1


def test_without_its_key_a_source_is_not_asked(provider, db, settings):
    settings.USAGE_API_KEYS = {}
    source = make.api_source(provider.url)
    tasks.fetch_source.apply(args=[source.pk], throw=True)
    source.refresh_from_db()
    assert "USAGE_API_KEYS" in source.trouble
    assert provider.asked == []
