"""Try a policy on a text: what is found, which rule decides, and exactly what would leave.

The text comes in the body of a POST, is looked at in memory and shown to who sent it. It is stored
nowhere and logged nowhere: a test posts a canary and looks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from countersign.masking.outcomes import FieldSpan, Outcome
from countersign.masking.shadowing import differences
from countersign.rules import Direction, Facts, Policy
from policies.forms.trying import FORMS, TryForm
from policies.models import DataPolicy, Integration, PolicyVersion
from policies.services import trying, versions
from policies.services.policy_facts import facts_of
from policies.views.access import person
from policies.views.rules_editing import newest_document
from policies.views.rules_presenting import REFUSALS, SHADOW_WORDS

MOST_LISTED = 500


@dataclass(frozen=True, slots=True, repr=False)
class Tried:
    """What came of it, as the page shows it. `body` is None where nothing would leave."""

    against: str
    count: int
    summary: str
    refusal: str
    refusal_rules: list[str]
    fields: list[trying.Field]
    spans: tuple[FieldSpan, ...]
    body: str | None
    dry_run: list[str] = field(default_factory=list)
    beside: str = ""


@sensitive_post_parameters("text")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.view_datapolicy", raise_exception=True)
@sensitive_variables("form", "tried", "context")
def policy_try(request: HttpRequest, slug: str) -> HttpResponse:
    """The page with its form; what was posted is tried and never stored."""
    policy = get_object_or_404(DataPolicy, slug=slug)
    documents = _documents(request, policy)
    chosen = request.GET.get("version", "")
    form = TryForm(
        request.POST if request.method == "POST" else None,
        versions=[(key, words) for key, (words, _) in documents.items()],
        integrations=Integration.objects.open().order_by("name"),
        initial={"version": chosen if chosen in documents else next(iter(documents), "")},
    )
    tried = None
    if request.method == "POST" and form.is_valid():
        tried = _tried(form, documents, versions.version_at(policy, timezone.now()))
    context = {"policy": policy, "form": form, "tried": tried}
    return render(request, "policies/rules_try.html", context)


def _documents(request: HttpRequest, policy: DataPolicy) -> dict[str, tuple[str, object]]:
    """What can be tried: versions, the newest first, and the person's own draft."""
    standing = policy.versions.exclude(state__in=("rejected", "withdrawn"))
    now = timezone.now()
    found: dict[str, tuple[str, object]] = {}
    for version in standing.order_by("-number"):
        word = " (in force)" if version.in_force_at(now) else ""
        found[str(version.number)] = (f"version {version.number}{word}", version.document)
    found = dict(sorted(found.items(), key=lambda row: "in force" not in row[1][0]))
    draft = versions.draft_of(policy, person(request))
    if draft or not found:
        document = draft.document if draft else newest_document(policy)
        found["draft"] = ("your draft" if draft else "the starter rules", document)
    return found


@sensitive_variables()
def _tried(
    form: TryForm,
    documents: dict[str, tuple[str, object]],
    in_force: PolicyVersion | None,
) -> Tried:
    given = form.cleaned_data
    words, document = documents[given["version"]]
    _, media_type, shape = FORMS[given["read_as"]]
    policy = Policy.parse(document)  # type: ignore[arg-type]
    facts = _facts(given["integration"], given["direction"])
    outcome = trying.apply(policy, given["text"], media_type=media_type, shape=shape, facts=facts)
    shown = _shown(given["text"], outcome, words)
    if in_force is None or in_force.digest == policy.digest:
        return shown
    dry_run = _dry_run(versions.parsed(in_force), given, facts, outcome)
    return replace(shown, dry_run=dry_run, beside=f"version {in_force.number}, which is in force")


def _facts(integration: Integration | None, direction: Direction) -> Facts:
    today = timezone.localdate()
    if integration is None:
        return Facts(direction=direction, on=today)
    return facts_of(integration, direction=direction, on=today)


def _dry_run(
    in_force: Policy, given: Mapping[str, Any], facts: Facts, outcome: Outcome
) -> list[str]:
    """What the version in force does otherwise with the same text, in words."""
    _, media_type, shape = FORMS[given["read_as"]]
    now = trying.apply(in_force, given["text"], media_type=media_type, shape=shape, facts=facts)
    counts = differences(now, outcome)
    return [f"{counts[each]} {words}" for each, words in SHADOW_WORDS.items() if counts.get(each)]


@sensitive_variables()
def _shown(text: str, outcome: Outcome, words: str) -> Tried:
    spans = outcome.spans
    refusal = outcome.refusal
    kinds = sorted({span.kind for span in spans})
    return Tried(
        against=f"By {words}",
        count=len(spans),
        summary=f"{len(spans)} found: {', '.join(kinds)}." if spans else "",
        refusal=REFUSALS[refusal.reason] if refusal else "",
        refusal_rules=[f"Rule {rule}" for rule in refusal.rule_ids] if refusal else [],
        fields=trying.drawn(text, spans),
        spans=spans[:MOST_LISTED],
        body=None if outcome.body is None else outcome.body.decode("utf-8", "replace"),
    )
