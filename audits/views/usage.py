"""Sources of providers' counts: the source, whose counts are whose, and files of counts."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audits.forms.usage import UsageFileForm, UsageMappingForm, UsageSourceForm
from audits.models import UsageMapping, UsageSource
from audits.pages import completeness as page
from audits.services import usage_imports
from audits.services.completeness import Period, completeness, newest_imports
from audits.services.usage_sources import add_mapping, register_source
from audits.tasks import fetch_source
from vendors import as_of
from vendors.sheets import MAX_BYTES, TableRefused

# How long a file waits for its confirmation, in seconds.
KEPT = 3600
SHOWN_DAYS = 90
SHOWN_LINES = 20


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("audits.add_usagesource", raise_exception=True)
def usagesource_create(request: HttpRequest) -> HttpResponse:
    """Register a place where counts come from."""
    form = UsageSourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        source = register_source(form.instance, at=timezone.now())
        messages.success(request, "Registered. Say next whose counts are whose.")
        return redirect("audits:usagesource-detail", source.pk)
    return render(request, "audits/usagesource_form.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("audits.change_usagesource", raise_exception=True)
def usagesource_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a source; what was imported from it stays."""
    source = get_object_or_404(UsageSource, pk=pk)
    form = UsageSourceForm(request.POST or None, instance=source)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("audits:usagesource-detail", pk)
    return render(request, "audits/usagesource_form.html", {"form": form, "source": source})


@require_safe
@permission_required("audits.view_usagesource", raise_exception=True)
def usagesource_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A source: its imports, whose counts are whose, and what is nobody's."""
    source = get_object_or_404(UsageSource.objects.select_related("owner"), pk=pk)
    period = Period.until_yesterday(as_of.reading_moment(), SHOWN_DAYS)
    imports = newest_imports(source, period)
    nobodys = completeness(period, integrations=[]).unassigned(pk)
    context = {
        "source": source,
        "last_day": usage_imports.last_day(source),
        "late": page.is_late(source, usage_imports.last_day(source), as_of.reading_day()),
        "mappings": source.mappings.select_related("integration"),
        "imports": page.imports_of(source),
        "nobodys": sorted(nobodys.items(), reverse=True),
        "costs": page.costs_of(set(imports.values())),
        "days": SHOWN_DAYS,
    }
    return render(request, "audits/usagesource_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("audits.change_usagesource", raise_exception=True)
def usagemapping_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whose some counts of a source are."""
    source = get_object_or_404(UsageSource, pk=pk)
    form = UsageMappingForm(request.POST or None, initial={"source": source})
    if request.method == "POST" and form.is_valid():
        add_mapping(form.instance)
        return redirect("audits:usagesource-detail", pk)
    return render(request, "audits/usagemapping_form.html", {"form": form, "source": source})


@require_POST
@permission_required("audits.change_usagesource", raise_exception=True)
def usagemapping_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a line out of the list; the history keeps it."""
    line = get_object_or_404(UsageMapping, pk=pk)
    line.delete()
    return redirect("audits:usagesource-detail", line.source_id)


@require_POST
@permission_required("audits.import_usage", raise_exception=True)
def usagesource_fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the source's API now instead of at night."""
    source = get_object_or_404(UsageSource, pk=pk)
    if source.is_active and source.kind == UsageSource.Kind.OPENAI:
        fetch_source.delay_on_commit(pk)
        messages.success(request, "A worker asks the API. Its counts are here in a moment.")
    else:
        messages.warning(request, "This source has no API that is in use.")
    return redirect("audits:usagesource-detail", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("audits.import_usage", raise_exception=True)
def usageimport_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Upload a file of counts and see what it says; nothing is stored yet."""
    source = get_object_or_404(UsageSource, pk=pk)
    today = timezone.now().date()
    form = UsageFileForm(request.POST or None, request.FILES or None, today=today)
    context: dict[str, Any] = {"form": form, "source": source}
    if request.method == "POST" and form.is_valid():
        try:
            context |= _checked(request, source, form)
        except TableRefused as refused:
            form.add_error("file", refused.message)
        except ValidationError as refused:
            form.add_error(None, refused.messages)
    status = 400 if form.errors else 200
    return render(request, "audits/usageimport_form.html", context, status=status)


def _checked(request: HttpRequest, source: UsageSource, form: UsageFileForm) -> dict[str, Any]:
    """What the file says; it waits in the cache until the person confirms it."""
    file: UploadedFile = form.cleaned_data["file"]
    content = file.read(MAX_BYTES + 1)
    reading = usage_imports.read_file(content, on=form.today)
    if reading.faults:
        return {"reading": reading, "faults": reading.faults}
    days = usage_imports.days_of(
        reading, form.cleaned_data["first_day"], form.cleaned_data["last_day"]
    )
    sha256 = hashlib.sha256(content).hexdigest()
    kept = base64.b64encode(content).decode()
    cache.set(_kept_as(request, source, sha256), (file.name or "", kept), KEPT)
    silent = (days[1] - days[0]).days + 1 - len(reading.days)
    return {
        "reading": reading,
        "days": days,
        "silent": silent,
        "sha256": sha256,
        "sample": reading.counts[:SHOWN_LINES],
        "requests": sum(count.requests or 0 for count in reading.counts),
        "newer": source.imports.covering(*days).exists(),
    }


def _kept_as(request: HttpRequest, source: UsageSource, sha256: str) -> str:
    return f"usage-file:{source.pk}:{request.user.pk}:{sha256}"


@require_POST
@permission_required("audits.import_usage", raise_exception=True)
def usageimport_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Store the file that the person has just seen."""
    assert request.user.is_authenticated
    source = get_object_or_404(UsageSource, pk=pk)
    name = _kept_as(request, source, request.POST.get("sha256", "")[:64])
    kept = cache.get(name)
    if kept is None:
        messages.error(request, "The file is no longer here. Upload it again.")
        return redirect("audits:usageimport-create", pk)
    at = timezone.now()
    try:
        upload = usage_imports.Upload(kept[0], base64.b64decode(kept[1]))
        said = _posted(request, "first"), _posted(request, "last")
        stored = usage_imports.import_file(source, upload, said, by=request.user, at=at)
    except (ValidationError, TableRefused) as refused:
        told = refused.messages[0] if isinstance(refused, ValidationError) else str(refused)
        messages.error(request, told)
        return redirect("audits:usageimport-create", pk)
    cache.delete(name)
    messages.success(request, f"Imported: {stored.line_count} lines, {stored}.")
    return redirect("audits:usagesource-detail", pk)


def _posted(request: HttpRequest, name: str) -> dt.date | None:
    """The day that was posted; None if it is none."""
    try:
        return parse_date(request.POST.get(name, ""))
    except ValueError:
        return None
