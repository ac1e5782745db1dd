"""Has the text of a paper read, and draws its pages; both in a process with limits."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from django.conf import settings
from django.db import transaction

from vendors import pdf
from vendors.models import AssuranceReport, Document, DocumentReading, ReportDraft, Vendor
from vendors.reading import has_text, read

State = DocumentReading.State


def ask_reading(document: Document, *, at: dt.datetime, again: bool = False) -> DocumentReading:
    """The reading of a paper, made if there is none; with `again` it waits to be read anew.

    Whoever asks enqueues `vendors.tasks.read_document` while it waits.
    """
    reading, _made = DocumentReading.objects.get_or_create(
        document=document, defaults={"asked_at": at}
    )
    if again and reading.state != State.WAITING:
        reading.state, reading.asked_at = State.WAITING, at
        reading.save(update_fields=["state", "asked_at"])
    return reading


def read_document(pk: int, *, at: dt.datetime) -> DocumentReading:
    """Read a paper that waits, and keep what it seems to say. Safe to repeat."""
    reading = DocumentReading.objects.select_related("document").get(pk=pk)
    if reading.state != State.WAITING:
        return reading
    try:
        pages = pdf.page_texts(_content(reading.document))
    except (pdf.Unreadable, FileNotFoundError):
        pages, state = [], State.FAILED
    else:
        state = State.DONE if has_text(pages) else State.NO_TEXT
    found = read(pages, own_names=_own_names(reading.document)) if state == State.DONE else []
    with transaction.atomic():
        reading.state, reading.read_at = state, at
        reading.page_texts = pages if state == State.DONE else []
        reading.proposals = [
            {
                "key": each.key,
                "field": each.field,
                "values": dict(each.values),
                "page": each.page,
                "quote": each.quote,
            }
            for each in found
        ]
        reading.save()
    return reading


def _own_names(document: Document) -> tuple[str, ...]:
    """The names of the companies whose papers hold this document."""
    vendors = Vendor.objects.filter(pk__in=_vendor_ids(document)).values_list("name", "legal_name")
    return tuple(name for names in vendors for name in names if name)


def _vendor_ids(document: Document) -> set[int]:
    drafts = ReportDraft.objects.filter(document=document).values_list("vendor_id", flat=True)
    reports = AssuranceReport.objects.filter(document=document).values_list("vendor_id", flat=True)
    return {*drafts, *reports}


def _content(document: Document) -> bytes:
    with document.file.open("rb") as file:
        content: bytes = file.read()
    return content


def page_image(document: Document, number: int) -> bytes:
    """A page as PNG, from the private cache on disk or drawn anew.

    The cache may be emptied at any time. Raises: vendors.pdf.Unreadable, FileNotFoundError.
    """
    kept = Path(settings.PAGE_IMAGE_ROOT) / document.sha256 / f"{number}.png"
    if kept.is_file():
        return kept.read_bytes()
    image = pdf.page_image(_content(document), number)
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and then named, so that nobody reads half a picture.
    aside = kept.with_suffix(f".{os.getpid()}")
    aside.write_bytes(image)
    aside.chmod(0o600)
    aside.replace(kept)
    return image
