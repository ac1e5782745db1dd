"""The one way to an uploaded paper."""

from __future__ import annotations

from auditlog.signals import accessed
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from vendors.models import Document


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
    response = FileResponse(
        file, as_attachment=True, filename=document.name, content_type=document.content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store, private"
    return response
