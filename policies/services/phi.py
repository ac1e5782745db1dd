"""What the gate would say of PHI in a service, if a use of it were approved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import product

from policies.gate import CallTerms, ClassTerms, UseTerms, Verdict, decide
from policies.services.deciding import class_terms
from vendors.models import Service
from vendors.posture import ServicePosture, matches
from vendors.services.postures import postures


@dataclass(frozen=True, slots=True)
class PhiVerdict:
    """What the gate would say of PHI in one service, if a use of it were approved.

    The rest is the best case: one model and region that are offered, and what a BAA or a fact
    asks for beside them, where it does.
    """

    service_id: int
    verdict: Verdict
    model: str
    region: str
    account: str = ""
    endpoint: str = ""
    settings: tuple[str, ...] = ()

    def asks_for(self) -> list[str]:
        """What the best case needs beside its model and region, in words."""
        words = [self.account and f"account {self.account}", self.endpoint]
        return [*filter(None, words), *(f"setting {name}" for name in self.settings)]


def phi_verdict(
    posture: ServicePosture, classes: tuple[ClassTerms, ...], on: dt.date
) -> PhiVerdict:
    """The best verdict that an approved PHI use of a service could have on the day `on`.

    Every model and region that the service offers counts, and every account, endpoint and setting
    that a paper names: allow is better than deny, a later end better than a sooner one, fewer
    reasons better than more, and what asks for nothing comes first. Pure.
    """
    cases = product(
        _unlike_models(posture), _unlike_regions(posture, classes), *_unlike_manners(posture)
    )
    found = [
        PhiVerdict(posture.service_id, _phi_use(posture, classes, on, case), *case)
        for case in cases
    ]
    return max(found, key=lambda phi: _rank(phi.verdict))


def _unlike_models(posture: ServicePosture) -> list[str]:
    """One offered model of each kind that facts and agreements tell apart."""
    patterns = {f.model_pattern for f in posture.facts if f.model_pattern}
    patterns |= {s.model_pattern for b in posture.baas for s in b.scopes if s.model_pattern}
    kinds = {
        (posture.preview(m), *(matches(p, m) for p in patterns)): m
        for m in reversed(posture.models)
    }
    return list(kinds.values()) or [""]


def _unlike_regions(posture: ServicePosture, classes: tuple[ClassTerms, ...]) -> list[str]:
    """One offered region of each kind that facts, agreements and classes tell apart."""
    named = {f.region for f in posture.facts} | {s.region for b in posture.baas for s in b.scopes}
    named |= {region for c in classes for region in c.allowed_regions}
    named |= {p.region for p in posture.places if p.purpose == "at_rest"}
    firm = any(c.minimum_guarantee for c in classes)
    kinds = {
        r if r in named else tuple(p.guarantee for p in posture.places if firm and p.region == r): r
        for r in reversed(posture.regions)
    }
    return list(kinds.values()) or [""]


def _unlike_manners(
    posture: ServicePosture,
) -> tuple[list[str], list[str], list[tuple[str, ...]]]:
    """The accounts, endpoints and settings that agreements and facts name, and none of each."""
    scopes = [s for b in posture.baas for s in b.scopes]
    accounts = {*(s.account for s in scopes), *(b.account for b in posture.baas), ""}
    endpoints = {*(s.endpoint for s in scopes), *(f.endpoint for f in posture.facts), ""}
    settings = tuple(sorted({name for s in scopes for name in s.settings_required}))
    return sorted(accounts), sorted(endpoints), [(), settings] if settings else [()]


def _rank(verdict: Verdict) -> tuple[bool, int, dt.date]:
    return verdict.allowed, -len(verdict.reasons), verdict.until or dt.date.max


_Best = tuple[str, str, str, str, tuple[str, ...]]


def _phi_use(
    posture: ServicePosture, classes: tuple[ClassTerms, ...], on: dt.date, case: _Best
) -> Verdict:
    model, region, account, endpoint, settings = case
    phi = tuple(c.slug for c in classes if c.is_phi)
    use = UseTerms(
        integration="",
        active=True,
        models=(model,),
        region=region,
        terms_digest="",
        approved_digest="",
        approved_until=dt.date.max,
        deidentification="none",
        deid_documented=False,
        deid_until=None,
        known_actors_only=False,
        grants={},
        allowed=frozenset(phi),
        classes=classes,
        account=account,
        endpoint=endpoint,
        settings=settings,
    )
    call = CallTerms(model=model, region=region, phi_present=True, data_classes=phi)
    verdict = decide(posture, use, call, on)
    papers = tuple(p for p in verdict.papers if p.kind != "approval")
    return replace(verdict, papers=papers)


def phi_by_service(services: Collection[Service], on: dt.date) -> dict[int, PhiVerdict]:
    """What PHI could do in each service on the day `on`, by the service's id."""
    classes = class_terms()
    return {pk: phi_verdict(posture, classes, on) for pk, posture in postures(services, on).items()}


@dataclass(frozen=True, slots=True)
class PhiSummary:
    """PHI allowed for `allowed` of `total` services; `until`: the day the first of them ends."""

    allowed: int
    total: int
    until: dt.date | None

    @property
    def sentence(self) -> str:
        if not self.total:
            return "No service is recorded yet."
        services = "service" if self.total == 1 else "services"
        if not self.allowed:
            return f"PHI allowed for none of {self.total} {services}"
        end = f" until {self.until:%-d %B %Y}" if self.until else ""
        return f"PHI allowed for {self.allowed} of {self.total} {services}{end}"


def phi_summary(found: Collection[PhiVerdict]) -> PhiSummary:
    """How many of these services PHI may go to, and until when that stays so."""
    standing = [f.verdict for f in found if f.verdict.allowed]
    ends = [v.until for v in standing if v.until]
    return PhiSummary(len(standing), len(found), min(ends) if ends else None)
