"""Reads an integration into the facts that the gate decides on, and asks it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from guardian.models import UserObjectPermission

from countersign.canonical import Json, digest
from policies.gate import CallTerms, ClassTerms, UseTerms, Verdict, decide
from policies.models import Approval, DataClass, Integration
from vendors.services.postures import postures

if TYPE_CHECKING:
    from policies.gate import Effect


def material_terms(integration: Integration) -> dict[str, Json]:
    """What an approval is given for; a change of any of it voids the approval."""
    document = integration.deidentification_document
    expires_on = integration.deidentification_expires_on
    return {
        "audit_mode": integration.audit_mode,
        "data_classes": sorted(c.slug for c in integration.data_classes.all()),
        "deidentification": integration.deidentification,
        "deidentification_document": document.sha256 if document else None,
        "deidentification_expires_on": expires_on.isoformat() if expires_on else None,
        "environment": integration.environment,
        "known_actors_only": integration.known_actors_only,
        "models": sorted(integration.model_patterns),
        "purpose": integration.purpose,
        "region": integration.region,
        "service": integration.service.slug,
    }


def class_terms() -> tuple[ClassTerms, ...]:
    """Every data class with its limits and what each reason does to it; two queries."""
    return tuple(
        ClassTerms(
            slug=data_class.slug,
            is_phi=data_class.is_phi,
            effects={r.reason: _effect(r.effect) for r in data_class.requirements.all()},
            max_retention_days=data_class.max_retention_days,
            allowed_regions=tuple(data_class.allowed_regions),
            allowed_deployments=tuple(data_class.allowed_deployments),
        )
        for data_class in DataClass.objects.prefetch_related("requirements")
    )


def _effect(value: str) -> Effect:
    return "block" if value == "block" else "warn" if value == "warn" else "off"


def policy_digest(classes: tuple[ClassTerms, ...]) -> str:
    """SHA-256 of the requirements in force, in hex: which policy a verdict applied."""
    return digest(
        [
            {
                "allowed_deployments": list(c.allowed_deployments),
                "allowed_regions": list(c.allowed_regions),
                "effects": dict(c.effects),
                "is_phi": c.is_phi,
                "max_retention_days": c.max_retention_days,
                "slug": c.slug,
            }
            for c in classes
        ]
    )


def standing_approval(integration: Integration) -> Approval | None:
    """The newest decision, if it was an approval."""
    return standing_approvals([integration.pk]).get(integration.pk)


def standing_approvals(integration_ids: Collection[int]) -> dict[int, Approval]:
    """The same for many, by the integration's id; in one query."""
    newest = (
        Approval.objects.filter(integration_id__in=integration_ids)
        .order_by("integration_id", "-decided_at", "-pk")
        .distinct("integration_id")
        .defer("terms", "note")
    )
    return {a.integration_id: a for a in newest if a.decision == Approval.Decision.APPROVE}


def _granted_actors(integration_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Who may send prompts through each integration, as the API names them."""
    grants = UserObjectPermission.objects.filter(
        object_pk__in=[str(pk) for pk in integration_ids],
        permission__codename="send_prompt",
        permission__content_type__model="integration",
        user__is_active=True,
    )
    actors: dict[int, set[str]] = defaultdict(set)
    for pk, email in grants.values_list("object_pk", "user__email"):
        actors[int(pk)].add(f"user:{email}")
    return {pk: frozenset(names) for pk, names in actors.items()}


def use_terms(integration: Integration, classes: tuple[ClassTerms, ...]) -> UseTerms:
    """The integration as it stands, in the form that the gate takes."""
    ids = [integration.pk]
    granted = _granted_actors(ids) if integration.known_actors_only else {}
    return _use_terms(
        integration,
        classes,
        standing_approvals(ids).get(integration.pk),
        granted.get(integration.pk, frozenset()),
    )


def _use_terms(
    integration: Integration,
    classes: tuple[ClassTerms, ...],
    approval: Approval | None,
    granted: frozenset[str],
) -> UseTerms:
    return UseTerms(
        integration=integration.slug,
        active=integration.state == Integration.State.ACTIVE,
        models=tuple(integration.model_patterns),
        region=integration.region,
        terms_digest=digest(material_terms(integration)),
        approved_digest=approval.terms_digest if approval else None,
        approved_until=approval.expires_on if approval else None,
        deidentification=integration.deidentification,
        deid_documented=integration.deidentification_document_id is not None,
        deid_until=integration.deidentification_expires_on,
        known_actors_only=integration.known_actors_only,
        granted_actors=granted,
        allowed=frozenset(c.slug for c in integration.data_classes.all()),
        classes=classes,
    )


def typical_call(integration: Integration) -> CallTerms:
    """The call that a preview decides on: the first model, and all data that it may carry."""
    classes = list(integration.data_classes.all())
    model = integration.model_patterns[0] if integration.model_patterns else ""
    return CallTerms(
        model=model,
        region=integration.region,
        phi_present=any(c.is_phi for c in classes),
        data_classes=tuple(c.slug for c in classes),
    )


def evaluate(integration: Integration, on: dt.date, call: CallTerms | None = None) -> Verdict:
    """What the gate says of `call` on the day `on`; without one, of a typical call."""
    posture = postures([integration.service], on)[integration.service_id]
    use = use_terms(integration, class_terms())
    return decide(posture, use, call or _granted(typical_call(integration), use), on)


def verdicts(integrations: Collection[Integration], on: dt.date) -> dict[int, Verdict]:
    """What the gate says of a typical call of each, by id; the same number of queries for any."""
    rows = list(
        Integration.objects.filter(pk__in=[i.pk for i in integrations])
        .select_related("service", "deidentification_document")
        .prefetch_related("data_classes")
    )
    classes = class_terms()
    approvals = standing_approvals([row.pk for row in rows])
    granted = _granted_actors([row.pk for row in rows if row.known_actors_only])
    known = postures([row.service for row in rows], on)
    found = {}
    for row in rows:
        use = _use_terms(row, classes, approvals.get(row.pk), granted.get(row.pk, frozenset()))
        found[row.pk] = decide(known[row.service_id], use, _granted(typical_call(row), use), on)
    return found


def _granted(call: CallTerms, use: UseTerms) -> CallTerms:
    """The call as somebody with a grant would make it, where only they may."""
    if use.known_actors_only and use.granted_actors:
        return replace(call, actor=min(use.granted_actors))
    return call
