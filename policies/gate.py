"""The gate: facts in, verdict out. No query, no clock, no settings.

The API, the page, the preview and the pack all get their answer here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from policies.reasons import REASONS, UNCONDITIONAL
from vendors.coverage import Assurance, assess
from vendors.posture import FactValue, ServicePosture, matches

Effect = Literal["block", "warn", "off"]


@dataclass(frozen=True, slots=True)
class ClassTerms:
    """A data class: its limits, and what each reason does (missing: it blocks)."""

    slug: str
    is_phi: bool
    effects: Mapping[str, Effect] = field(default_factory=dict)
    max_retention_days: int | None = None
    allowed_regions: tuple[str, ...] = ()
    allowed_deployments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UseTerms:
    """An integration as it stands: what it may do, and whether that was approved.

    `approved_until` is the approval's last day; None if nothing stands approved.
    `terms_digest` and `approved_digest` are hex SHA-256 of the terms now and as approved.
    `classes` are all data classes of the organization; `allowed` the slugs approved here.
    """

    integration: str
    active: bool
    models: tuple[str, ...]
    region: str
    terms_digest: str
    approved_digest: str | None
    approved_until: dt.date | None
    deidentification: str
    deid_documented: bool
    deid_until: dt.date | None
    known_actors_only: bool
    granted_actors: frozenset[str]
    allowed: frozenset[str]
    classes: tuple[ClassTerms, ...]


@dataclass(frozen=True, slots=True)
class CallTerms:
    """One call as its caller describes it. `actor` is `type:id`."""

    model: str
    region: str
    phi_present: bool
    data_classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """Something the verdict rests on: `until` is the last day it carries, None without end."""

    kind: Literal["agreement", "report", "fact", "approval", "determination", "review"]
    ref: int | str
    label: str
    until: dt.date | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons` block, `warnings` do not; `until` is the last day an allow can stand."""

    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    papers: tuple[Paper, ...]
    until: dt.date | None

    @property
    def allowed(self) -> bool:
        return not self.reasons

    @property
    def decision(self) -> Literal["allow", "deny"]:
        return "allow" if self.allowed else "deny"


@dataclass(slots=True)
class _Case:
    """One decision being made: checks add what fails and what it rests on."""

    posture: ServicePosture
    use: UseTerms
    call: CallTerms
    on: dt.date
    classes: tuple[ClassTerms, ...]
    failed: set[str] = field(default_factory=set)
    papers: list[Paper] = field(default_factory=list)

    def fact(self, dimension: str) -> FactValue | None:
        """The fact of a dimension that fits this call; it becomes one of the papers."""
        fact = self.posture.fact(dimension, self.call.model, self.call.region)
        if fact is None:
            return None
        if fact.stale(self.on):
            self.failed.add("fact-stale")
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
    if any(c.slug not in case.use.allowed for c in case.classes):
        case.failed.add("data-class-not-allowed")
    known = {c.slug for c in case.use.classes}
    if set(case.call.data_classes) - known:
        case.failed.add("data-class-not-allowed")


def _model(case: _Case) -> None:
    listed = any(matches(p, case.call.model) for p in case.use.models)
    offered = any(matches(p, case.call.model) for p in case.posture.models)
    if not (listed and offered):
        case.failed.add("model-not-listed")


def _actor(case: _Case) -> None:
    if case.use.known_actors_only and case.call.actor not in case.use.granted_actors:
        case.failed.add("principal-not-granted")


def _baa(case: _Case) -> None:
    """Source: 45 CFR 164.502(e)(1), 164.504(e)."""
    call, begun = case.call, [b for b in case.posture.baas if b.first_day <= case.on]
    in_force = [b for b in begun if b.in_force(case.on)]
    covering = [
        b
        for b in in_force
        if any(s.covers(call.model, call.region, call.features) for s in b.scopes)
    ]
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
    fact = case.fact("training_use")
    if fact is None or fact.value != "no":
        case.failed.add("training-not-excluded")


def _encryption(case: _Case) -> None:
    tls, at_rest = case.fact("tls_minimum"), case.fact("encryption_at_rest")
    strong = tls is not None and tls.value in ("1.2", "1.3")
    if not strong or at_rest is None or at_rest.value != "aes-256":
        case.failed.add("encryption-too-weak")


