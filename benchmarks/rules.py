"""What a decision of a policy with 200 rules costs: CPU time of one call and one find.

In four policies: rules for many kinds, all for one kind, all about paths, all nested. Facts are new
for each decision, as calls of many integrations would have them. Limit 0.2 ms a decision, in the
same run. `--quick` makes fewer decisions; `--json` ends with one line, an object of all figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT)]

from countersign.canonical import Json  # noqa: E402 - found by the line above
from countersign.rules import Facts, Policy  # noqa: E402
from countersign.rules.kinds import IDENTIFIERS  # noqa: E402

RULES = 200
LIMIT_MS = 0.2
KINDS = sorted(IDENTIFIERS)
NAME = {"fact": "kind", "equals": "NAME"}


def nested(number: int) -> dict[str, Any]:
    return {
        "any": [
            {"all": [NAME, {"fact": "role", "in": [f"role-{number}", "nurse"]}]},
            {"all": [{"fact": "model", "equals": f"gpt-{number}*"}, {"fact": "count", ">=": 3}]},
        ]
    }


CONDITIONS = {
    "many_kinds": lambda n: {
        "all": [
            {"fact": "kind", "equals": KINDS[n % len(KINDS)]},
            {"fact": "vendor", "not": f"vendor-{n}"},
        ]
    },
    "one_kind": lambda n: {"all": [NAME, {"fact": "integration", "equals": f"use-{n}"}]},
    "paths": lambda n: {"all": [{"fact": "path", "equals": f"/messages/*/part-{n}/**"}, NAME]},
    "nested": nested,
}


def policy(name: str) -> Policy:
    """Every third rule forbids, the others mask."""
    rules: list[Json] = []
    for number in range(RULES):
        forbids = number % 3 == 0
        rules.append(
            {
                "id": f"rule-{number}",
                "priority": number,
                "effect": "forbid" if forbids else "transform",
                "when": CONDITIONS[name](number),
                "then": {"reason": "Measured."} if forbids else {"action": "mask"},
            }
        )
    base: dict[str, Json] = {
        "unmatched": "block",
        "on_error": "block",
        "opaque": "block",
        "min_score": 50,
    }
    return Policy.parse({"v": 1, "defaults": base, "rules": rules, "tests": []})


def measure(name: str, decisions: int) -> float:
    """CPU milliseconds of a decision: the call with its counts, and one find in it."""
    found = policy(name)
    calls = [
        Facts(integration=f"use-{n % 500}", vendor="openai", model="gpt-5-mini", role=f"r{n}")
        for n in range(decisions)
    ]
    began = time.process_time()
    for number, facts in enumerate(calls):
        found.decide_call(facts, {"NAME": 3, "DATE": 1})
        found.action(facts, "NAME", f"/messages/{number}/part-7/text", 0.9, 3)
    return (time.process_time() - began) * 1000 / decisions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    decisions = 500 if options.quick else 5000
    figures: dict[str, Any] = {
        f"{name}_ms": round(min(measure(name, decisions) for _ in range(3)), 4)
        for name in CONDITIONS
    }
    figures["kept"] = max(figures.values()) <= LIMIT_MS
    for name, value in figures.items():
        print(f"{name:16}{value}")
    print(f"limit           {LIMIT_MS} ms for a decision with {RULES} rules")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
