"""What the portal's last word says against a call, for when the portal cannot be asked.

The facts in the bundle are some of those that the gate decides on. The record is drained later and
gets the gate's own verdict then; this keeps a call from going out that it would plainly deny.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from countersign.client.answers import Reason

if TYPE_CHECKING:
    from countersign.bundles import Bundle
    from countersign.bundles import Terms as Known

SENTENCES = {
    "facts-ended": "The last day on which the portal's facts hold has passed.",
    "baa-not-in-force": "No business associate agreement was in force when the portal last spoke.",
    "data-class-not-allowed": "The call carries data that the integration was not approved for.",
    "model-not-listed": "The model is not among those approved for the integration.",
    "region-not-allowed": "The region is not the approved one.",
    "principal-not-granted": "Who may call is known to the portal alone, and it cannot be asked.",
}


def objections(bundle: Bundle, call: Mapping[str, object], on: dt.date) -> tuple[Reason, ...]:
    """All that stands against the call on this day (UTC), whose description fits the contract."""
    return tuple(Reason(code, SENTENCES[code]) for code in _codes(bundle.terms, call, on))


def _codes(known: Known, call: Mapping[str, object], on: dt.date) -> Iterator[str]:
    if known.valid_until is not None and on > known.valid_until:
        yield "facts-ended"
    if call["phi_present"] and not known.baa_in_force:
        yield "baa-not-in-force"
    if not _is_approved(known, call):
        yield "data-class-not-allowed"
    if known.models and not any(_matches(each, str(call["model"])) for each in known.models):
        yield "model-not-listed"
    if known.region and str(call["region"]).lower() != known.region.lower():
        yield "region-not-allowed"
    if known.known_actors_only:
        yield "principal-not-granted"


def _is_approved(known: Known, call: Mapping[str, object]) -> bool:
    if call["phi_present"] and not known.phi:
        return False
    classes = call.get("data_classes")
    return not isinstance(classes, list) or set(classes) <= set(known.data_classes)


def _matches(pattern: str, name: str) -> bool:
    """Whether a model's name fits a pattern, in which * alone stands for any characters."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))
