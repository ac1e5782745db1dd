"""The matrix of people, integrations and permissions, today or as of a day; and its file."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from policies.forms.matrix import MatrixForm
from policies.models import Grant
from policies.services import access_matrix
from policies.services.access_matrix import Column, Right, Row
from vendors import as_of
from vendors.exports import table_response
from vendors.reads import checked, note_read

PEOPLE_PER_PAGE, COLUMNS_PER_PAGE = 25, 12
SHORT = {"send_prompt": "Send", "view_output": "View", "read_log": "Log"}
# Those of the filters that may be recorded: no text that somebody typed.
FILTERS = ("kind", "show")
HEADERS = (
    "Who",
    "Actor",
    "Integration",
    "Slug",
    "May",
    "How",
    "Until",
    "What for",
    "Grant",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A right as a cell shows it: its short name, and in words how it is held."""

    short: str
    words: str
    css: str


@require_safe
@permission_required("policies.view_grant", raise_exception=True)
def grant_matrix(request: HttpRequest) -> HttpResponse:
    """Who may do what with which integration at the moment that the page speaks of."""
    at = as_of.reading_moment()
    form = MatrixForm(request.GET)
    people, over = _asked(form)
    page = Paginator(people, PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    across = Paginator(over, COLUMNS_PER_PAGE).get_page(request.GET.get("across"))
    note_read(request, ("list", "policies.grant"), len(page), filters=checked(form, *FILTERS))
    shown, found = list(across), access_matrix.cells(list(page), list(across), at)
    context = {
        "form": form,
        "page_obj": page,
        "across": across,
        "columns": shown,
        "rows": [
            (
                row,
                [
                    [_shown(right) for right in found.get((row.key, c.integration_id), ())]
                    for c in shown
                ],
            )
            for row in page
        ],
        "at": at,
    }
    return render(request, "policies/grant_matrix.html", context)


def _asked(form: MatrixForm) -> tuple[list[Row], list[Column]]:
    given = form.cleaned_data if form.is_valid() else {}
    people = access_matrix.rows(
        as_of.reading_moment(),
        text=given.get("who", ""),
        kind=given.get("kind", ""),
        everybody=given.get("show") == "all",
    )
    return people, access_matrix.columns(given.get("integration", ""))


def _shown(right: Right) -> Shown:
    if right.how == access_matrix.OWNER:
        how, css = "as its owner", "info"
    elif right.how == Grant.Kind.EMERGENCY:
        how, css = "in an emergency", "bad"
    elif right.how == Grant.Kind.STANDING:
        how, css = "by a grant", "ok"
    else:
        how, css = f"through {right.how}", "ok"
    until = f" until {right.until:%-d %b %Y}" if right.until else ""
    return Shown(SHORT[right.permission], f"{how}{until}", css)


@require_safe
@permission_required("policies.view_grant", raise_exception=True)
def matrix_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Every right of the matrix as a file, under its filters: one a line."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    form = MatrixForm(request.GET)
    people, over = _asked(form)
    filters = checked(form, *FILTERS)
    note_read(request, ("export", "policies.grant"), len(people), filters=filters)
    labels = dict(Grant.Permission.choices)
    rows = (
        (
            line.row.name,
            line.row.actor,
            line.column.name,
            line.column.slug,
            labels[line.right.permission],
            line.right.how,
            line.right.until,
            line.right.purpose,
            line.right.grant_id,
        )
        for line in access_matrix.lines(people, over, as_of.reading_moment())
    )
    return table_response(kind, "access", HEADERS, rows)
