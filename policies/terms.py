"""What the gate is asked and what it answers; pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vendors.posture import ServicePosture, Target

Effect = Literal["block", "warn", "off"]


@dataclass(frozen=True, slots=True)
class ClassTerms:
    """A data class: its limits, and what each reason does to a call with such data.

    A reason without an effect blocks, so what nobody thought of is refused. Without a limit
    (None, or an empty one) any retention, region, guarantee or deployment is within it.
    """

    slug: str
    is_phi: bool
    effects: Mapping[str, Effect] = field(default_factory=dict)
    max_retention_days: int | None = None
    allowed_regions: tuple[str, ...] = ()
    allowed_deployments: tuple[str, ...] = ()
    minimum_guarantee: str = ""


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """A grant to send prompts, as the gate takes it: from `starts_at` until just before `ends_at`.

    `since` and `until` are the organization's days of its first and last moment.
    """

    grant_id: int
    actor: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    since: dt.date
    until: dt.date


@dataclass(frozen=True, slots=True)
class UseTerms:
    """An integration as it stands: what it may do, and whether that was approved.

    `approved_until` is the approval's last day; None if nothing stands approved.
    `terms_digest` and `approved_digest` are hex SHA-256 of the terms now and as approved.
    `classes` are all data classes of the organization; `allowed` the slugs approved here.
    `rules_claim` is what the data rules in force support: safe_harbor, limited, "" without any.
    `grants` are those to send prompts by actor, where only known actors may call.
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
    grants: Mapping[str, tuple[GrantTerms, ...]]
    allowed: frozenset[str]
    classes: tuple[ClassTerms, ...]
    account: str = ""
    endpoint: str = ""
    features: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    rules_claim: str = ""

    def grant_at(self, actor: str, at: dt.datetime) -> GrantTerms | None:
        """The actor's grant at the moment `at`, of several the one that ends last."""
        standing = (g for g in self.grants.get(actor, ()) if g.starts_at <= at < g.ends_at)
        return max(standing, key=lambda grant: grant.ends_at, default=None)

    def grant_on(self, on: dt.date, actor: str | None = None) -> GrantTerms | None:
        """As `grant_at`, at some moment of the day `on`; without an actor, of whichever."""
        of_actors = self.grants.values() if actor is None else [self.grants.get(actor, ())]
        standing = (g for grants in of_actors for g in grants if g.since <= on <= g.until)
        return max(standing, key=lambda grant: grant.ends_at, default=None)


@dataclass(frozen=True, slots=True)
class CallTerms:
    """One call as its caller describes it. `actor` is `type:id`, `endpoint` a host.

    `grant` is what lets the actor call, if anything does; asked for only where it must be known.
    `bundle_stale`: it was not made under rules that hold, or did until 15 minutes before.
    """

    model: str
    region: str
    phi_present: bool
    data_classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    actor: str = ""
    grant: GrantTerms | None = None
    endpoint: str = ""
    bundle_stale: bool = False


PaperKind = Literal[
    "agreement", "report", "fact", "approval", "determination", "review", "service", "grant"
]


@dataclass(frozen=True, slots=True)
class Paper:
    """Something the verdict rests on: `until` is the last day it carries, None without end."""

    kind: PaperKind
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


def target_of(posture: ServicePosture, use: UseTerms, call: CallTerms) -> Target:
    """What a call goes to: as the call names it, and as its integration and service stand.

    A service with one host is called there, whatever nobody named.
    """
    only = posture.hosts if len(posture.hosts) == 1 else ()
    named = [host for host in (call.endpoint, use.endpoint) if host] or only
    return Target(
        model=call.model,
        region=call.region,
        plan=posture.plan,
        account=use.account,
        endpoints=frozenset(named),
        features=frozenset((*use.features, *call.features)),
        settings=frozenset(use.settings),
        preview=posture.preview(call.model),
    )
