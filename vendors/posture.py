"""What is known of a service on a day, in the form the gate decides on; pure.

`ServicePosture` is made by `vendors.services.postures` from the register.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vendors.coverage import Limits, ReportFacts

# How firmly a vendor promises where data is, firmest first.
GUARANTEES = ("contract", "configurable", "default", "none")


def matches(pattern: str, name: str) -> bool:
    """Whether a model name fits a pattern, in which * stands for any characters."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


@dataclass(frozen=True, slots=True)
class Target:
    """What a call goes to and how: all that an agreement or a fact can be limited to.

    `endpoints` are the hosts known of it, one or none as a rule: that of the integration and the
    one the call named. `features` are those it uses, `settings` those we have made at the vendor.
    """

    model: str = ""
    region: str = ""
    plan: str = ""
    account: str = ""
    endpoints: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    preview: bool = False


def at_endpoint(pattern: str, endpoints: frozenset[str]) -> bool:
    """Whether an endpoint is known, and all that are known fit the pattern."""
    return bool(endpoints) and all(matches(pattern, host) for host in endpoints)


def same(named: str, used: str) -> bool:
    """Whether a plan is the one that is named; its case does not matter."""
    return named.strip().casefold() == used.strip().casefold()


@dataclass(frozen=True, slots=True)
class Scope:
    """One covered scope of an agreement; an empty field means any.

    What it names and we do not know of the call is not covered.
    """

    model_pattern: str = ""
    region: str = ""
    features_excluded: tuple[str, ...] = ()
    plan: str = ""
    account: str = ""
    endpoint: str = ""
    features: tuple[str, ...] = ()
    settings_required: tuple[str, ...] = ()
    general_availability_only: bool = False

    def covers(self, target: Target) -> bool:
        return next(self.lacking(target), None) is None

    def lacking(self, target: Target) -> Iterator[str]:
        """What of the target the scope does not cover, in words; nothing if it covers it."""
        if self.model_pattern and not matches(self.model_pattern, target.model):
            yield f"model {target.model}"
        if self.region and self.region != target.region:
            yield f"region {target.region}"
        if self.plan and not same(self.plan, target.plan):
            yield f"plan {target.plan or 'not named'}"
        if self.account and self.account != target.account:
            yield f"account {target.account or 'not named'}"
        if self.endpoint and not at_endpoint(self.endpoint, target.endpoints):
            yield f"endpoint {', '.join(sorted(target.endpoints)) or 'not named'}"
        yield from self._lacking_manner(target)

    def _lacking_manner(self, target: Target) -> Iterator[str]:
        if self.general_availability_only and target.preview:
            yield f"preview of {target.model}"
        outside = target.features.intersection(self.features_excluded)
        if self.features:
            outside |= target.features.difference(self.features)
        if outside:
            yield f"feature {', '.join(sorted(outside))}"
        unmade = set(self.settings_required) - target.settings
        if unmade:
            yield f"setting {', '.join(sorted(unmade))} not made"


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """A BAA of the vendor. `scopes` are those of this service; `last_day` None: no end known.

    `account` is the one it was signed for; empty for all of ours.
    """

    agreement_id: int
    reference: str
    first_day: dt.date
    last_day: dt.date | None
    scopes: tuple[Scope, ...]
    account: str = ""

    def in_force(self, on: dt.date) -> bool:
        return self.first_day <= on and (self.last_day is None or on <= self.last_day)

    def covers(self, target: Target) -> bool:
        return (not self.account or self.account == target.account) and any(
            scope.covers(target) for scope in self.scopes
        )


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What no BAA in force covers: `reference` is the BAA that comes nearest, empty if none is."""

    reference: str
    lacking: tuple[str, ...]


def shortfall(baas: Iterable[AgreementFacts], target: Target, on: dt.date) -> Shortfall | None:
    """What the BAAs in force leave uncovered of a target; None if one of them covers it."""
    in_force = [b for b in baas if b.in_force(on)]
    if any(b.covers(target) for b in in_force):
        return None
    if not in_force:
        return Shortfall("", ("no BAA in force",))
    return min(
        (_nearest(b, target) for b in in_force),
        key=lambda s: (len(s.lacking), s.reference),
    )


def _nearest(baa: AgreementFacts, target: Target) -> Shortfall:
    """What the scope that comes nearest leaves uncovered."""
    if baa.account and baa.account != target.account:
        return Shortfall(baa.reference, (f"account {target.account or 'not named'}",))
    lacks = sorted((tuple(scope.lacking(target)) for scope in baa.scopes), key=len)
    return Shortfall(baa.reference, lacks[0] if lacks else ("the service",))


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
    endpoint: str = ""
    plan: str = ""

    def fits(self, target: Target) -> bool:
        return (
            (not self.model_pattern or matches(self.model_pattern, target.model))
            and (not self.region or self.region == target.region)
            and (not self.plan or same(self.plan, target.plan))
            and (not self.endpoint or at_endpoint(self.endpoint, target.endpoints))
        )

    def specificity(self) -> tuple[int, bool, int, bool]:
        """How narrow it is: the model first, then region, endpoint and plan."""
        return (
            len(self.model_pattern.replace("*", "")),
            bool(self.region),
            len(self.endpoint.replace("*", "")),
            bool(self.plan),
        )

    def stale(self, on: dt.date) -> bool:
        return self.stale_on is None or on >= self.stale_on


@dataclass(frozen=True, slots=True)
class Place:
    """A region in which the vendor does something with our data, and how firmly it says so."""

    region: str
    purpose: str
    guarantee: str


@dataclass(frozen=True, slots=True)
class ServicePosture:
    """Everything the vendor side of a decision needs for one service.

    `regions` are those of processing, `places` all that are recorded. `previews` are those of
    `models` that are not generally available; deprecated ones are.
    """

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
    plan: str = ""
    previews: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    hosts: tuple[str, ...] = ()
    retired_on: dt.date | None = None
    conditional_until: dt.date | None = None

    def fact(self, dimension: str, target: Target) -> FactValue | None:
        """The most specific fact of a dimension for a target; the newest among equals."""
        fitting = [f for f in self.facts if f.dimension == dimension and f.fits(target)]
        return max(fitting, key=lambda f: (f.specificity(), f.fact_id), default=None)

    def preview(self, model: str) -> bool:
        """Whether a model may be one in preview.

        The most specific pattern it fits says so. A pattern of models may be any that it matches,
        and what is not listed at all is not known to be generally available.
        """
        if not self.previews and any(matches(pattern, model) for pattern in self.models):
            return False
        if "*" in model and any(matches(model, p) or matches(p, model) for p in self.previews):
            return True
        fitting = [p for p in self.models if matches(p, model)]
        if not fitting:
            return True
        longest = max(len(p.replace("*", "")) for p in fitting)
        return any(p in self.previews for p in fitting if len(p.replace("*", "")) == longest)

    def rests_in(self, region: str) -> tuple[Place, ...]:
        """Where data that is processed in a region is at rest; empty if that is not recorded.

        In that region, if the vendor offers to keep it there; else anywhere that it names.
        """
        named = tuple(p for p in self.places if p.purpose == "at_rest")
        there = tuple(p for p in named if p.region == region and p.guarantee != "none")
        return there or named

    def reached_from(self) -> tuple[Place, ...]:
        """Where support may read our data from, and where it goes if a region fails."""
        return tuple(p for p in self.places if p.purpose in ("support_access", "failover"))
