"""Evidence packs: the list, asking for one, its progress, and the download."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from evidence.filters import PackFilter
from evidence.forms.packs import PackForm
from evidence.models import EvidencePack, PackEvent
from evidence.services import packs as services
from evidence.tasks import build_pack
from policies.models import Integration
from vendors import as_of
from vendors.exports import Cell, table_response
from vendors.models import Vendor

PER_PAGE = 25
# What the form offers as period, both days counted, if nobody says another.
USUAL_DAYS = 90
BUSY = "The pack has moved on in the meantime: see below."


EXPORT_HEADERS = (
    "Pack",
    "Asked for by",
    "Period from",
    "Period to",
    "Vendors",
    "Integrations",
    "State",
    "Size in bytes",
    "Downloads",
    "Asked for",
)


def _chosen(request: HttpRequest) -> PackFilter:
    """The packs, narrowed by the address."""
    downloads = Count("events", filter=Q(events__kind=PackEvent.Kind.DOWNLOADED))
    rows = (
        EvidencePack.objects.select_related("requested_by")
        .annotate(downloads=downloads)
        .prefetch_related("vendors", "integrations")
        .order_by("-requested_at", "-pk")
    )
    return PackFilter(request.GET, rows, request=request)


@require_safe
@permission_required("evidence.view_evidencepack", raise_exception=True)
def pack_list(request: HttpRequest) -> HttpResponse:
    chosen = _chosen(request)
    page = Paginator(chosen.qs, PER_PAGE).get_page(request.GET.get("page"))
    now = as_of.reading_moment()
    for pack in page:
        pack.silent = services.is_silent(pack, now)
    return render(request, "evidence/pack_list.html", {"filter": chosen, "page_obj": page})


@require_safe
@permission_required("evidence.view_evidencepack", raise_exception=True)
def pack_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it, as a file; the packs themselves are not in it."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    now = as_of.reading_moment()
    name = f"packs-{as_of.reading_day().isoformat()}"
    return table_response(kind, name, EXPORT_HEADERS, _export_rows(_chosen(request), now))


def _export_rows(chosen: PackFilter, now: dt.datetime) -> Iterator[list[Cell]]:
    for pack in chosen.qs.iterator(chunk_size=500):
        silent = services.is_silent(pack, now)
        yield [
            pack.title,
            str(pack.requested_by),
            pack.period_start,
            pack.period_end,
            _names(pack.vendors.all()),
            _names(pack.integrations.all()),
            "No sign of life" if silent else pack.get_state_display(),
            pack.size_bytes,
            pack.downloads,
            pack.requested_at,
        ]


def _names(chosen: Iterable[Vendor | Integration]) -> str:
    return "; ".join(each.name for each in chosen) or "All"


@permission_required("evidence.add_evidencepack", raise_exception=True)
def pack_create(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    today = timezone.localdate()
    form = PackForm(request.POST or None, today=today, initial=_usual(request, today))
    if request.method != "POST" or not form.is_valid():
        status = 400 if form.errors else 200
        return render(request, "evidence/pack_form.html", {"form": form}, status=status)
    known = form.cleaned_data
    pack = services.ask_pack(
        title=known["title"],
        period=(known["period_start"], known["period_end"]),
        vendors=known["vendors"],
        integrations=known["integrations"],
        datasets=known["datasets"],
        by=request.user,
        at=timezone.now(),
        today=today,
    )
    build_pack.delay_on_commit(pack.pk)
    return redirect("evidence:pack-detail", pack.pk)


def _usual(request: HttpRequest, today: dt.date) -> dict[str, dt.date]:
    """The period that the address names, as far as it names days; else the usual one."""
    period = {
        "period_start": today - dt.timedelta(days=USUAL_DAYS - 1),
        "period_end": today,
    }
    for name in period:
        try:
            period[name] = forms.DateField().clean(request.GET.get(name))
        except forms.ValidationError:
            continue
    return period


@require_safe
@permission_required("evidence.view_evidencepack", raise_exception=True)
def pack_detail(request: HttpRequest, pk: int) -> HttpResponse:
    pack = get_object_or_404(EvidencePack.objects.select_related("requested_by"), pk=pk)
    now = as_of.reading_moment()
    silent = services.is_silent(pack, now)
    moving = pack.state in {EvidencePack.State.QUEUED, EvidencePack.State.BUILDING}
    may_change = request.user.has_perm("evidence.change_evidencepack")
    known = {
        "pack": pack,
        "silent": silent,
        "moving": moving,
        "can_cancel": may_change and moving,
        "can_retry": may_change and services.can_retry(pack, now),
        "contents": services.contents(pack),
        "events": pack.events.select_related("actor"),
        "scope_vendors": pack.vendors.all(),
        "scope_integrations": pack.integrations.all(),
    }
    return render(request, "evidence/pack_detail.html", known)


@require_POST
@permission_required("evidence.change_evidencepack", raise_exception=True)
def pack_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    pack = get_object_or_404(EvidencePack, pk=pk)
    try:
        services.cancel_pack(pack, by=request.user, at=timezone.now())
    except services.PackBusy:
        messages.warning(request, BUSY)
    return redirect("evidence:pack-detail", pk)


@require_POST
@permission_required("evidence.change_evidencepack", raise_exception=True)
def pack_retry(request: HttpRequest, pk: int) -> HttpResponse:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    pack = get_object_or_404(EvidencePack, pk=pk)
    try:
        services.retry_pack(pack, by=request.user, at=timezone.now())
    except services.PackBusy:
        messages.warning(request, BUSY)
    else:
        build_pack.delay_on_commit(pk)
    return redirect("evidence:pack-detail", pk)


@require_GET
@permission_required("evidence.download_evidencepack", raise_exception=True)
def pack_download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The zip as an attachment; who fetched it is stored before the first byte goes out."""
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    pack = get_object_or_404(EvidencePack, pk=pk, state=EvidencePack.State.READY)
    try:
        stream = pack.file.open("rb")
    except FileNotFoundError:
        messages.error(request, "The file of this pack is not where it was put. Ask an operator.")
        return redirect("evidence:pack-detail", pk)
    services.record_download(pack, by=request.user, at=timezone.now())
    response = FileResponse(
        stream,
        as_attachment=True,
        filename=services.file_name(pack),
        content_type="application/zip",
    )
    response["Cache-Control"] = "no-store"
    return response
