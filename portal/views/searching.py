"""The search over the register."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from audits.services.reads import Read, record_read
from portal.forms import SearchForm
from portal.models import User
from portal.services.searching import search


@require_http_methods(["GET", "POST"])
def search_page(request: HttpRequest) -> HttpResponse:
    """A form, and after a POST what was found; the text gets into no address (decision 0006)."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    form = SearchForm(request.POST if request.method == "POST" else None)
    groups = None
    if form.is_valid():
        groups = search(form.cleaned_data["q"], request.user)
        count = sum(len(group.hits) for group in groups)
        record_read(
            Read(action="search", subject="portal.search", row_count=count),
            by=request.user,
            at=timezone.now(),
        )
    return render(request, "portal/search.html", {"form": form, "groups": groups})
