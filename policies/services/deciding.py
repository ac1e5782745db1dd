"""Reads an integration into the facts that the gate decides on, and asks it."""

from __future__ import annotations

import datetime as dt
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
    newest = integration.approvals.order_by("-decided_at", "-pk").first()
    return newest if newest and newest.decision == Approval.Decision.APPROVE else None


def use_terms(integration: Integration, classes: tuple[ClassTerms, ...]) -> UseTerms:
    """The integration as it stands, in the form that the gate takes."""
    approval = standing_approval(integration)
    granted: frozenset[str] = frozenset()
    if integration.known_actors_only:
        grants = UserObjectPermission.objects.filter(
            object_pk=str(integration.pk),
            permission__codename="send_prompt",
            permission__content_type__model="integration",
            user__is_active=True,
        )
        granted = frozenset(
            f"user:{email}" for email in grants.values_list("user__email", flat=True)
        )
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
    return decide(posture, use, call or typical_call(integration), on)
