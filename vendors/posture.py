"""What is known of a service on a day, in the form the gate decides on; pure.

`ServicePosture` is made by `vendors.services.postures` from the register.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
from dataclasses import dataclass

from vendors.coverage import Limits, ReportFacts


def matches(pattern: str, name: str) -> bool:
    """Whether a model name fits a pattern, in which * stands for any characters."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


@dataclass(frozen=True, slots=True)
class Scope:
    """One covered scope of an agreement; an empty field means any."""

    model_pattern: str = ""
    region: str = ""
    features_excluded: tuple[str, ...] = ()

    def covers(self, model: str, region: str, features: tuple[str, ...] = ()) -> bool:
        return (
            (not self.model_pattern or matches(self.model_pattern, model))
            and (not self.region or self.region == region)
            and not set(self.features_excluded) & set(features)
        )


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """A BAA of the vendor. `scopes` are those of this service; `last_day` None: no end known."""

    agreement_id: int
    reference: str
    first_day: dt.date
    last_day: dt.date | None
    scopes: tuple[Scope, ...]

    def in_force(self, on: dt.date) -> bool:
        return self.first_day <= on and (self.last_day is None or on <= self.last_day)


@dataclass(frozen=True, slots=True)
class FactValue:
    """A fact of the service; `stale_on` is the first day it must be verified again.

    None means that nobody ever verified it. Empty scope fields mean any.
    """

    fact_id: int
    dimension: str
    value: str
    number: int | None
    grade: str
    stale_on: dt.date | None
    model_pattern: str = ""
    region: str = ""

    def fits(self, model: str, region: str) -> bool:
        return (not self.model_pattern or matches(self.model_pattern, model)) and (
            not self.region or self.region == region
        )

    def specificity(self) -> int:
        return 2 * len(self.model_pattern.replace("*", "")) + bool(self.region)

    def stale(self, on: dt.date) -> bool:
        return self.stale_on is None or on >= self.stale_on


@dataclass(frozen=True, slots=True)
class ServicePosture:
    """Everything the vendor side of a decision needs for one service."""

    service_id: int
    service: str
    vendor: str
    vendor_state: str
    review_due_on: dt.date | None
    deployment: str
    regions: tuple[str, ...]
    models: tuple[str, ...]
    baas: tuple[AgreementFacts, ...]
    reports: tuple[ReportFacts, ...]
    facts: tuple[FactValue, ...]
    limits: Limits

    def fact(self, dimension: str, model: str, region: str) -> FactValue | None:
        """The most specific fact of a dimension for a model and region; the newest among equals."""
        fitting = [f for f in self.facts if f.dimension == dimension and f.fits(model, region)]
        return max(fitting, key=lambda f: (f.specificity(), f.fact_id), default=None)
