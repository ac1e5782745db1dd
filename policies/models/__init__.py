from policies.models.requirements import DataClass, Requirement
from policies.models.uses import (
    Approval,
    Integration,
    IntegrationDraft,
    IntegrationEvent,
    IntegrationKey,
    KeyUse,
)

__all__ = [
    "Approval",
    "DataClass",
    "Integration",
    "IntegrationDraft",
    "IntegrationEvent",
    "IntegrationKey",
    "KeyUse",
    "Requirement",
]
