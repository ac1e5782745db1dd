"""Takes in what providers counted: all of a file or of an API's answers, or nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from audits.completeness import files, openai
from audits.completeness.comparing import Count
from audits.completeness.files import Cost, Reading
from audits.models import UsageCost, UsageCount, UsageImport, UsageSource
from policies.models import Integration
from vendors import outbound
from vendors.sheets import read_table

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

Days = tuple[dt.date, dt.date]

# Counts of the last days are asked for again: providers still correct them.
ASKED_AGAIN = 7
ASKED_AT_FIRST = 30
DAY = dt.timedelta(days=1)
LIMITS = outbound.Limits(seconds=30.0, answer_bytes=8 * 1024 * 1024)
# All answers of one fetch together.
MOST_BYTES = 64 * 1024 * 1024
BATCH = 1_000

NO_KEY = "USAGE_API_KEYS, a setting of the server, has no key of this name."
SAME_AGAIN = "This file was imported for these days already, and nothing newer came since."


class FetchFailed(Exception):
    """The API did not give all its counts; nothing was stored. Quotes nothing of its answers.

    `wait_seconds` is how long it asked to be left alone; `again` is False where only a person can
    mend it.
    """

    def __init__(self, message: str, *, again: bool = True, wait_seconds: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.again = again
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was uploaded."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be stored, with where it comes from; both days count."""

    origin: UsageImport.Origin
    counts: tuple[Count, ...]
    costs: tuple[Cost, ...]
    days: Days
    sha256: str
    size_bytes: int
    lines: int
    file_name: str = ""


def read_file(content: bytes, *, on: dt.date) -> Reading:
    """What a file holds, up to the day `on`; nothing is stored.

    Raises: vendors.sheets.TableRefused.
    """
    table = read_table(content)
    integrations = dict(Integration.objects.values_list("slug", "pk"))
    return files.read(table.headings, table.rows, integrations=integrations, today=on)


def days_of(reading: Reading, first: dt.date | None, last: dt.date | None) -> Days:
    """The days an import speaks of: those of its lines, or as far as the person says.

    Raises: ValidationError if lines lie outside.
    """
    days = reading.days
    if not days:
        raise ValidationError("The file has no line that could be counted.")
    begins, ends = first or days[0], last or days[-1]
    if begins > days[0] or ends < days[-1]:
        raise ValidationError("Lines of the file lie outside the days you gave.")
    return begins, ends


def import_file(
    source: UsageSource,
    upload: Upload,
    said: tuple[dt.date | None, dt.date | None],
    *,
    by: User,
    at: dt.datetime,
) -> UsageImport:
    """Store what a file holds; `said` are its first and last day where a person says so.

    Raises: ValidationError if it has faults, or was the last one; vendors.sheets.TableRefused.
    """
    reading = read_file(upload.content, on=at.date())
    if reading.faults:
        raise ValidationError("Lines of the file cannot be read; nothing was stored.")
    taken = Taken(
        origin=UsageImport.Origin.FILE,
        counts=reading.counts,
        costs=reading.costs,
        days=days_of(reading, *said),
        sha256=hashlib.sha256(upload.content).hexdigest(),
        size_bytes=len(upload.content),
        lines=reading.lines,
        file_name=PurePosixPath(upload.name.replace("\\", "/")).name[:200],
    )
    stored = store(source, taken, by=by, at=at)
    if stored is None:
        raise ValidationError(SAME_AGAIN)
    return stored


@transaction.atomic
def store(
    source: UsageSource, taken: Taken, *, by: User | None, at: dt.datetime
) -> UsageImport | None:
    """Store an import with its counts; of its days it is what counts from now on.

    Returns: None, and nothing is stored, where the newest import of these days is the same.
    """
    UsageSource.objects.select_for_update(no_key=True).get(pk=source.pk)
    newest = source.imports.covering(*taken.days).last()
    if newest and (newest.sha256, (newest.first_day, newest.last_day)) == (
        taken.sha256,
        taken.days,
    ):
        return None
    stored = UsageImport(
        source=source,
        origin=taken.origin,
        file_name=taken.file_name,
        sha256=taken.sha256,
        size_bytes=taken.size_bytes,
        first_day=taken.days[0],
        last_day=taken.days[1],
        line_count=taken.lines,
        imported_by=by,
        at=at,
    )
    stored.full_clean()
    stored.save()
    UsageCount.objects.bulk_create((_count(stored, row) for row in taken.counts), batch_size=BATCH)
    UsageCost.objects.bulk_create((_cost(stored, row) for row in taken.costs), batch_size=BATCH)
    return stored


