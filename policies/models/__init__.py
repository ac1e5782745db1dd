from policies.models.costs import CostPlan
from policies.models.duties import ExclusiveRoles
from policies.models.grants import PromptGrant
from policies.models.keys import IntegrationKey, KeyUse
from policies.models.people import (
    EMERGENCY_AT_MOST,
    Grant,
    GroupMembership,
    Principal,
    PrincipalGroup,
    PrincipalUse,
    SightingMark,
)
from policies.models.requirements import DataClass, Requirement
from policies.models.reviews import (
    AccessReview,
    AccessReviewDecision,
    AccessReviewEntry,
    AccessReviewProof,
)
from policies.models.rules import (
    BreakGlass,
    DataPolicy,
    IssuedBundle,
    PolicyDraft,
    PolicyEvent,
    PolicyUse,
    PolicyVersion,
)
from policies.models.uses import (
    Approval,
    Integration,
    IntegrationDraft,
    IntegrationEvent,
)

__all__ = [
    "EMERGENCY_AT_MOST",
    "AccessReview",
    "AccessReviewDecision",
    "AccessReviewEntry",
    "AccessReviewProof",
    "Approval",
    "BreakGlass",
    "CostPlan",
    "DataClass",
    "DataPolicy",
    "ExclusiveRoles",
    "Grant",
    "GroupMembership",
    "Integration",
    "IntegrationDraft",
    "IntegrationEvent",
    "IntegrationKey",
    "IssuedBundle",
    "KeyUse",
    "PolicyDraft",
    "PolicyEvent",
    "PolicyUse",
    "PolicyVersion",
    "Principal",
    "PrincipalGroup",
    "PrincipalUse",
    "PromptGrant",
    "Requirement",
    "SightingMark",
]
