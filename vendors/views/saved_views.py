"""Views of a list: kept, opened, shared, and which columns they show.

A list of any app takes part by a `ListPage` and `views_of` of it; see templates/components/README.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import django_filters
from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from vendors import as_of
from vendors.forms.saved_views import ViewForm
from vendors.models import SavedView
from vendors.numbers import whole
from vendors.services.saved_views import NotAllowed, begin_with, drop_view, keep_view
from vendors.tables.columns import PARAMETER, SEPARATOR, Column, ListSpec

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

SORT = "sort"
# What an address has beside the filters.
NOT_FILTERS = {PARAMETER, SORT, "view", "page", "cursor", "export", "kind", "open"}


@dataclass(frozen=True, slots=True)
class ListPage:
    """A list with the way to make its FilterSet from an address."""

    spec: ListSpec
    filterset: Callable[[HttpRequest, QueryDict], Any]


@dataclass(frozen=True, slots=True)
class ListTools:
    """What the bar of a list shows: its views, the present one, and the columns."""

    url: str
    query: str
    columns: list[Column]
    views: list[SavedView]
    current: SavedView | None
    default: SavedView | None
    past: bool

    def beginning(self, request: HttpRequest) -> str:
        """Where who opens the list without a word is led: to the view they begin with, if any."""
        if self.default is None or request.GET or self.past:
            return ""
        return f"{self.url}?open={self.default.pk}"


def list_tools(request: HttpRequest, spec: ListSpec) -> ListTools:
    """The bar of a list; one query, none while a past day is read."""
    past = as_of.day_read() is not None
    found: list[SavedView] = []
    if not past:
        found = list(SavedView.objects.readable(_person(request).pk, spec.name))
    now = request.GET.get("view", "")
    query = request.GET.copy()
    for name in ("page", "cursor", "view"):
        query.pop(name, None)
    return ListTools(
        url=reverse(spec.views_url_name),
        query=query.urlencode(),
        columns=spec.chosen(request.GET),
        views=found,
        current=next((view for view in found if str(view.pk) == now), None),
        default=next((view for view in found if getattr(view, "is_default", False)), None),
        past=past,
    )


def _person(request: HttpRequest) -> User:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    return request.user


def checked(
    page: ListPage, request: HttpRequest, query: QueryDict
) -> tuple[dict[str, list[str]], str, int]:
    """The filters of an address that the list knows and accepts, its order, how many it does not.

    Empty values are left out. Text is left out where the list does not keep it.
    """
    filters = page.filterset(request, query)
    errors = filters.form.errors
    kept: dict[str, list[str]] = {}
    refused = 0
    for name, values in query.lists():
        given = [value for value in values if value]
        if name in NOT_FILTERS or not given:
            continue
        known = filters.filters.get(name)
        text = isinstance(known, django_filters.CharFilter)
        if known is None or name in errors or (text and not page.spec.keeps_text):
            refused += 1
        else:
            kept[name] = given
    sort = query.get(SORT, "")
    if sort and (SORT not in filters.filters or SORT in errors):
        sort, refused = "", refused + 1
    return kept, sort, refused


def views_of(page: ListPage) -> Callable[[HttpRequest], HttpResponse]:
    """The page of a list's views; guard it by what guards the list."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def views(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return _post(page, request)
        if "open" in request.GET:
            return _open(page, request)
        return _show(page, request, ViewForm())

    return views


def _one(page: ListPage, request: HttpRequest, number: str) -> SavedView:
    """A view that the person may read; others are as good as not there."""
    pk = whole(number, -1)
    if pk < 0:
        raise BadRequest
    readable = SavedView.objects.readable(_person(request).pk, page.spec.name)
    return get_object_or_404(readable, pk=pk)


def _open(page: ListPage, request: HttpRequest) -> HttpResponse:
    """Lead to the list as the view has it, less what the list no longer knows."""
    view = _one(page, request, request.GET["open"])
    query = QueryDict(mutable=True)
    for name, values in view.query.items():
        query.setlist(name, values)
    query[SORT] = view.sort
    kept, sort, refused = checked(page, request, query)
    columns = page.spec.known(view.columns)
    refused += len(view.columns) - len(columns)
    if refused:
        messages.warning(
            request,
            f"{refused} filter{'s' * (refused != 1)} or column{'s' * (refused != 1)} of this view "
            "no longer exist and were left out. Save it again to be rid of this note.",
        )
    return _to_list(page, kept, sort, columns, view=view)


