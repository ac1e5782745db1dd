"""The draft of a data policy, written by forms: rules, tests, defaults, own patterns, fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from policies.forms.conditions import (
    FACT_HELP,
    ConditionRows,
    Document,
    as_rows,
    kind_names,
    taken_apart,
)
from policies.forms.policies import (
    DefaultsForm,
    FieldRows,
    PatternRows,
    TestForm,
    defaults_initial,
    kinds_of,
    rows_of,
    test_initial,
)
from policies.forms.rules import RuleForm, condition, rule_initial
from policies.models import DataPolicy
from policies.services import policy_editing, versions
from policies.services.trail import Refused
from policies.views.access import person
from policies.views.rules_presenting import when_lines
from vendors.numbers import whole

editors = permission_required("policies.change_datapolicy", raise_exception=True)


def draft_of(request: HttpRequest, slug: str) -> tuple[DataPolicy, Document]:
    """The policy and what the person writes of its next version, begun from the newest one.

    Raises: Http404.
    """
    policy = get_object_or_404(DataPolicy, slug=slug)
    draft = versions.draft_of(policy, person(request))
    return policy, draft.document if draft else newest_document(policy)


def newest_document(policy: DataPolicy) -> Document:
    """What a new draft begins with: the newest version that was not refused, else the starter."""
    standing = policy.versions.exclude(state__in=("rejected", "withdrawn"))
    newest = standing.order_by("-number").first()
    document: Document = newest.document if newest else versions.starter_document()
    return document


def _save(
    request: HttpRequest, policy: DataPolicy, change: Callable[[], Document], done: str
) -> bool:
    """Store what a change makes of the draft; say that it is done, or why it was refused."""
    try:
        versions.save_draft(policy, change(), by=person(request), at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, done)
    return True


def _at(rows: Sequence[object], number: int) -> int:
    """Raises: Http404 where the draft has no such row, for somebody else removed it."""
    if number >= len(rows):
        raise Http404
    return number


@require_http_methods(["GET", "HEAD", "POST"])
@editors
def rule_create(request: HttpRequest, slug: str) -> HttpResponse:
    """A new rule of the draft."""
    return _rule(request, slug, None)


@require_http_methods(["GET", "HEAD", "POST"])
@editors
def rule_edit(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Change a rule of the draft."""
    return _rule(request, slug, number)


def _rule(request: HttpRequest, slug: str, number: int | None) -> HttpResponse:
    policy, document = draft_of(request, slug)
    rule = None if number is None else document["rules"][_at(document["rules"], number)]
    apart = taken_apart(rule["when"]) if rule else ([], [])
    kept = rule["when"] if rule and apart is None else None
    posted = request.POST if request.method == "POST" else None
    more = posted is not None and "more" in posted
    form = RuleForm(
        None if more else posted,
        document=document,
        initial=_initial(rule, posted if more else None),
    )
    rows = ConditionRows(
        _with_more(posted),
        initial=as_rows(apart[1]) if apart else [],
        form_kwargs={"kinds": kind_names(document)},
        prefix="when",
    )
    if posted is not None and not more:
        made = _made_rule(form, rows, kept)
        if made is not None and _save(
            request,
            policy,
            lambda: policy_editing.with_rule(document, number, made),
            "Rule saved in the draft.",
        ):
            return redirect("policies:datapolicy-edit", slug)
    context = {
        "policy": policy,
        "rule": rule,
        "number": number,
        "form": form,
        "rows": rows,
        "kept": when_lines(kept) if kept else None,
        "fact_help": FACT_HELP,
    }
    return render(request, "policies/rules_rule.html", context)


def _initial(rule: Document | None, typed: Any) -> dict[str, Any] | None:
    """What stands in the form at first: what was typed before more rows were asked for."""
    if typed is not None:
        names = set(RuleForm.base_fields) - {"kinds"}
        return {"kinds": typed.getlist("kinds"), **{name: typed.get(name, "") for name in names}}
    return rule_initial(rule) if rule else None


