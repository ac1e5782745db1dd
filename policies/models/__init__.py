from policies.models.costs import CostPlan
from policies.models.grants import PromptGrant
from policies.models.keys import IntegrationKey, KeyUse
from policies.models.requirements import DataClass, Requirement
from policies.models.uses import (
    Approval,
    Integration,
    IntegrationDraft,
    IntegrationEvent,
)

__all__ = [
    "Approval",
    "CostPlan",
    "DataClass",
    "Integration",
    "IntegrationDraft",
    "IntegrationEvent",
    "IntegrationKey",
    "KeyUse",
    "PromptGrant",
    "Requirement",
]
