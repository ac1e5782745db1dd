"""Keeps uploaded papers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import transaction

from vendors.models import Document
from vendors.uploads import UploadRefused, inspect_pdf

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

PDF = "application/pdf"


def store_document(uploaded: File[bytes], *, by: User | None) -> Document:
    """Check an uploaded PDF and keep it, named by its content.

    Raises: vendors.uploads.UploadRefused; nothing is stored then.
    """
    if uploaded.size > settings.UPLOAD_MAX_BYTES:
        raise UploadRefused("size")
    uploaded.seek(0)
    content = uploaded.read()
    found = inspect_pdf(content, max_bytes=settings.UPLOAD_MAX_BYTES)
    document = Document(
        name=_shown_name(uploaded.name or ""),
        sha256=found.sha256,
        size_bytes=found.size_bytes,
        content_type=PDF,
        page_count=found.page_count,
        uploaded_by=by,
    )
    document.file.save(f"{found.sha256}.pdf", ContentFile(content), save=False)
    with _gone_if_it_fails(document):
        document.save()
    return document


@contextmanager
def storing(uploaded: File[bytes] | None, *, by: User | None) -> Iterator[Document | None]:
    """Keep the upload if all that is done with it succeeds; neither row nor file stays otherwise.

    Raises: vendors.uploads.UploadRefused.
    """
    with transaction.atomic():
        if uploaded is None:
            yield None
            return
        document = store_document(uploaded, by=by)
        with _gone_if_it_fails(document):
            yield document


@contextmanager
def _gone_if_it_fails(document: Document) -> Iterator[None]:
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            document.file.delete(save=False)


def _shown_name(name: str) -> str:
    """The last part of the name a browser sent, printable, at most 200 characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(c for c in last if c.isprintable()).strip()
    stem = printable[:-4] if printable.lower().endswith(".pdf") else printable
    return f"{stem[:196] or 'document'}.pdf"