def _with_more(posted: Any) -> Any:
    """What was posted, with two more empty rows where they were asked for."""
    if posted is None or "more" not in posted:
        return posted
    grown = posted.copy()
    grown["when-TOTAL_FORMS"] = str(whole(posted.get("when-TOTAL_FORMS"), digits=5) + 2)
    return grown


def _made_rule(form: RuleForm, rows: Any, kept: Document | None) -> Document | None:
    if not (form.is_valid() and rows.is_valid()):
        return None
    return form.rule(condition(form, rows.groups(), kept))


@require_POST
@editors
def rule_remove(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Take a rule out of the draft; its tests no longer name it."""
    policy, document = draft_of(request, slug)
    at = _at(document["rules"], number)
    _save(request, policy, lambda: policy_editing.without_rule(document, at), "Rule removed.")
    return redirect("policies:datapolicy-edit", slug)


@require_http_methods(["GET", "HEAD", "POST"])
@editors
def test_create(request: HttpRequest, slug: str) -> HttpResponse:
    """A new test of the draft."""
    return _test(request, slug, None)


@require_http_methods(["GET", "HEAD", "POST"])
@editors
def test_edit(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Change a test of the draft."""
    return _test(request, slug, number)


def _test(request: HttpRequest, slug: str, number: int | None) -> HttpResponse:
    policy, document = draft_of(request, slug)
    test = None if number is None else document["tests"][_at(document["tests"], number)]
    form = TestForm(
        request.POST or None, document=document, initial=test_initial(test) if test else None
    )
    if request.method == "POST" and form.is_valid():
        made = form.test()
        if made is not None and _save(
            request,
            policy,
            lambda: policy_editing.with_test(document, number, made),
            "Test saved in the draft.",
        ):
            return redirect("policies:datapolicy-edit", slug)
    context = {"policy": policy, "test": test, "number": number, "form": form}
    return render(request, "policies/rules_test.html", context)


@require_POST
@editors
def test_remove(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Take a test out of the draft."""
    policy, document = draft_of(request, slug)
    at = _at(document["tests"], number)
    _save(request, policy, lambda: policy_editing.without_test(document, at), "Test removed.")
    return redirect("policies:datapolicy-edit", slug)


@require_http_methods(["GET", "HEAD", "POST"])
@editors
def defaults_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """What holds where no rule speaks."""
    policy, document = draft_of(request, slug)
    form = DefaultsForm(request.POST or None, initial=defaults_initial(document))
    if (
        request.method == "POST"
        and form.is_valid()
        and _save(
            request,
            policy,
            lambda: policy_editing.with_parts(document, form.part()),
            "Defaults saved in the draft.",
        )
    ):
        return redirect("policies:datapolicy-edit", slug)
    return render(request, "policies/rules_defaults.html", {"policy": policy, "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@editors
def fields_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Patterns of the organisation's own, and fields whose place says what they hold."""
    policy, document = draft_of(request, slug)
    posted = request.POST if request.method == "POST" else None
    patterns = PatternRows(posted, initial=document.get("patterns", []), prefix="patterns")
    kinds = kinds_of(document) | _new_kinds(patterns)
    fields = FieldRows(
        posted, initial=document.get("fields", []), prefix="fields", form_kwargs={"kinds": kinds}
    )
    if posted is not None and patterns.is_valid() and fields.is_valid():
        parts = {"patterns": rows_of(patterns), "fields": rows_of(fields)}
        if _save(
            request,
            policy,
            lambda: policy_editing.with_parts(document, parts),
            "Patterns and fields saved in the draft.",
        ):
            return redirect("policies:datapolicy-edit", slug)
    context = {"policy": policy, "patterns": patterns, "fields": fields}
    return render(request, "policies/rules_fields.html", context)


def _new_kinds(patterns: Any) -> frozenset[str]:
    """The kinds of the patterns that come with the same request."""
    if not patterns.is_bound or not patterns.is_valid():
        return frozenset()
    rows: Sequence[Mapping[str, Any]] = rows_of(patterns)
    return frozenset(row["kind"] for row in rows)
