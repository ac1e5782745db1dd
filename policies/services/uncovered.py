"""Uses that no BAA in force covers: integrations as they are registered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from policies.gate import CallTerms, ClassTerms, UseTerms, effect
from policies.models import Integration
from policies.services.deciding import class_terms, typical_calls
from policies.services.verdicts import for_gate, use_terms_of
from policies.terms import target_of
from vendors.models import Vendor
from vendors.posture import ServicePosture, Shortfall, Target, shortfall
from vendors.services.postures import postures


@dataclass(frozen=True, slots=True)
class UncoveredUse:
    """A way in which an integration is used that no BAA in force covers, and what is missing."""

    integration: Integration
    target: Target
    missing: Shortfall
    phi: bool


@dataclass(frozen=True, slots=True)
class Uses:
    """Integrations with what the gate knows of them on a day; `asking` are those whose data asks
    for a BAA, by the policy of their data classes."""

    integrations: tuple[Integration, ...]
    terms: dict[int, UseTerms]
    postures: dict[int, ServicePosture]
    on: dt.date

    def asking(self) -> list[Integration]:
        return [i for i in self.integrations if _asks(self.terms[i.pk])]

    def missing(self, integration: Integration, call: CallTerms) -> tuple[Target, Shortfall | None]:
        """What a call goes to, and what no BAA in force covers of it; None if one does."""
        posture = self.postures[integration.service_id]
        target = target_of(posture, self.terms[integration.pk], call)
        return target, shortfall(posture.baas, target, self.on)


def _asks(use: UseTerms) -> bool:
    return any(effect(c, "baa-missing") != "off" for c in _classes(use))


def _classes(use: UseTerms) -> Collection[ClassTerms]:
    return [c for c in use.classes if c.slug in use.allowed]


def live_uses(vendor: Vendor, on: dt.date) -> Uses:
    """The live integrations with a vendor's services; at most six queries."""
    wanted = Integration.objects.live().filter(service__vendor=vendor)
    found = tuple(for_gate(wanted).select_related("service", "owner"))
    return Uses(
        found,
        use_terms_of(found, class_terms(), on),
        postures([i.service for i in found], on),
        on,
    )


def uncovered_uses(vendor: Vendor, on: dt.date) -> list[UncoveredUse]:
    """Each model of a live integration whose data asks for a BAA that none in force covers.

    Those with PHI come first.
    """
    uses = live_uses(vendor, on)
    found = []
    for integration in uses.asking():
        use = uses.terms[integration.pk]
        phi = any(c.is_phi for c in _classes(use))
        for call in typical_calls(use, on):
            target, missing = uses.missing(integration, call)
            if missing is not None:
                found.append(UncoveredUse(integration, target, missing, phi))
    return sorted(found, key=lambda u: (not u.phi, u.integration.name, u.target.model))
