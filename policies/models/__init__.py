from policies.models.requirements import DataClass, Requirement
from policies.models.uses import (
    Approval,
    Integration,
    IntegrationEvent,
    IntegrationKey,
    KeyUse,
)

__all__ = [
    "Approval",
    "DataClass",
    "Integration",
    "IntegrationEvent",
    "IntegrationKey",
    "KeyUse",
    "Requirement",
]