def _deidentification(case: _Case) -> None:
    """Source: 45 CFR 164.514(b)."""
    use = case.use
    if use.deidentification == "none":
        return
    ended = use.deid_until is not None and case.on > use.deid_until
    if not use.deid_documented or ended:
        case.failed.add("deid-undocumented")
    else:
        case.papers.append(
            Paper("determination", use.integration, use.deidentification, use.deid_until)
        )


def _review(case: _Case) -> None:
    posture = case.posture
    due = posture.review_due_on
    approved = posture.vendor_state in ("approved", "approved_with_conditions")
    if not approved or (due is not None and case.on > due):
        case.failed.add("review-overdue")
    elif due is not None:
        case.papers.append(Paper("review", posture.vendor, "Vendor review", due))


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
    _review,
)


def _limits(case: _Case, terms: ClassTerms) -> None:
    """What fails for one data class alone: its own limits of time and place."""
    if terms.max_retention_days is not None:
        fact = case.fact("retention_days")
        days = fact.number if fact else None
        if days is None or days > terms.max_retention_days:
            case.failed.add("retention-too-long")
    if terms.allowed_regions and case.call.region not in terms.allowed_regions:
        case.failed.add("region-not-allowed")
    if terms.allowed_deployments and case.posture.deployment not in terms.allowed_deployments:
        case.failed.add("deployment-not-allowed")


def classes_of(use: UseTerms, call: CallTerms) -> tuple[ClassTerms, ...]:
    """The data classes a call is judged by.

    Those it names; the PHI classes if it says that PHI is present; if it names none, those of
    the integration (without the PHI classes, where the caller says that no PHI is present).
    """
    named = {c.slug: c for c in use.classes if c.slug in call.data_classes}
    if call.phi_present and not any(c.is_phi for c in named.values()):
        phi = [c for c in use.classes if c.is_phi]
        approved = [c for c in phi if c.slug in use.allowed]
        named |= {c.slug: c for c in approved or phi}
    if not call.data_classes:
        named |= {c.slug: c for c in use.classes if c.slug in use.allowed and not c.is_phi}
    return tuple(named.values())


def decide(posture: ServicePosture, use: UseTerms, call: CallTerms, on: dt.date) -> Verdict:
    """Apply every rule for the day `on`, and report all that fail rather than the first."""
    case = _Case(posture, use, call, on, classes_of(use, call))
    for check in CHECKS:
        check(case)
    effects: dict[str, Effect] = dict.fromkeys(
        (code for code in UNCONDITIONAL if code in case.failed), "block"
    )
    if case.call.region != use.region:
        effects["region-not-allowed"] = "block"
    common = frozenset(case.failed)
    for terms in case.classes:
        case.failed = set(common)
        _limits(case, terms)
        for code in case.failed:
            _strictest(effects, code, terms.effects.get(code, "block"))
    return _verdict(effects, case.papers, case.classes)


def _strictest(effects: dict[str, Effect], code: str, effect: Effect) -> None:
    rank = ("off", "warn", "block")
    if rank.index(effect) > rank.index(effects.get(code, "off")):
        effects[code] = effect


def _verdict(
    effects: Mapping[str, Effect], papers: Iterable[Paper], classes: tuple[ClassTerms, ...]
) -> Verdict:
    order = list(REASONS)
    reasons = tuple(sorted((c for c, e in effects.items() if e == "block"), key=order.index))
    warnings = tuple(sorted((c for c, e in effects.items() if e == "warn"), key=order.index))
    unique = tuple({(p.kind, p.ref): p for p in papers}.values())
    carrying = [p for p in unique if _blocks_without(p, classes)]
    until = min((p.until for p in carrying if p.until), default=None) if not reasons else None
    return Verdict(reasons, warnings, unique, until)


# The reason that appears on the day after a paper's last.
LAPSE = {
    "agreement": "baa-expired",
    "report": "report-stale",
    "fact": "fact-stale",
    "approval": "approval-void",
    "determination": "deid-undocumented",
    "review": "review-overdue",
}


def _blocks_without(paper: Paper, classes: tuple[ClassTerms, ...]) -> bool:
    """Whether the end of a paper would stop the call: only such an end limits the verdict."""
    code = LAPSE[paper.kind]
    return code in UNCONDITIONAL or any(c.effects.get(code, "block") == "block" for c in classes)
