"""Reads an integration into the facts that the gate decides on, and asks it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from countersign.canonical import Json, digest
from policies.gate import CallTerms, ClassTerms, UseTerms, Verdict, as_if_approved, combine, decide
from policies.models import Approval, DataClass, Integration, Requirement
from policies.services.prompt_grants import foremost
from policies.services.rule_claims import claims_on
from vendors.services.postures import postures

if TYPE_CHECKING:
    from policies.gate import Effect


def material_terms(integration: Integration) -> dict[str, Json]:
    """What an approval is given for; a change of any of it voids the approval."""
    document = integration.deidentification_document
    expires_on = integration.deidentification_expires_on
    named: dict[str, Json] = {
        "account": integration.account,
        "endpoint": integration.endpoint,
        "features": sorted(integration.features),
        "settings_made": sorted(integration.settings_made),
    }
    # Only what is given, so that approvals from before these were asked for keep their digest.
    return {key: value for key, value in named.items() if value} | {
        "audit_mode": integration.audit_mode,
        "data_classes": class_slugs(integration),
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


def changed_terms(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[str]:
    """The names of the terms that differ, in order; one that only one side has is among them."""
    return sorted(n for n in {*before, *after} if before.get(n) != after.get(n))


def class_slugs(integration: Integration) -> list[str]:
    """The slugs of its data classes in order; those read with it (`class_slugs`) spare a query."""
    known: list[str] | None = getattr(integration, "class_slugs", None)
    return sorted(c.slug for c in integration.data_classes.all()) if known is None else known


def class_rows() -> list[DataClass]:
    """Every data class in its order with `effects`, a list of reason and effect; one query."""
    effects = (
        Requirement.objects.filter(data_class=OuterRef("pk"))
        .order_by("reason")
        .values(found=JSONObject(reason="reason", effect="effect"))
    )
    return list(DataClass.objects.annotate(effects=ArraySubquery(effects)))


def class_terms(rows: Iterable[DataClass] | None = None) -> tuple[ClassTerms, ...]:
    """The data classes as the gate takes them; `rows` are those of `class_rows`, if read."""
    return tuple(
        class_terms_of(row, {r["reason"]: r["effect"] for r in getattr(row, "effects", ())})
        for row in (class_rows() if rows is None else rows)
    )


def class_terms_of(data_class: DataClass, effects: dict[str, str]) -> ClassTerms:
    """A data class, stored or not yet, with these effects by reason, as the gate takes it."""
    return ClassTerms(
        slug=data_class.slug,
        is_phi=data_class.is_phi,
        effects={reason: _effect(effect) for reason, effect in effects.items()},
        max_retention_days=data_class.max_retention_days,
        allowed_regions=tuple(data_class.allowed_regions),
        allowed_deployments=tuple(data_class.allowed_deployments),
        minimum_guarantee=data_class.minimum_guarantee,
    )


def _effect(value: str) -> Effect:
    return "block" if value == "block" else "warn" if value == "warn" else "off"


def policy_digest(classes: tuple[ClassTerms, ...]) -> str:
    """SHA-256 of the requirements in force, in hex: which policy a verdict applied."""
    return digest([_class_stated(c) for c in classes])


def _class_stated(terms: ClassTerms) -> dict[str, Json]:
    stated: dict[str, Json] = {
        "allowed_deployments": list(terms.allowed_deployments),
        "allowed_regions": list(terms.allowed_regions),
        "effects": dict(terms.effects),
        "is_phi": terms.is_phi,
        "max_retention_days": terms.max_retention_days,
        "slug": terms.slug,
    }
    # Named only where it is asked, so that policies from before it keep their digest.
    if terms.minimum_guarantee:
        stated["minimum_guarantee"] = terms.minimum_guarantee
    return stated


def standing_approval(integration: Integration) -> Approval | None:
    """The newest decision, if it was an approval."""
    return standing_approvals([integration.pk]).get(integration.pk)


def standing_approvals(integration_ids: Collection[int]) -> dict[int, Approval]:
    """The newest decision on each integration that was an approval, by the integration's id."""
    newest = (
        Approval.objects.filter(integration_id__in=integration_ids)
        .order_by("integration_id", "-decided_at", "-pk")
        .distinct("integration_id")
    )
    return {a.integration_id: a for a in newest if a.decision == Approval.Decision.APPROVE}