def _to_list(
    page: ListPage,
    kept: dict[str, list[str]],
    sort: str,
    columns: list[str],
    *,
    view: SavedView | None = None,
) -> HttpResponse:
    pairs = [(name, value) for name in sorted(kept) for value in kept[name]]
    pairs += [(SORT, sort)] if sort else []
    pairs += [(PARAMETER, SEPARATOR.join(columns))] if columns else []
    pairs += [("view", str(view.pk))] if view else []
    return redirect(f"{reverse(page.spec.url_name)}?{urlencode(pairs)}")


def _show(
    page: ListPage, request: HttpRequest, form: ViewForm, *, status: int = 200
) -> HttpResponse:
    """Columns to choose, a view to save, and the views there are."""
    query = QueryDict(request.POST.get("query", "") or request.META.get("QUERY_STRING", ""))
    chosen = page.spec.chosen(query)
    rest = [column for column in page.spec.columns if column not in chosen]
    context = {
        "spec": page.spec,
        "list_url": reverse(page.spec.url_name),
        "query": query.urlencode(),
        "form": form,
        "chosen": chosen,
        "places": [(c, n) for n, c in enumerate((*chosen, *rest), start=1)],
        "views": SavedView.objects.readable(_person(request).pk, page.spec.name),
        "may_share": request.user.has_perm("vendors.share_savedview"),
    }
    return render(request, "vendors/saved_views.html", context, status=status)


def _post(page: ListPage, request: HttpRequest) -> HttpResponse:
    action = request.POST.get("action", "")
    if action == "columns":
        return _columns(page, request)
    if action == "save":
        return _save(page, request)
    if action not in STEPS:
        raise BadRequest
    view = _one(page, request, request.POST.get("view", ""))
    try:
        done = STEPS[action](view, request)
    except NotAllowed as refusal:
        messages.error(request, str(refusal))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, done)
    return redirect(page.spec.views_url_name)


def _columns(page: ListPage, request: HttpRequest) -> HttpResponse:
    """Lead to the list with the columns that were ticked, by the places that were given."""
    keys = page.spec.known(request.POST.getlist("column"))

    def place(key: str) -> int:
        return whole(request.POST.get(f"place-{key}"), digits=3)

    keys.sort(key=place)
    kept, sort, _ = checked(page, request, QueryDict(request.POST.get("query", "")))
    return _to_list(page, kept, sort, [column.key for column in page.spec.shown(keys)])


def _save(page: ListPage, request: HttpRequest) -> HttpResponse:
    """Keep what the list shows now under a name."""
    query = QueryDict(request.POST.get("query", ""))
    kept, sort, refused = checked(page, request, query)
    columns = [c.key for c in page.spec.chosen(query)] if query.get(PARAMETER) else []
    person = _person(request)
    view = SavedView(list_name=page.spec.name, owner=person, query=kept, columns=columns, sort=sort)
    form = ViewForm(request.POST, instance=view)
    if not form.is_valid():
        return _show(page, request, form, status=400)
    try:
        keep_view(view, by=person)
    except NotAllowed as refusal:
        form.add_error(None, str(refusal))
        return _show(page, request, form, status=400)
    except ValidationError as problem:
        form.add_error("name", problem.messages[0])
        return _show(page, request, form, status=400)
    messages.success(request, "The view is saved.")
    if refused:
        messages.warning(request, "Text that was searched for, or not understood, is not kept.")
    return _to_list(page, kept, sort, columns, view=view)


def _rename(view: SavedView, request: HttpRequest) -> str:
    view.name = request.POST.get("name", "").strip()
    keep_view(view, by=_person(request))
    return "The view has its new name."


def _share(view: SavedView, request: HttpRequest) -> str:
    view.is_shared = True
    keep_view(view, by=_person(request))
    return "Everybody who may open the list sees this view now."


def _unshare(view: SavedView, request: HttpRequest) -> str:
    view.is_shared = False
    keep_view(view, by=_person(request))
    return "The view is yours alone again."


def _delete(view: SavedView, request: HttpRequest) -> str:
    drop_view(view, by=_person(request))
    return "The view is deleted."


def _begin(view: SavedView, request: HttpRequest) -> str:
    begin_with(view, list_name=view.list_name, by=_person(request))
    return "The list opens with this view from now on."


def _end(view: SavedView, request: HttpRequest) -> str:
    begin_with(None, list_name=view.list_name, by=_person(request))
    return "The list opens with everything again."


STEPS: dict[str, Callable[[SavedView, HttpRequest], str]] = {
    "rename": _rename,
    "share": _share,
    "unshare": _unshare,
    "delete": _delete,
    "begin": _begin,
    "end": _end,
}
