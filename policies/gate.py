"""The gate: facts in, verdict out. No query, no clock, no settings.

The API, the page, the preview and the pack all get their answer here. What always holds, and is
held by `policies/tests/test_gate_properties.py`:

- every reason that fails is named, not the first one;
- a paper less (agreement, report, approval, the facts of a dimension) never turns deny into allow;
- the order of classes, facts, agreements and reports never matters;
- `until` is exact for what is known now: the day after it, the same facts give deny.

Effects per data class are the policy's; see `docs/decisions/0003-gate-and-requirements.md`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from policies.reasons import REASONS, UNCONDITIONAL
from policies.terms import CallTerms, ClassTerms, Effect, Paper, UseTerms, Verdict, target_of
from vendors.coverage import Assurance, assess
from vendors.posture import GUARANTEES, FactValue, ServicePosture, Target, matches

__all__ = [
    "CallTerms",
    "ClassTerms",
    "Effect",
    "Paper",
    "UseTerms",
    "Verdict",
    "as_if_approved",
    "classes_of",
    "combine",
    "decide",
    "effect",
    "judge",
]


@dataclass(slots=True)
class _Case:
    """One decision being made: checks add what fails and what it rests on.

    `missing` and `stale` hold the reasons whose facts are not recorded or not verified recently.
    """

    posture: ServicePosture
    use: UseTerms
    call: CallTerms
    on: dt.date
    classes: tuple[ClassTerms, ...]
    target: Target
    failed: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    papers: list[Paper] = field(default_factory=list)

    def fact(self, dimension: str, reason: str) -> FactValue | None:
        """The fact of a dimension that fits this call, as a paper; `reason` rests on it."""
        fact = self.posture.fact(dimension, self.target)
        if fact is None:
            self.missing.add(reason)
            return None
        if fact.stale(self.on):
            self.stale.add(reason)
        last = fact.stale_on - dt.timedelta(days=1) if fact.stale_on else None
        self.papers.append(Paper("fact", fact.fact_id, dimension, last))
        return fact


def _integration(case: _Case) -> None:
    use = case.use
    if not use.active:
        case.failed.add("integration-not-active")
    stands = use.approved_until is not None and case.on <= use.approved_until
    if not stands or use.terms_digest != use.approved_digest:
        case.failed.add("approval-void")
    else:
        case.papers.append(Paper("approval", use.integration, "Approval", use.approved_until))


def _data(case: _Case) -> None:
    """A call judged by no class, or PHI judged by no PHI class, would meet no requirement."""
    judged = {c.slug for c in case.classes}
    phi_unjudged = case.call.phi_present and not any(c.is_phi for c in case.classes)
    unknown = set(case.call.data_classes) - judged
    if not judged or judged - case.use.allowed or unknown or phi_unjudged:
        case.failed.add("data-class-not-allowed")


def _model(case: _Case) -> None:
    listed = any(matches(p, case.call.model) for p in case.use.models)
    offered = any(matches(p, case.call.model) for p in case.posture.models)
    if not (listed and offered):
        case.failed.add("model-not-listed")


def _actor(case: _Case) -> None:
    """Source: 45 CFR 164.308(a)(4)(ii)(B), access authorization."""
    if not case.use.known_actors_only:
        return
    grant = case.call.grant
    if grant is None or case.on > grant.until:
        case.failed.add("principal-not-granted")
    else:
        case.papers.append(Paper("grant", grant.grant_id, f"Grant to {grant.actor}", grant.until))


def _baa(case: _Case) -> None:
    """Source: 45 CFR 164.502(e)(1), 164.504(e)."""
    begun = [b for b in case.posture.baas if b.first_day <= case.on]
    in_force = [b for b in begun if b.in_force(case.on)]
    covering = [b for b in in_force if b.covers(case.target)]
    if covering:
        best = max(covering, key=lambda b: b.last_day or dt.date.max)
        case.papers.append(Paper("agreement", best.agreement_id, best.reference, best.last_day))
    elif in_force:
        case.failed.add("baa-scope")
    else:
        case.failed.add("baa-expired" if begun else "baa-missing")


REPORT_REASONS = {
    Assurance.NONE: "report-missing",
    Assurance.GAP: "report-stale",
    Assurance.STALE: "report-stale",
    Assurance.TYPE1_OVERDUE: "report-type1-overdue",
    Assurance.QUALIFIED: "report-qualified",
    Assurance.CARVE_OUT: "report-carve-out",
}


def _report(case: _Case) -> None:
    """Source: AICPA TSC CC9.2."""
    coverage = assess(case.posture.reports, case.on, case.posture.limits)
    if coverage.state in REPORT_REASONS:
        case.failed.add(REPORT_REASONS[coverage.state])
    if coverage.report_id is not None:
        case.papers.append(Paper("report", coverage.report_id, coverage.state, coverage.until))


def _place(case: _Case) -> None:
    region = case.call.region
    offered = region in case.posture.regions
    if not offered or region != case.use.region:
        case.failed.add("region-not-allowed")


def _training(case: _Case) -> None:
    fact = case.fact("training_use", "training-not-excluded")
    if fact is None or fact.value != "no":
        case.failed.add("training-not-excluded")


def _encryption(case: _Case) -> None:
    tls = case.fact("tls_minimum", "encryption-too-weak")
    at_rest = case.fact("encryption_at_rest", "encryption-too-weak")
    strong = tls is not None and tls.value in ("1.2", "1.3")
    if not strong or at_rest is None or at_rest.value != "aes-256":
        case.failed.add("encryption-too-weak")


def _deidentification(case: _Case) -> None:
    """Source: 45 CFR 164.514(b)."""
    use = case.use
    if use.deidentification == "none":
        return
    if use.deidentification == "rules":
        if use.rules_claim != "safe_harbor":
            case.failed.add("deid-not-by-rules")
        return
    ended = use.deid_until is not None and case.on > use.deid_until
    if not use.deid_documented or ended:
        case.failed.add("deid-undocumented")
    else:
        case.papers.append(
            Paper("determination", use.integration, use.deidentification, use.deid_until)
        )


def _bundle(case: _Case) -> None:
    """Rules that were replaced are not applied for longer than a client may lack the new ones."""
    if case.call.bundle_stale:
        case.failed.add("bundle-too-old")


def _review(case: _Case) -> None:
    """An approval with conditions holds until its own day or the next review, whichever is first.

    Source: AICPA TSC CC9.2.
    """
    posture = case.posture
    conditional = posture.vendor_state == "approved_with_conditions"
    ends = [posture.review_due_on, posture.conditional_until if conditional else None]
    due = min((day for day in ends if day), default=None)
    if not (conditional or posture.vendor_state == "approved") or (due and case.on > due):
        case.failed.add("review-overdue")
    elif due is not None:
        label = "Vendor review" if due == posture.review_due_on else "Approval with conditions"
        case.papers.append(Paper("review", posture.vendor, label, due))


def _service(case: _Case) -> None:
    retired_on = case.posture.retired_on
    if retired_on is not None and case.on >= retired_on:
        case.failed.add("service-retired")
    elif retired_on is not None:
        last = retired_on - dt.timedelta(days=1)
        case.papers.append(Paper("service", case.posture.service_id, "Service offered", last))


CHECKS: tuple[Callable[[_Case], None], ...] = (
    _integration,
    _data,
    _model,
    _actor,
    _baa,
    _report,
    _place,
    _training,
    _encryption,
    _deidentification,
    _bundle,
    _review,
    _service,
)


# Each reason names a lack that is worse than those before it in its row, so its effect is at least
# as strict as theirs: else a call could be allowed by taking a paper away.
CHAINS = (
    ("baa-scope", "baa-expired", "baa-missing"),
    (
        "report-type1-overdue",
        "report-qualified",
        "report-carve-out",
        "report-stale",
        "report-missing",
    ),
)
_MILDER = {code: chain[: i + 1] for chain in CHAINS for i, code in enumerate(chain)}
_RANK: Mapping[Effect, int] = {"off": 0, "warn": 1, "block": 2}


def effect(terms: ClassTerms, code: str) -> Effect:
    """What a reason does to data of one class, the order of `CHAINS` kept."""
    if code in UNCONDITIONAL:
        return "block"
    effects = (terms.effects.get(milder, "block") for milder in _MILDER.get(code, (code,)))
    return max(effects, key=_RANK.__getitem__)


def _limits(case: _Case, terms: ClassTerms) -> Iterable[str]:
    """What fails for one data class alone: its own limits of time and place."""
    if terms.max_retention_days is not None:
        fact = case.fact("retention_days", "retention-too-long")
        days = fact.number if fact else None
        if days is None or days > terms.max_retention_days:
            yield "retention-too-long"
    if not _within(case, terms):
        yield "region-not-allowed"
    if terms.allowed_deployments and case.posture.deployment not in terms.allowed_deployments:
        yield "deployment-not-allowed"


def _within(case: _Case, terms: ClassTerms) -> bool:
    """Whether data of a class stays where it may: processed, at rest, read by support, failed over.

    A guarantee is asked of where it is processed and at rest. What is not recorded is not asked.
    """
    region, posture = case.call.region, case.posture
    rests = posture.rests_in(region)
    if terms.allowed_regions:
        places = {region, *(p.region for p in (*rests, *posture.reached_from()))}
        if not places.issubset(terms.allowed_regions):
            return False
    if not terms.minimum_guarantee:
        return True
    processed = (p for p in posture.places if p.purpose == "processing" and p.region == region)
    enough = GUARANTEES.index(terms.minimum_guarantee)
    return all(GUARANTEES.index(p.guarantee) <= enough for p in (*processed, *rests))


def _effects_for(case: _Case, terms: ClassTerms) -> dict[str, Effect]:
    """What each reason that fails does, as far as data of one class is concerned.

    A fact that was never recorded counts as one never verified: no milder than a stale one. Facts
    that no requirement of this class asks for may be stale.
    """
    failed = {*case.failed, *_limits(case, terms)}
    effects = {code: effect(terms, code) for code in failed}
    stale = effect(terms, "fact-stale")
    for code in case.missing & failed:
        if effects[code] != "off":
            effects[code] = max(effects[code], stale, key=_RANK.__getitem__)
    # Only the limit of this class asks for the retention, though another one may have looked.
    asked = case.stale - (set() if terms.max_retention_days is not None else {"retention-too-long"})
    if any(effect(terms, code) != "off" for code in asked):
        effects["fact-stale"] = stale
    return effects


def classes_of(use: UseTerms, call: CallTerms) -> tuple[ClassTerms, ...]:
    """The data classes a call is judged by.

    Those it names; the PHI classes if it says that PHI is present; if it names none, those of
    the integration (without the PHI classes, where the caller says that no PHI is present and
    others are left: a claim alone does not lift every requirement).
    """
    named = {c.slug: c for c in use.classes if c.slug in call.data_classes}
    if call.phi_present and not any(c.is_phi for c in named.values()):
        phi = [c for c in use.classes if c.is_phi]
        approved = [c for c in phi if c.slug in use.allowed]
        named |= {c.slug: c for c in approved or phi}
    if not call.data_classes:
        approved = [c for c in use.classes if c.slug in use.allowed]
        named |= {c.slug: c for c in approved if not c.is_phi}
        named = named or {c.slug: c for c in approved}
    return tuple(named.values())


def judge(posture: ServicePosture, use: UseTerms, call: CallTerms, on: dt.date) -> Verdict:
    """As `decide`, but without `until`: half the work where only the answer is asked for."""
    case = _Case(posture, use, call, on, classes_of(use, call), target_of(posture, use, call))
    for check in CHECKS:
        check(case)
    effects: dict[str, Effect] = dict.fromkeys(case.failed & set(UNCONDITIONAL), "block")
    if call.region != use.region:
        effects["region-not-allowed"] = "block"
    for terms in case.classes:
        for code, found in _effects_for(case, terms).items():
            effects[code] = max(effects.get(code, "off"), found, key=_RANK.__getitem__)
    order = list(REASONS)
    papers = tuple({(p.kind, p.ref): p for p in case.papers}.values())
    return Verdict(
        reasons=tuple(sorted((c for c, e in effects.items() if e == "block"), key=order.index)),
        warnings=tuple(sorted((c for c, e in effects.items() if e == "warn"), key=order.index)),
        papers=papers,
        until=None,
    )


def decide(posture: ServicePosture, use: UseTerms, call: CallTerms, on: dt.date) -> Verdict:
    """Apply every rule for the day `on`, and report all that fail rather than the first.

    `until` of an allow is the last day on which the same facts still give allow: it is found by
    judging the day after each paper ends, since another paper may take over (a BAA that follows
    the old one) or the lack may only warn. A deny has none.
    """
    verdict = later = judge(posture, use, call, on)
    day = on
    while later.allowed:
        ends = [p.until for p in later.papers if p.until is not None and day <= p.until]
        if not ends or min(ends) == dt.date.max:
            return verdict
        day = min(ends) + dt.timedelta(days=1)
        later = judge(posture, use, call, day)
    return verdict if day == on else replace(verdict, until=day - dt.timedelta(days=1))


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict for calls that differ, such as one for each model: all must be allowed.

    Raises: ValueError without a verdict.
    """
    found = list(verdicts)
    if not found:
        raise ValueError("there is no verdict to combine")
    reasons = {code for v in found for code in v.reasons}
    warnings = {code for v in found for code in v.warnings} - reasons
    ends = [v.until for v in found if v.until]
    return Verdict(
        reasons=tuple(code for code in REASONS if code in reasons),
        warnings=tuple(code for code in REASONS if code in warnings),
        papers=tuple({(p.kind, p.ref): p for v in found for p in v.papers}.values()),
        until=min(ends) if ends and not reasons else None,
    )


def as_if_approved(use: UseTerms, until: dt.date) -> UseTerms:
    """The same use, approved as it stands until the day `until` and active: for previews."""
    return replace(use, active=True, approved_digest=use.terms_digest, approved_until=until)
