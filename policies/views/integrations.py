"""The register of integrations, and the page of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from countersign.canonical import digest
from policies.filters import IntegrationFilter
from policies.models import DataClass, Integration
from policies.pages.integrations import INTEGRATION_LIST, judged
from policies.reasons import REASONS
from policies.services import grants
from policies.services.deciding import (
    class_rows,
    class_slugs,
    class_terms,
    evaluate,
    evaluate_as_approved,
    material_terms,
    standing_approval,
)
from policies.services.lifecycle import longest_approval
from policies.services.trail import FINAL
from policies.services.verdicts import for_gate, verdicts
from policies.views.access import address, integration_for, person
from policies.views.presenting import (
    OF_APPROVAL,
    STATE_KINDS,
    banner,
    event_lines,
    paper_lines,
    reason_lines,
    term_lines,
)
from policies.views.rules_using import policy_tab
from vendors import as_of
from vendors.exports import table_response
from vendors.tables.columns import file_rows, headers
from vendors.views.saved_views import ListPage, list_tools, views_of

if TYPE_CHECKING:
    from policies.gate import Verdict

PER_PAGE = 25
TABS = {
    "overview": "Overview",
    "trail": "Trail",
    "rules": "Data rules",
    "keys": "Keys",
    "people": "People",
    "completeness": "Completeness",
    "history": "History",
}


def _filter(query: QueryDict, classes: list[DataClass]) -> IntegrationFilter:
    rows = Integration.objects.order_by("name", "pk")
    return IntegrationFilter(query, rows, on=as_of.reading_day(), data_classes=classes)


def integration_filter(_request: HttpRequest, query: QueryDict) -> IntegrationFilter:
    """The list's FilterSet for an address."""
    return _filter(query, class_rows())


integration_views = permission_required("policies.view_integration", raise_exception=True)(
    views_of(ListPage(INTEGRATION_LIST, integration_filter))
)


@require_safe
@permission_required("policies.view_integration", raise_exception=True)
def integration_list(request: HttpRequest) -> HttpResponseBase:
    """All integrations with their verdict today; `export` gives the same rows as a file."""
    on = as_of.reading_day()
    classes = class_rows()
    filtered = _filter(request.GET, classes)
    export = request.GET.get("export")
    if export in ("csv", "xlsx"):
        columns = INTEGRATION_LIST.chosen(request.GET)
        rows = file_rows(columns, judged(filtered.qs, on))
        return table_response(export, "integrations", headers(columns), rows)
    tools = list_tools(request, INTEGRATION_LIST)
    if beginning := tools.beginning(request):
        return redirect(beginning)
    page = Paginator(filtered.qs, PER_PAGE).get_page(request.GET.get("page"))
    shown = _page_for_gate(page)
    found = verdicts(shown, on, class_terms(classes)) if shown else {}
    names = {c.slug: c.name for c in classes}
    context = {
        "filter": filtered,
        "page_obj": page,
        "rows": [row_of(i, found[i.pk], on, names) for i in shown],
        "columns": tools.columns,
        "tools": tools,
        "anything": bool(shown) or bool(request.GET),
    }
    return render(request, "policies/integration_list.html", context)


def _page_for_gate(page: Page[Integration]) -> list[Integration]:
    """The rows of a page with all that the gate reads; in one query, which finds their ids first.

    Else the database would read all of it for each row before the page as well.
    """
    found = page.object_list
    assert isinstance(found, QuerySet)
    rows = Integration.objects.filter(pk__in=found.values("pk")).select_related("owner")
    return list(for_gate(rows).order_by(*found.query.order_by))


def row_of(
    integration: Integration,
    verdict: Verdict,
    on: dt.date,
    names: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """An integration as a row of a list shows it; `names` are those of the data classes."""
    kind, icon = STATE_KINDS[Integration.State(integration.state)]
    return {
        "integration": integration,
        "verdict": verdict,
        "first": REASONS[verdict.reasons[0]].title if verdict.reasons else "",
        "more": max(len(verdict.reasons) - 1, 0),
        "days": (verdict.until - on).days if verdict.until else None,
        "kind": kind,
        "icon": icon,
        "classes": [(names or {}).get(slug, slug) for slug in class_slugs(integration)],
    }


@require_safe
@permission_required("policies.view_integration", raise_exception=True)
def integration_detail(request: HttpRequest, slug: str) -> HttpResponseBase:
    """One integration: verdict with its reasons, terms, trail, keys, people, history."""
    integration = integration_for(request, slug, "view_integration")
    now, on = as_of.reading_moment(), as_of.reading_day()
    tab = request.GET.get("tab", "overview")
    tab = tab if tab in TABS else "overview"
    verdict = evaluate(integration, on)
    kind, icon = STATE_KINDS[Integration.State(integration.state)]
    context = {
        "integration": integration,
        "kind": kind,
        "icon": icon,
        "tab": tab,
        "tabs": [
            {"label": label, "url": f"?tab={name}", "current": name == tab}
            for name, label in TABS.items()
        ],
        "banner": banner(verdict, on),
        "verdict": verdict,
        "may": grants.actions(person(request), integration),
        "ended": integration.state in FINAL,
        **PARTS[tab](integration, verdict, now),
    }
    if tab == "rules":
        context |= policy_tab(request, integration)
    return render(request, "policies/integration_detail.html", context)


def _overview(integration: Integration, verdict: Verdict, now: dt.datetime) -> dict[str, object]:
    on = timezone.localdate(now)
    approval = standing_approval(integration)
    terms = material_terms(integration)
    found: dict[str, object] = {
        "reasons": reason_lines(verdict),
        "papers": paper_lines(verdict, integration, on),
        "approval": approval,
        "terms": term_lines(terms, dict(approval.terms) if approval else None),
        "terms_digest": digest(terms),
        "calls_url": address("audits:integration-calls", integration.slug),
    }
    if set(verdict.reasons) & set(OF_APPROVAL):
        approved = evaluate_as_approved(integration, on, until=longest_approval(now))
        found["approved_banner"] = banner(approved, on)
        found["approved_reasons"] = reason_lines(approved)
    return found


def _trail(integration: Integration, _verdict: Verdict, _now: dt.datetime) -> dict[str, object]:
    return {
        "events": event_lines(integration),
        "approvals": integration.approvals.select_related("decided_by"),
    }


def _keys(integration: Integration, _verdict: Verdict, now: dt.datetime) -> dict[str, object]:
    keys = integration.keys.select_related("use", "created_by", "replaced_by")
    return {
        "keys": [
            {"key": key, "usable": key.usable_at(now), "days": (key.expires_at - now).days}
            for key in keys
        ]
    }


def _people(integration: Integration, _verdict: Verdict, now: dt.datetime) -> dict[str, object]:
    return {
        "grants": [
            {"grant": grant, "days": (grant.ends_at - now).days}
            for grant in grants.holders(integration, now)
        ]
    }


def _completeness(
    integration: Integration, _verdict: Verdict, _now: dt.datetime
) -> dict[str, object]:
    return {"completeness_url": address("audits:integration-completeness", integration.slug)}


def _history(_integration: Integration, _verdict: Verdict, _now: dt.datetime) -> dict[str, object]:
    return {}


PARTS = {
    "overview": _overview,
    "trail": _trail,
    "rules": _history,
    "keys": _keys,
    "people": _people,
    "completeness": _completeness,
    "history": _history,
}
