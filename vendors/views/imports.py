"""The import wizard: file, columns, what would change, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vendors import as_of
from vendors.exports import Cell, book_response, csv_response, table_response
from vendors.forms.imports import ColumnsForm, UploadForm
from vendors.imports.kinds import KINDS
from vendors.imports.planning import Kind, Outcome, Plan, propose, written
from vendors.models import (
    Agreement,
    AssuranceReport,
    Fact,
    RegisterImport,
    Service,
    Vendor,
)
from vendors.numbers import whole
from vendors.services.importing import imports
from vendors.services.importing.known import known
from vendors.sheets import MAX_BYTES, TableRefused
from vendors.tasks import apply_import, progress_key

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from vendors.sheets import Table

LINES = 100
SHOWN_TOUCHED = 100
STEPS = ("File", "Columns", "What would change", "Done")
OUTCOMES = {
    Outcome.NEW: ("ok", "New"),
    Outcome.CHANGED: ("info", "Changed"),
    Outcome.SAME: ("neutral", "Same"),
    Outcome.ERROR: ("bad", "Error"),
}

# The page of each kind's rows, and the field that stands in its address.
PAGES = {
    "vendors": ("vendors:vendor-detail", "slug"),
    "services": ("vendors:service-detail", "slug"),
    "agreements": ("vendors:agreement-detail", "pk"),
    "reports": ("vendors:report-detail", "pk"),
    "facts": ("vendors:service-detail", "service__slug"),
}
MODELS: dict[str, Any] = {
    "vendors": Vendor,
    "services": Service,
    "agreements": Agreement,
    "reports": AssuranceReport,
    "facts": Fact,
}


def steps(current: int, imported: RegisterImport | None = None) -> list[dict[str, str]]:
    """The four steps, of which `current` is counted from 0; those before it can be gone back to."""
    urls = [""] * len(STEPS)
    if imported is not None and imported.state == RegisterImport.State.DRAFT:
        urls[1] = reverse("vendors:import-columns", args=[imported.pk])
    return [
        {
            "label": label,
            "state": "done" if n < current else "current" if n == current else "ahead",
            "url": urls[n] if n < current else "",
        }
        for n, label in enumerate(STEPS)
    ]


def importable(user: AbstractBaseUser | AnonymousUser) -> list[str]:
    """The kinds whose rows the person may store by hand too."""
    assert hasattr(user, "has_perms")
    return [code for code, kind in KINDS.items() if user.has_perms(kind.permissions)]


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.import_register", raise_exception=True)
def import_create(request: HttpRequest) -> HttpResponse:
    """Upload a file; nothing of it reaches the register yet."""
    assert request.user.is_authenticated
    form = UploadForm(
        request.POST or None,
        request.FILES or None,
        kinds=importable(request.user),
        initial={"kind": request.GET.get("kind", "vendors")},
    )
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            imported = imports.begin(
                form.cleaned_data["kind"],
                file.name,
                file.read(MAX_BYTES + 1),
                by=request.user,
                at=timezone.now(),
            )
        except TableRefused as refused:
            form.add_error("file", refused.message)
        else:
            return redirect("vendors:import-columns", imported.pk)
    context = {"form": form, "steps": steps(0), "kinds": KINDS.values()}
    return render(request, "vendors/import_form.html", context)


def _mine(request: HttpRequest, pk: int) -> RegisterImport:
    """The person's own import that is not confirmed. Raises: Http404, PermissionDenied."""
    imported = get_object_or_404(
        RegisterImport.objects.select_related("file"), pk=pk, created_by=request.user.pk
    )
    if imported.kind not in importable(request.user):
        raise PermissionDenied
    return imported