def _count(of: UsageImport, row: Count) -> UsageCount:
    return UsageCount(
        usage_import=of,
        day=row.day,
        project=row.project,
        api_key=row.api_key,
        model=row.model,
        integration_id=row.integration,
        requests=row.requests,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=row.cached_tokens,
    )


def _cost(of: UsageImport, row: Cost) -> UsageCost:
    return UsageCost(
        usage_import=of,
        day=row.day,
        project=row.project,
        item=row.item,
        amount=row.amount,
        currency=row.currency,
    )


def days_to_fetch(source: UsageSource, on: dt.date) -> Days:
    """From some days before the last day known to yesterday, since a day must be over."""
    last = last_day(source)
    yesterday = on - DAY
    if last is None:
        return yesterday - (ASKED_AT_FIRST - 1) * DAY, yesterday
    return min(last, yesterday) - (ASKED_AGAIN - 1) * DAY, yesterday


def last_day(source: UsageSource) -> dt.date | None:
    """The last day that any import of the source speaks of."""
    newest = source.imports.order_by("-last_day").first()
    return newest.last_day if newest else None


def fetch(source: UsageSource, *, key: str, on: dt.date, at: dt.datetime) -> UsageImport | None:
    """Ask the source's API for its counts and costs up to the day before `on` (UTC); store them.

    Returns: None where nothing is new. Raises: FetchFailed.
    """
    days = days_to_fetch(source, on)
    digest, size, pages = hashlib.sha256(), 0, 0
    counts: list[Count] = []
    costs: list[Cost] = []
    for what in (*openai.USAGE, openai.COSTS):
        page = ""
        while True:
            body = _asked(openai.address(source.base_url, what, days, page), key)
            digest.update(body)
            size += len(body)
            pages += 1
            if size > MOST_BYTES or pages > openai.MOST_PAGES:
                raise FetchFailed("The API has more pages than it can have.", again=False)
            answer = _parsed(what, body, days)
            counts += answer.counts
            costs += answer.costs
            page = answer.next_page
            if not page:
                break
    taken = Taken(
        origin=UsageImport.Origin.API,
        counts=tuple(counts),
        costs=tuple(costs),
        days=days,
        sha256=digest.hexdigest(),
        size_bytes=size,
        lines=len(counts) + len(costs),
    )
    return store(source, taken, by=None, at=at)


def _parsed(what: str, body: bytes, days: Days) -> openai.Answer:
    try:
        return openai.parsed(what, body, days)
    except openai.AnswerRefused as refused:
        raise FetchFailed(str(refused), again=False) from None


def _asked(url: str, key: str) -> bytes:
    try:
        answer = outbound.request("GET", url, headers=openai.headers(key), limits=LIMITS)
    except outbound.Refused as refused:
        raise FetchFailed(f"Not asked: {refused}.", again=False) from None
    except outbound.Unreachable as gone:
        raise FetchFailed(f"Not reached: {gone}.") from None
    if answer.status == 200:
        return answer.body
    if answer.status == 429 or answer.status >= 500:
        wait = answer.headers.get("retry-after", "")
        is_told = wait.isascii() and wait.isdecimal()
        seconds = min(int(wait[:9]), 3600) if is_told else 0
        raise FetchFailed(f"The API answered {answer.status}.", wait_seconds=seconds)
    raise FetchFailed(f"The API answered {answer.status}.", again=False)


def note_try(source: UsageSource, *, trouble: str, at: dt.datetime) -> None:
    """Remember when the API was asked last, and what was wrong; "" if nothing was."""
    # Past the history on purpose: when it was tried changes daily and decides nothing.
    UsageSource.objects.filter(pk=source.pk).update(tried_at=at, trouble=trouble[:200])
