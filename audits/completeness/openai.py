"""OpenAI's usage and cost API: what to ask, and what an answer says.

A page holds buckets of a day (UTC); each has results, one for every project, key and model. Fields
that are new to us are passed over, those we rely on must have their form. Source: docs/sources.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlencode

import msgspec

from audits.completeness.comparing import Count
from audits.completeness.files import Cost

USAGE = ("completions", "embeddings")
COSTS = "costs"
# The most buckets of a day that a page may hold.
LIMIT = 31
DAY = dt.timedelta(days=1)
# More pages than any organization fills: an answer that always says there is more ends here.
MOST_PAGES = 200

Id = Annotated[str, msgspec.Meta(max_length=120)]
Number = Annotated[int, msgspec.Meta(ge=0, le=10**15)]


class AnswerRefused(Exception):
    """An answer has not the form it must have. Quotes nothing of it."""


class _Result(msgspec.Struct):
    num_model_requests: Number = 0
    input_tokens: Number = 0
    output_tokens: Number = 0
    input_cached_tokens: Number | None = None
    project_id: Id | None = None
    api_key_id: Id | None = None
    model: Id | None = None


class _Amount(msgspec.Struct):
    # As text or as a number: a number is read as it is written, never through binary fractions.
    value: Decimal
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Za-z]{3}$")]


class _Charge(msgspec.Struct):
    amount: _Amount
    project_id: Id | None = None
    line_item: Id | None = None


class _Bucket(msgspec.Struct):
    start_time: int
    end_time: int
    results: list[msgspec.Raw]


class _Page(msgspec.Struct):
    data: list[_Bucket]
    has_more: bool
    next_page: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class Answer(msgspec.Struct, frozen=True):
    """A page: its rows, and the name of the next page or ""."""

    counts: tuple[Count, ...]
    costs: tuple[Cost, ...]
    next_page: str


def address(base: str, what: str, days: tuple[dt.date, dt.date], page: str = "") -> str:
    """The URL of a page of `what` (one of USAGE, or COSTS) for days of which both count."""
    first, last = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in days)
    fields = ["project_id", "line_item"] if what == COSTS else ["project_id", "api_key_id", "model"]
    query: list[tuple[str, str | int]] = [
        ("start_time", int(first.timestamp())),
        ("end_time", int((last + DAY).timestamp())),
        ("bucket_width", "1d"),
        ("limit", LIMIT),
        *(("group_by", name) for name in fields),
    ]
    if page:
        query.append(("page", page))
    path = COSTS if what == COSTS else f"usage/{what}"
    return f"{base.rstrip('/')}/v1/organization/{path}?{urlencode(query)}"


def parsed(what: str, body: bytes, days: tuple[dt.date, dt.date]) -> Answer:
    """The rows of an answer. Raises: AnswerRefused."""
    try:
        page = msgspec.json.decode(body, type=_Page)
        if page.has_more and not page.next_page:
            raise AnswerRefused("The answer says that there is more and not where.")
        following = (page.next_page or "") if page.has_more else ""
        buckets = [(_day(bucket, days), bucket.results) for bucket in page.data]
        if what == COSTS:
            return Answer((), tuple(_costs(buckets)), following)
        return Answer(tuple(_counts(buckets)), (), following)
    except (msgspec.DecodeError, OverflowError, OSError, ValueError):
        raise AnswerRefused("The answer has not the form of the usage API.") from None


def _day(bucket: _Bucket, days: tuple[dt.date, dt.date]) -> dt.date:
    start = dt.datetime.fromtimestamp(bucket.start_time, dt.UTC)
    whole = bucket.end_time - bucket.start_time == DAY.total_seconds() and start.time() == dt.time()
    if not whole or not days[0] <= start.date() <= days[1]:
        raise AnswerRefused("The answer counts other days than those asked for.")
    return start.date()


def _counts(buckets: Sequence[tuple[dt.date, list[msgspec.Raw]]]) -> Iterator[Count]:
    for day, results in buckets:
        for raw in results:
            row = msgspec.json.decode(raw, type=_Result)
            yield Count(
                day,
                row.project_id or "",
                row.api_key_id or "",
                row.model or "",
                None,
                row.num_model_requests,
                row.input_tokens,
                row.output_tokens,
                row.input_cached_tokens,
            )


def _costs(buckets: Sequence[tuple[dt.date, list[msgspec.Raw]]]) -> Iterator[Cost]:
    for day, results in buckets:
        for raw in results:
            row = msgspec.json.decode(raw, type=_Charge)
            amount = row.amount.value.quantize(Decimal("1e-8"))
            yield Cost(
                day, amount, row.amount.currency.upper(), row.project_id or "", row.line_item or ""
            )


def headers(key: str) -> Mapping[str, str]:
    """What goes with each question; `key` is the organization's admin key."""
    return {"Authorization": f"Bearer {key}", "Accept": "application/json"}
