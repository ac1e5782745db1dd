"""Data rules: which data may go where, and in what form. See docs/decisions/0021."""

from countersign.rules.actions import ACTIONS, SCHEMES, Action
from countersign.rules.facts import Direction, Facts, Find
from countersign.rules.policy import CallDecision, Chosen, Policy
from countersign.rules.reading import Defaults, PolicyError, Rule

__all__ = [
    "ACTIONS",
    "SCHEMES",
    "Action",
    "CallDecision",
    "Chosen",
    "Defaults",
    "Direction",
    "Facts",
    "Find",
    "Policy",
    "PolicyError",
    "Rule",
]