def _opened(imported: RegisterImport, sheet: str = "") -> Table | None:
    """The import's table; None where it is confirmed, discarded, or its file is gone."""
    if imported.state != RegisterImport.State.DRAFT:
        return None
    try:
        return imports.table_of(imported, sheet=sheet)
    except imports.FileGone:
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.import_register", raise_exception=True)
def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which column of the file is what; `?sheet=` looks at another sheet of a workbook."""
    imported = _mine(request, pk)
    kind = KINDS[imported.kind]
    try:
        table = _opened(imported, request.POST.get("sheet", request.GET.get("sheet", "")))
    except TableRefused as refused:
        messages.error(request, refused.message)
        return redirect("vendors:import-columns", pk)
    if table is None:
        return redirect("vendors:import-detail", pk)
    kept = table.sheet == imported.sheet
    mapping = imported.mapping if kept else propose(kind, table.headings)
    initial = {name: str(place) for name, place in mapping.items()}
    posted = request.POST if request.method == "POST" else None
    form = ColumnsForm(posted, kind=kind, headings=table.headings, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            imports.choose_columns(imported, form.mapping(), sheet=table.sheet)
        except ValidationError as refused:
            messages.error(request, refused.messages[0])
            return redirect("vendors:import-detail", pk)
        return redirect("vendors:import-check", pk)
    context = {
        "imported": imported,
        "kind": kind,
        "table": table,
        "form": form,
        "rows": _column_rows(kind, form, table),
        "unused": _unused(table, mapping),
        "steps": steps(1, imported),
    }
    return render(request, "vendors/import_columns.html", context)


def _column_rows(kind: Kind, form: ColumnsForm, table: Table) -> list[dict[str, Any]]:
    rows = []
    for column in kind.columns:
        place = whole(form[column.name].value(), -1, digits=5)
        cell = ""
        if place >= 0:
            filled = (row.cells[place] for row in table.rows if place < len(row.cells))
            cell = next((text for text in filled if text), "")
        rows.append({"column": column, "field": form[column.name], "sample": cell[:80]})
    return rows


def _unused(table: Table, mapping: dict[str, int]) -> list[str]:
    used = set(mapping.values())
    return [heading for n, heading in enumerate(table.headings) if heading and n not in used]


@require_safe
@permission_required("vendors.import_register", raise_exception=True)
def import_check(request: HttpRequest, pk: int) -> HttpResponse:
    """What each line would do to the register as it stands now; nothing is stored."""
    imported = _mine(request, pk)
    table = _opened(imported)
    if table is None:
        return redirect("vendors:import-detail", pk)
    plan = imports.plan_of(imported, table, on=timezone.localdate())
    counts = plan.counts()
    show = request.GET.get("show", "")
    lines = plan.of(show) if show in counts else list(plan.lines)
    page = Paginator(lines, LINES).get_page(request.GET.get("page"))
    context = {
        "imported": imported,
        "kind": KINDS[imported.kind],
        "table": table,
        "plan": plan,
        "counts": counts,
        "tabs": _outcome_tabs(counts, show),
        "page_obj": page,
        "lines": [(line, *OUTCOMES[line.outcome]) for line in page],
        "stores": counts[Outcome.NEW] + counts[Outcome.CHANGED],
        "steps": steps(2, imported),
    }
    return render(request, "vendors/import_check.html", context)


def _outcome_tabs(counts: dict[str, int], show: str) -> list[dict[str, Any]]:
    tabs = [
        {
            "label": "All lines",
            "url": "?",
            "current": show not in counts,
            "count": sum(counts.values()),
        }
    ]
    for outcome, (_, word) in OUTCOMES.items():
        tabs.append(
            {
                "label": {"Error": "Errors"}.get(word, word),
                "url": f"?show={outcome.value}",
                "current": show == outcome.value,
                "count": counts[outcome],
            }
        )
    return tabs


@require_safe
@permission_required("vendors.import_register", raise_exception=True)
def import_errors(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The lines that are refused, with why, and with their cells as they were read."""
    imported = _mine(request, pk)
    table = _opened(imported)
    if table is None:
        raise Http404
    plan = imports.plan_of(imported, table, on=timezone.localdate())
    headers = ["Line", "Column", "What is wrong", *table.headings]
    return csv_response(f"import-{pk}-errors", headers, _error_rows(plan, table))


def _error_rows(plan: Plan, table: Table) -> Iterator[list[Cell]]:
    cells = {row.number: row.cells for row in table.rows}
    for line in plan.of(Outcome.ERROR):
        for fault in line.faults:
            yield [line.number, fault.heading, fault.message, *cells[line.number]]


