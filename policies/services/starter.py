"""The data classes that a new portal begins with; the organization changes them as it likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from policies.gate import CHAINS
from policies.models import DataClass, Requirement
from policies.reasons import REASONS, UNCONDITIONAL

BAA = CHAINS[0]
REPORT = CHAINS[1]
# Reasons whose effect a policy may choose, in the catalogue's order.
CHOICES = tuple(code for code in REASONS if code not in UNCONDITIONAL)


@dataclass(frozen=True, slots=True)
class StarterClass:
    """A class as it is first set up; a reason that neither `warn` nor `off` names blocks."""

    slug: str
    name: str
    description: str
    is_phi: bool = False
    max_retention_days: int | None = None
    warn: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()

    def effects(self) -> Mapping[str, str]:
        named = dict.fromkeys(self.warn, "warn") | dict.fromkeys(self.off, "off")
        return {code: named.get(code, "block") for code in CHOICES}


STARTERS = (
    StarterClass(
        "phi",
        "PHI",
        "Individually identifiable health information, in any form (45 CFR 160.103).",
        is_phi=True,
        max_retention_days=30,
    ),
    StarterClass(
        "pii",
        "PII",
        "Names, contact data and numbers that identify a person, without health information.",
        max_retention_days=30,
        warn=("report-type1-overdue", "report-qualified", "report-carve-out", "fact-stale"),
        off=BAA,
    ),
    StarterClass(
        "credentials",
        "Credentials",
        "Passwords, keys, tokens. They belong in no prompt; who approves them must mean it.",
        max_retention_days=0,
        off=BAA,
        deployments=("private_endpoint", "vpc", "on_prem"),
    ),
    StarterClass(
        "financial",
        "Financial",
        "Card and account numbers, claims and payments, figures not yet published.",
        max_retention_days=30,
        warn=("fact-stale",),
        off=BAA,
    ),
    StarterClass(
        "internal",
        "Internal",
        "Source code, plans and messages that are not meant for the public.",
        warn=(*REPORT, "fact-stale", "retention-too-long", "review-overdue"),
        off=BAA,
    ),
    StarterClass(
        "public",
        "Public",
        "What anybody may read: published texts, open source, marketing.",
        warn=("review-overdue", "encryption-too-weak"),
        off=(
            *BAA,
            *REPORT,
            "training-not-excluded",
            "retention-too-long",
            "deployment-not-allowed",
            "deid-undocumented",
            "fact-stale",
        ),
    ),
)


@transaction.atomic
def load_data_classes() -> list[DataClass]:
    """Make the starter classes that are not there yet; those that are stay as they were set.

    Returns: the classes this call made.
    """
    made = []
    for position, starter in enumerate(STARTERS, start=1):
        data_class, created = DataClass.objects.get_or_create(
            slug=starter.slug,
            defaults={
                "name": starter.name,
                "description": starter.description,
                "is_phi": starter.is_phi,
                "max_retention_days": starter.max_retention_days,
                "allowed_deployments": list(starter.deployments),
                "position": position * 10,
            },
        )
        if not created:
            continue
        for reason, effect in starter.effects().items():
            Requirement.objects.create(data_class=data_class, reason=reason, effect=effect)
        made.append(data_class)
    return made
