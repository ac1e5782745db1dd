"""What lists of the register can be narrowed by: one entry for the query and the description."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db.models import Model, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

MAX_LIMIT, USUAL_LIMIT = 200, 50
SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$"
WORD = re.compile(SLUG.replace("$", r"\Z"))
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadQuery(Exception):
    """A parameter is unknown, empty, given twice or not of its form; `name` may be empty."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter: the lookup it stands for, its schema, and how it is read.

    `read` raises ValueError for what is not of the form.
    """

    lookup: str
    schema: Mapping[str, Any]
    description: str
    read: Callable[[str], object]


def word_of(lookup: str, values: list[str], description: str) -> Filter:
    """One of these values."""

    def read(given: str) -> str:
        if given not in values:
            raise ValueError
        return given

    return Filter(lookup, {"type": "string", "enum": values}, description, read)


def slug(lookup: str, description: str) -> Filter:
    def read(given: str) -> str:
        if not WORD.fullmatch(given):
            raise ValueError
        return given

    return Filter(lookup, {"type": "string", "pattern": SLUG}, description, read)


def day(lookup: str, description: str) -> Filter:
    def read(given: str) -> dt.date:
        if not DAY.fullmatch(given):
            raise ValueError
        return dt.date.fromisoformat(given)

    return Filter(lookup, {"type": "string", "format": "date"}, description, read)


def parameters(filters: Mapping[str, Filter]) -> list[OpenApiParameter]:
    """The parameters of a list, as the API's description has them."""
    cursor = {"type": "string", "minLength": 1}
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
    rest = (
        ("cursor", cursor, "From the header Link of the page before."),
        ("limit", limit, f"At most so many; {USUAL_LIMIT}."),
    )
    named = [(name, dict(each.schema), each.description) for name, each in filters.items()]
    return [
        OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description)
        for name, schema, description in [*named, *rest]
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    """A list's query once it is checked; `applied` is told in the record of the read."""

    lookups: dict[str, object]
    applied: dict[str, str]
    limit: int
    before: int | None


def asked(query: QueryDict, filters: Mapping[str, Filter], subject: str) -> Asked:
    """What the parameters ask for. Raises: BadQuery."""
    found: dict[str, object] = {}
    applied: dict[str, str] = {}
    limit, before = USUAL_LIMIT, None
    for name, values in query.lists():
        if len(values) != 1 or not values[0]:
            raise BadQuery(name if name in filters else "")
        (given,) = values
        if name == "limit":
            limit = _limit(given)
        elif name == "cursor":
            before = _cursor(given, subject)
        elif name not in filters:
            raise BadQuery
        else:
            try:
                found[filters[name].lookup] = filters[name].read(given)
            except ValueError:
                raise BadQuery(name) from None
            applied[name] = given
    return Asked(found, applied, limit, before)


def _limit(given: str) -> int:
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:9]) <= MAX_LIMIT:
        raise BadQuery("limit")
    return int(given)


def _signer(subject: str) -> Signer:
    return Signer(salt=f"vendors.api.cursor.{subject}")


def _cursor(given: str, subject: str) -> int:
    try:
        return int(_signer(subject).unsign(given))
    except (BadSignature, ValueError):
        raise BadQuery("cursor") from None


def page(rows: QuerySet[Any], query: Asked, subject: str) -> tuple[list[Any], str]:
    """The rows of a page, newest first, and the cursor of the next page, empty if there is none."""
    if query.before is not None:
        rows = rows.filter(pk__lt=query.before)
    found: list[Model] = list(rows.filter(**query.lookups).order_by("-pk")[: query.limit + 1])
    if len(found) <= query.limit:
        return found, ""
    kept = found[: query.limit]
    return kept, _signer(subject).sign(str(kept[-1].pk))
