"""The gate's answers for many integrations or services at once, in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db.models import OuterRef, QuerySet

from policies.gate import (
    ClassTerms,
    UseTerms,
    Verdict,
    combine,
    decide,
    judge,
)
from policies.models import Approval, DataClass, Integration
from policies.services.deciding import class_terms, typical_calls, unapproved_terms
from policies.services.prompt_grants import everybodys, foremost
from policies.services.rule_claims import claims_on
from vendors import as_of
from vendors.models import Epoch
from vendors.services.postures import postures

# Answers of a day under one epoch never change; they are kept as long as a day may need them.
CACHE_SECONDS = 24 * 3600


def for_gate(integrations: QuerySet[Integration]) -> QuerySet[Integration]:
    """The same integrations with all that the gate reads of them; `class_slugs` among it."""
    slugs = (
        DataClass.objects.filter(integrations=OuterRef("pk")).order_by("slug").values_list("slug")
    )
    found: QuerySet[Integration] = (
        integrations.with_standing_approval()  # type: ignore[attr-defined]
        .select_related("service__vendor", "deidentification_document", "policy_use")
        .annotate(class_slugs=ArraySubquery(slugs))
    )
    return found


def use_terms_of(
    integrations: Iterable[Integration],
    classes: tuple[ClassTerms, ...],
    on: dt.date,
    *,
    for_calls: bool = False,
) -> dict[int, UseTerms]:
    """The terms on a day of each integration that came from `for_gate`, by its id.

    At most two queries: of grants and of data rules, where any asks for them. Of grants, one for
    each integration, by which a page tells whether anybody may call; all of them `for_calls`.
    """
    integrations = list(integrations)
    claims = claims_on(integrations, on)
    granted = everybodys(integrations) if for_calls else foremost(integrations, on)
    found = {}
    for integration in integrations:
        newest = getattr(integration, "newest_decision", None) or {}
        stands = newest.get("decision") == Approval.Decision.APPROVE
        found[integration.pk] = replace(
            unapproved_terms(integration, classes),
            active=integration.state == Integration.State.ACTIVE,
            approved_digest=newest["terms_digest"] if stands else None,
            approved_until=dt.date.fromisoformat(newest["expires_on"]) if stands else None,
            grants=granted.get(integration.pk, {}),
            rules_claim=claims.get(integration.pk, ""),
        )
    return found


def verdicts(
    integrations: Iterable[Integration],
    on: dt.date,
    classes: tuple[ClassTerms, ...] | None = None,
) -> dict[int, Verdict]:
    """The verdict of each integration by its id, as of the day `on`; few queries for any number.

    Those that came from `for_gate` are taken as they were read, others are read. `classes` are
    those of `class_terms`, if they were read already.
    """
    integrations = list(integrations)
    if any(not hasattr(i, "class_slugs") for i in integrations):
        wanted = Integration.objects.filter(pk__in=[i.pk for i in integrations])
        integrations = list(for_gate(wanted))
    found = postures([i.service for i in integrations], on)
    uses = use_terms_of(integrations, class_terms() if classes is None else classes, on)
    return {
        i.pk: combine(
            decide(found[i.service_id], uses[i.pk], call, on)
            for call in typical_calls(uses[i.pk], on)
        )
        for i in integrations
    }


def live_answers(on: dt.date) -> tuple[frozenset[int], frozenset[int]]:
    """The ids of active integrations that the gate allows on the day `on`, and that it denies.

    No other can be allowed. The answer is kept for the epoch that stood when the reading began:
    any later change has another epoch, and is judged anew.
    """
    epoch = Epoch.objects.values_list("value", flat=True).get()
    name = f"policies:live:{epoch}:{as_of.cache_part()}{on.isoformat()}"
    kept = cache.get(name)
    if kept is None:
        found = judge_all(for_gate(Integration.objects.live()), class_terms(), on)
        kept = [sorted(pk for pk, a in found.items() if a is answer) for answer in (True, False)]
        cache.set(name, kept, CACHE_SECONDS)
    return frozenset(kept[0]), frozenset(kept[1])


def allowed_ids(on: dt.date) -> frozenset[int]:
    """The ids of all integrations whose calls the gate allows on the day `on`."""
    return live_answers(on)[0]


def judge_all(
    integrations: Iterable[Integration], classes: tuple[ClassTerms, ...], on: dt.date
) -> dict[int, bool]:
    """Whether each integration would be allowed under the given classes, by its id."""
    integrations = list(integrations)
    services = {i.service_id: i.service for i in integrations}
    found = postures(list(services.values()), on)
    uses = use_terms_of(integrations, classes, on)
    return {
        i.pk: all(
            judge(found[i.service_id], uses[i.pk], call, on).allowed
            for call in typical_calls(uses[i.pk], on)
        )
        for i in integrations
    }
