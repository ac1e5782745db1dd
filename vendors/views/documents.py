"""The one way to an uploaded paper."""

from __future__ import annotations

from auditlog.signals import accessed
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from vendors import pdf
from vendors.models import Document
from vendors.reads import note_read
from vendors.services.readings import page_image

# Leafing through a paper is one reading of it: the history notes the person once in this time.
ONE_READING_SECONDS = 3600


@require_safe
@permission_required("vendors.view_document", raise_exception=True)
def document_download(request: HttpRequest, pk: int) -> FileResponse:
    """A paper as an attachment that no browser opens in our name; the history notes who had it."""
    document = get_object_or_404(Document, pk=pk)
    try:
        file = document.file.open("rb")
    except FileNotFoundError:
        raise Http404("The file of this document is gone.") from None
    accessed.send(Document, instance=document)
    note_read(request, ("download", "vendors.document"), 1, subject_id=str(pk))
    response = FileResponse(
        file, as_attachment=True, filename=document.name, content_type=document.content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store, private"
    return response


@require_safe
@permission_required("vendors.view_document", raise_exception=True)
def document_view(request: HttpRequest, pk: int) -> FileResponse:
    """A paper in the browser's own viewer, in a window of its own; noted like a download."""
    response = document_download(request, pk)
    response["Content-Disposition"] = "inline"
    # The viewer is a plugin to the browser: it does not start in a sandbox.
    response["Content-Security-Policy"] = (
        "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    )
    return response


@require_safe
@permission_required("vendors.view_document", raise_exception=True)
def document_page(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A page of a paper as a picture, which every browser shows."""
    document = get_object_or_404(Document, pk=pk)
    try:
        image = page_image(document, number)
    except (FileNotFoundError, pdf.Unreadable):
        raise Http404("This page cannot be shown.") from None
    if cache.add(f"paper-read:{request.user.pk}:{document.pk}", 1, ONE_READING_SECONDS):
        accessed.send(Document, instance=document)
        note_read(request, ("detail", "vendors.document"), 1, subject_id=str(pk))
    response = HttpResponse(image, content_type="image/png")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # The browser may keep what this person has seen for as long as a session lasts.
    response["Cache-Control"] = f"private, max-age={settings.SESSION_COOKIE_AGE}"
    return response
