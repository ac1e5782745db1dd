"""The engineer's form: its answers as an integration, before and after it is saved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from policies.models import DataClass, DataPolicy, Integration, IntegrationDraft
from policies.services.deciding import changed_terms, class_slugs, material_terms
from policies.services.lifecycle import change, create_draft, submit
from policies.services.policy_uses import assign, take, use_of
from policies.services.trail import Person, Refused
from vendors.models import Document, Service

PLAIN = (
    "name",
    "purpose",
    "description",
    "environment",
    "region",
    "deidentification",
    "audit_mode",
)


# Answers of an optional part; drafts from before it was asked have none.
PLACE = ("account", "endpoint")
LISTS = ("features", "settings_made")
# Until an officer has decided, the form also says by which data policy it goes.
EARLY = (Integration.State.DRAFT, Integration.State.CHANGES)


def answers_of(integration: Integration) -> dict[str, Any]:
    """A stored integration as the answers of the form."""
    ends = integration.deidentification_expires_on
    return {
        **{name: getattr(integration, name) for name in PLAIN},
        "data_classes": class_slugs(integration),
        "deidentification_document": integration.deidentification_document_id,
        "deidentification_expires_on": ends.isoformat() if ends else None,
        "service": integration.service.slug,
        "model_patterns": list(integration.model_patterns),
        **{name: getattr(integration, name) for name in PLACE},
        **{name: list(getattr(integration, name)) for name in LISTS},
        "known_actors_only": integration.known_actors_only,
        "data_policy": _policy_slug(integration),
        "policy_is_set": integration.state not in EARLY,
    }


def _policy_slug(integration: Integration) -> str | None:
    use = use_of(integration)
    return use.policy.slug if use else None


@dataclass(frozen=True, slots=True)
class Values:
    """The answers as model values."""

    fields: dict[str, Any]
    data_classes: list[DataClass]


def values_of(answers: Mapping[str, Any]) -> Values:
    """The complete answers as model values; three queries.

    Raises: Service.DoesNotExist if the service has gone since it was chosen.
    """
    ends = answers.get("deidentification_expires_on")
    document = answers.get("deidentification_document")
    return Values(
        {
            **{name: answers[name] for name in PLAIN},
            **{name: answers.get(name, "") for name in PLACE},
            **{name: list(answers.get(name, ())) for name in LISTS},
            "service": Service.objects.select_related("vendor").get(slug=answers["service"]),
            "model_patterns": list(answers["model_patterns"]),
            "known_actors_only": bool(answers["known_actors_only"]),
            "deidentification_document": Document.objects.filter(pk=document).first()
            if document
            else None,
            "deidentification_expires_on": dt.date.fromisoformat(ends) if ends else None,
        },
        list(DataClass.objects.filter(slug__in=answers["data_classes"])),
    )


def as_integration(draft: IntegrationDraft, values: Values) -> Integration:
    """The integration as it would be, not saved; a changed one keeps its id, for its grants."""
    pk = draft.integration_id
    made = Integration(
        pk=pk, slug=draft.integration.slug if draft.integration else "", **values.fields
    )
    made.class_slugs = sorted(c.slug for c in values.data_classes)  # type: ignore[attr-defined]
    return made


def material_changes(draft: IntegrationDraft, values: Values) -> list[str]:
    """The material terms that saving the draft would change, by name; none for a new one."""
    if draft.integration is None:
        return []
    now = material_terms(draft.integration)
    then = material_terms(as_integration(draft, values))
    return changed_terms(now, then)


@transaction.atomic
def finish(
    draft: IntegrationDraft, values: Values, *, hand_in: bool, by: Person, at: dt.datetime
) -> Integration:
    """Save what the draft holds as an integration, hand it in if wished, and drop the draft.

    Raises: Refused or ValidationError, and then nothing is saved.
    """
    if draft.integration is None:
        saved = create_draft(values.fields, values.data_classes, by=by, at=at)
    else:
        saved = change(draft.integration, values.fields, values.data_classes, by=by, at=at)
    if draft.integration is None or draft.integration.state in EARLY:
        _go_by(saved, draft.answers.get("data_policy"), by=by, at=at)
    if hand_in:
        saved = submit(saved, by=by, at=at)
    draft.delete()
    return saved


def _go_by(integration: Integration, slug: str | None, *, by: Person, at: dt.datetime) -> None:
    """Let the integration go by the policy that the form names, or by none. Raises: Refused."""
    if slug == _policy_slug(integration):
        return
    if slug is None:
        take(integration, by=by, at=at)
        return
    policy = DataPolicy.objects.filter(slug=slug).first()
    if policy is None:
        raise Refused("The data policy that was chosen is not there any more.")
    assign(integration, policy, by=by, at=at)
