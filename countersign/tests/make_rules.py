"""Documents of policies for tests: the starter, and rules in few words."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import countersign.rules
from countersign.rules import Policy

FOLDER = Path(countersign.rules.__file__).parent
STARTER = json.loads((FOLDER / "starter.json").read_text())
SCHEMA = json.loads((FOLDER / "schema.json").read_text())
ALWAYS = {"all": []}


def starter() -> dict:
    return copy.deepcopy(STARTER)


def ask(fact, value, operator=None):
    """A question: by `in` for a list, else by `equals`."""
    operator = operator or ("in" if isinstance(value, list) else "equals")
    return {"fact": fact, operator: value}


def every(*parts):
    return {"all": list(parts)}


def some(*parts):
    return {"any": list(parts)}


def forbid(rule_id, when, priority=10, reason="No."):
    then = {"reason": reason}
    return {"id": rule_id, "priority": priority, "effect": "forbid", "when": when, "then": then}


def transform(rule_id, when, action="mask", scheme=None, priority=10):
    then = {"action": action} | ({"scheme": scheme} if scheme else {})
    return {"id": rule_id, "priority": priority, "effect": "transform", "when": when, "then": then}


def permit(rule_id, when, expires="2027-06-30", priority=10):
    then = {"expires": expires, "justification": "Agreed with the privacy officer."}
    return {"id": rule_id, "priority": priority, "effect": "permit", "when": when, "then": then}


def document(*rules, tests=(), defaults=None, **members):
    base = {"unmatched": "block", "on_error": "block", "opaque": "block", "min_score": 50}
    return {
        "v": 1,
        "defaults": base | (defaults or {}),
        "rules": list(rules),
        "tests": list(tests),
        **members,
    }


def policy(*rules, **members):
    return Policy.parse(document(*rules, **members))