def use_terms(integration: Integration, classes: tuple[ClassTerms, ...], on: dt.date) -> UseTerms:
    """The integration as it stands on a day, in the form that the gate takes."""
    approval = standing_approval(integration)
    use = unapproved_terms(integration, classes)
    return replace(
        use,
        active=integration.state == Integration.State.ACTIVE,
        approved_digest=approval.terms_digest if approval else None,
        approved_until=approval.expires_on if approval else None,
        grants=foremost([integration], on).get(integration.pk, {}),
        rules_claim=claims_on([integration], on).get(integration.pk, ""),
    )


def unapproved_terms(integration: Integration, classes: tuple[ClassTerms, ...]) -> UseTerms:
    """The use by itself: neither active nor approved, and granted to nobody."""
    return UseTerms(
        integration=integration.slug,
        active=False,
        models=tuple(integration.model_patterns),
        region=integration.region,
        terms_digest=digest(material_terms(integration)),
        approved_digest=None,
        approved_until=None,
        deidentification=integration.deidentification,
        deid_documented=integration.deidentification_document_id is not None,
        deid_until=integration.deidentification_expires_on,
        known_actors_only=integration.known_actors_only,
        grants={},
        allowed=frozenset(class_slugs(integration)),
        classes=classes,
        account=integration.account,
        endpoint=integration.endpoint,
        features=tuple(integration.features),
        settings=tuple(integration.settings_made),
    )


def typical_calls(use: UseTerms, on: dt.date) -> tuple[CallTerms, ...]:
    """The calls a preview decides on: each model with all data, by an actor who has a grant."""
    grant = use.grant_on(on)
    classes = [c for c in use.classes if c.slug in use.allowed]
    call = CallTerms(
        model="",
        region=use.region,
        phi_present=any(c.is_phi for c in classes),
        data_classes=tuple(sorted(use.allowed)),
        actor=grant.actor if grant else "",
        grant=grant,
    )
    return tuple(replace(call, model=model) for model in use.models) or (call,)


def evaluate(integration: Integration, on: dt.date, call: CallTerms | None = None) -> Verdict:
    """What the gate says of `call` on the day `on`; without one, of a call of every model."""
    posture = postures([integration.service], on)[integration.service_id]
    use = use_terms(integration, class_terms(), on)
    calls = (call,) if call else typical_calls(use, on)
    return combine(decide(posture, use, c, on) for c in calls)


def evaluate_as_approved(integration: Integration, on: dt.date, *, until: dt.date) -> Verdict:
    """What the gate would say if the integration were approved until the day `until` and active."""
    posture = postures([integration.service], on)[integration.service_id]
    use = as_if_approved(use_terms(integration, class_terms(), on), until)
    return combine(decide(posture, use, c, on) for c in typical_calls(use, on))


def preview(
    integration: Integration, slugs: Iterable[str], on: dt.date, *, until: dt.date
) -> Verdict:
    """As `evaluate_as_approved`, for an integration with the data classes `slugs`, not saved yet.

    People hold grants only on one that is stored: a new one for known actors only has none.
    """
    integration.class_slugs = sorted(slugs)  # type: ignore[attr-defined]
    use = as_if_approved(unapproved_terms(integration, class_terms()), until)
    if integration.pk is not None:
        claim = claims_on([integration], on).get(integration.pk, "")
        granted = foremost([integration], on).get(integration.pk, {})
        use = replace(use, grants=granted, rules_claim=claim)
    posture = postures([integration.service], on)[integration.service_id]
    return combine(decide(posture, use, call, on) for call in typical_calls(use, on))