@require_POST
@permission_required("vendors.import_register", raise_exception=True)
def import_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the import as it was shown; a worker stores it, all of it or nothing."""
    imported = _mine(request, pk)
    assert request.user.is_authenticated
    try:
        imports.confirm(
            imported,
            request.POST.get("plan", ""),
            by=request.user,
            at=timezone.now(),
            on=timezone.localdate(),
        )
    except ValidationError as refused:
        messages.error(request, refused.messages[0])
        return redirect("vendors:import-check", pk)
    except (imports.FileGone, TableRefused):
        return redirect("vendors:import-detail", pk)
    apply_import.delay_on_commit(imported.pk)
    return redirect("vendors:import-detail", pk)


@require_POST
@permission_required("vendors.import_register", raise_exception=True)
def import_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the import up; its file goes at once."""
    imported = _mine(request, pk)
    assert request.user.is_authenticated
    try:
        imports.discard(imported, by=request.user, at=timezone.now())
    except ValidationError as refused:
        messages.error(request, refused.messages[0])
        return redirect("vendors:import-detail", pk)
    messages.success(request, "The import is discarded. Its file is deleted.")
    return redirect("vendors:import-list")


@require_safe
@permission_required("vendors.view_registerimport", raise_exception=True)
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What came of an import, with links to what it stored."""
    found = RegisterImport.objects.select_related("created_by", "file").defer("file__content")
    imported = get_object_or_404(found, pk=pk)
    moving = imported.state == RegisterImport.State.APPLYING
    stores = imported.counts.get("new", 0) + imported.counts.get("changed", 0)
    mine = imported.created_by_id == request.user.pk
    context = {
        "imported": imported,
        "kind": KINDS[imported.kind],
        "moving": moving,
        "stores": stores,
        "done": cache.get(progress_key(pk), 0) if moving else 0,
        "touched": _links(imported),
        "more": max(0, len(imported.touched) - SHOWN_TOUCHED),
        "has_file": hasattr(imported, "file"),
        "kept_days": settings.IMPORT_FILE_DAYS,
        "can_go_on": mine and imported.state == RegisterImport.State.DRAFT,
        "steps": steps(3 if imported.state != RegisterImport.State.DRAFT else 2, imported),
    }
    return render(request, "vendors/import_detail.html", context)


def _links(imported: RegisterImport) -> list[dict[str, str]]:
    """The stored rows as the result page names them, the first of them."""
    rows = imported.touched[:SHOWN_TOUCHED]
    page, key = PAGES[imported.kind]
    ids = [pk for pk, _, _ in rows]
    found = dict(MODELS[imported.kind].objects.filter(pk__in=ids).values_list("pk", key))
    return [
        {
            "name": name,
            "url": reverse(page, args=[found[pk]]) if pk in found else "",
            "css": OUTCOMES[Outcome(outcome)][0],
            "word": OUTCOMES[Outcome(outcome)][1],
        }
        for pk, name, outcome in rows
    ]


@require_safe
@permission_required("vendors.view_registerimport", raise_exception=True)
def import_export(request: HttpRequest, what: str, kind: str) -> HttpResponseBase:
    """All rows of a kind in the columns of its import: what is taken out can be taken in again."""
    if what not in KINDS or kind not in ("csv", "xlsx"):
        raise Http404
    model = MODELS[what]._meta
    if not request.user.has_perm(f"{model.app_label}.view_{model.model_name}"):
        raise PermissionDenied
    chosen = KINDS[what]
    headings = [column.heading for column in chosen.columns]
    stored = known(chosen, as_of.reading_day()).stored
    return table_response(kind, what, headings, written(chosen, stored.values()))


@require_safe
@permission_required("vendors.view_registerimport", raise_exception=True)
def import_template(request: HttpRequest, what: str, kind: str) -> HttpResponseBase:
    """An empty file with the headings, one example, and (in a workbook) the allowed values."""
    if what not in KINDS or kind not in ("csv", "xlsx"):
        raise Http404
    chosen = KINDS[what]
    headings = [column.heading for column in chosen.columns]
    example = [column.example for column in chosen.columns]
    if kind == "csv":
        return csv_response(f"template-{what}", headings, [example])
    allowed = [
        [
            column.heading,
            "needed" if column.needed else "",
            "; ".join(column.labels.values()),
            column.help,
        ]
        for column in chosen.columns
    ]
    about = ["Column", "For a new row", "Allowed values", "How to fill it in"]
    return book_response(
        f"template-{what}", [(chosen.title, headings, [example]), ("Columns", about, allowed)]
    )
