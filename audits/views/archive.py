"""The ledger's archive for officers and auditors: partitions, and a search of what left."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.forms.archive import ArchiveSearchForm
from audits.models import LegalHold
from audits.services import archive_search, archive_state
from audits.services.archiving import NotArchived
from audits.services.archiving_disk import NotKept
from audits.services.reads import Read
from audits.views.calls import note_read
from vendors import as_of


@require_safe
@permission_required("audits.view_archiveevent", raise_exception=True)
def partition_list(request: HttpRequest) -> HttpResponse:
    """Each partition, its archive, and what the retention job does next with it."""
    lines = archive_state.overview(as_of.reading_moment())
    coming = sorted(
        (line for line in lines if line.next.on), key=lambda line: (line.next.on, line.number)
    )
    context = {
        "lines": lines,
        "coming": coming[:5],
        "holds": LegalHold.objects.in_force().count(),
        "stored": sum(line.archive.size_bytes for line in lines if line.archive),
        "kept": sum(line.size_bytes for line in lines),
        "policy": {
            "days": settings.LEDGER_ARCHIVE_AFTER_DAYS,
            "years": settings.LEDGER_RETENTION_YEARS,
            "format": settings.LEDGER_ARCHIVE_FORMAT,
        },
    }
    return render(request, "audits/partition_list.html", context)


@require_safe
@permission_required("audits.view_archiveevent", raise_exception=True)
def archive_search_page(request: HttpRequest) -> HttpResponse:
    """A form, and what a search of the archive finds; each search is a read event."""
    asked = bool(request.GET)
    form = ArchiveSearchForm(request.GET) if asked else ArchiveSearchForm()
    context: dict[str, Any] = {"form": form, "asked": asked, "limit": archive_search.LIMIT}
    status = 200
    if asked and form.is_valid():
        try:
            context["found"] = found = archive_search.find(form.asked())
        except (NotArchived, NotKept) as error:
            context["failure"] = str(error)
            status = 503
        except (OSError, archive_search.SearchFailed):
            context["failure"] = "The search took too long and was given up. Narrow the days."
            status = 503
        else:
            note_read(
                request,
                Read("search", "audits.archive", len(found.calls), filters=form.applied()),
            )
    elif asked:
        status = 400
    return render(request, "audits/archive_search.html", context, status=status)
