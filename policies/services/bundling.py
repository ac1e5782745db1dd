"""The bundle of an integration: what its clients decide by, and which its calls may name."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from countersign import bundles
from countersign.canonical import Json
from policies.gate import REPORT_REASONS
from policies.models import BreakGlass, Integration, IssuedBundle, PolicyVersion
from policies.services.bundle_keys import public_key, seed
from policies.services.deciding import class_terms, typical_calls
from policies.services.policy_uses import Rules, open_glass, rules_of
from policies.services.verdicts import for_gate, use_terms_of
from policies.terms import UseTerms, target_of
from vendors.coverage import assess
from vendors.services.postures import postures

if TYPE_CHECKING:
    from vendors.posture import ServicePosture

# So long a bundle that was replaced may still be named by a call: as long as a client may use it.
GRACE = dt.timedelta(seconds=bundles.FRESH_FOR_S)
# Of bundles that were issued before, those of so many days are known: calls that a journal held
# back may come late.
KNOWN_FOR = dt.timedelta(days=30)


class NoRulesInForce(Exception):
    """The integration goes by a policy that has no version in force: there is no bundle."""


@dataclass(frozen=True, slots=True)
class Held:
    """Which bundles the calls of an integration may name.

    `current` are those of now, live and test; `issued` says of each that was given out until when
    a client may use it. At `changes_at` something of the rules is otherwise by itself.
    """

    claim: str
    current: frozenset[str]
    issued: Mapping[str, dt.datetime]
    changes_at: dt.datetime | None

    def accepts(self, bundle: str | None, at: dt.datetime) -> bool:
        """Whether a call that began at `at` was made under rules that hold, or just did."""
        if bundle is None:
            return False
        return bundle in self.current or at < self.issued.get(bundle, at)

    def passed(self, at: dt.datetime) -> bool:
        """Whether it has to be read anew."""
        return self.changes_at is not None and at >= self.changes_at


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed bundle as it goes to a client; `etag` is without quotes."""

    body: bytes
    bundle_id: str
    etag: str


def content_of(
    integration: Integration,
    terms: tuple[ServicePosture, UseTerms],
    rules: Rules | None,
    *,
    livemode: bool,
    on: dt.date,
    glass: BreakGlass | None = None,
) -> dict[str, Json]:
    """What the bundle says on the day `on`; rules know of the glass, `glass` is for none.

    Raises: NoRulesInForce.
    """
    posture, use = terms
    if rules is not None and rules.version is None:
        raise NoRulesInForce
    shadow = rules.use.shadow if rules else None
    glass = rules.glass if rules else glass
    return {
        "v": bundles.VERSION,
        "integration": integration.slug,
        "livemode": livemode,
        "policy": _stated(rules.version) if rules and rules.version else None,
        "shadow": _stated(shadow) if shadow else None,
        "mode": integration.audit_mode,
        "enforcement": rules.use.enforcement if rules else "enforce",
        "break_glass": {"until": _moment(glass.until), "event": glass.pk} if glass else None,
        "facts": facts_of(integration, posture, use, on),
        "fresh_for_s": bundles.FRESH_FOR_S,
        "signing_keys": [bundles.key_id(bytes.fromhex(public_key()))],
    }


def _stated(version: PolicyVersion) -> dict[str, Json]:
    return {
        "slug": version.policy.slug,
        "version": version.number,
        "digest": version.digest,
        "document": version.document,
    }


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def facts_of(
    integration: Integration, posture: ServicePosture, use: UseTerms, on: dt.date
) -> dict[str, Json]:
    """What rules may ask about the integration on the day `on`, and until when it holds."""
    ends: list[dt.date] = []
    targets = [target_of(posture, use, call) for call in typical_calls(use, on)]
    covering = [[b for b in posture.baas if b.in_force(on) and b.covers(t)] for t in targets]
    covered = all(covering)
    if covered:
        ends += [max(b.last_day or dt.date.max for b in baas) for baas in covering]
    coverage = assess(posture.reports, on, posture.limits)
    current = coverage.state not in REPORT_REASONS
    if current and coverage.until:
        ends.append(coverage.until)
    kept = [posture.fact("retention_days", target) for target in targets]
    none_kept = all(fact is not None and fact.number == 0 and not fact.stale(on) for fact in kept)
    if none_kept:
        ends += [f.stale_on - dt.timedelta(days=1) for f in kept if f and f.stale_on]
    last = min(ends, default=dt.date.max)
    return {
        "vendor": posture.vendor,
        "service": posture.service,
        "provider": integration.service.provider,
        "deployment": posture.deployment,
        "region": integration.region,
        "purpose": integration.purpose,
        "models": sorted(integration.model_patterns),
        "data_classes": sorted(use.allowed),
        "hosts": [integration.endpoint] if integration.endpoint else sorted(posture.hosts),
        "phi": any(c.is_phi for c in use.classes if c.slug in use.allowed),
        "baa_in_force": covered,
        "soc2_current": current,
        "zero_retention": none_kept,
        "known_actors_only": integration.known_actors_only,
        "deidentification": integration.deidentification,
        "valid_until": None if last == dt.date.max else last.isoformat(),
    }


def held_of(
    integrations: Collection[Integration],
    terms: Mapping[int, tuple[ServicePosture, UseTerms]],
    *,
    on: dt.date,
    at: dt.datetime,
) -> dict[int, Held]:
    """Which bundles calls may name, of each integration that goes by a policy, by its id.

    They come from `for_gate`. At most four queries for any number; none where no one has a policy.
    """
    ruled_by = [each.pk for each in integrations if hasattr(each, "policy_use")]
    if not ruled_by:
        return {}
    rules = rules_of(ruled_by, at)
    issued: dict[int, dict[str, dt.datetime]] = {}
    recent = Q(integration__in=rules, last_issued_at__gte=at - KNOWN_FOR)
    for row in IssuedBundle.objects.filter(recent).values_list(
        "integration_id", "bundle_id", "last_issued_at"
    ):
        issued.setdefault(row[0], {})[row[1]] = row[2] + GRACE
    found = {}
    for integration in integrations:
        ruled = rules.get(integration.pk)
        if ruled is None:
            continue
        found[integration.pk] = Held(
            claim=ruled.version.claim if ruled.version else "",
            current=_current(integration, terms[integration.pk], ruled, on),
            issued=issued.get(integration.pk, {}),
            changes_at=ruled.changes_at,
        )
    return found


def _current(
    integration: Integration,
    terms: tuple[ServicePosture, UseTerms],
    ruled: Rules,
    on: dt.date,
) -> frozenset[str]:
    if ruled.version is None:
        return frozenset()
    return frozenset(
        bundles.bundle_id(content_of(integration, terms, ruled, livemode=livemode, on=on))
        for livemode in (True, False)
    )


def issue(integration: Integration, *, livemode: bool, on: dt.date, at: dt.datetime) -> Issued:
    """The bundle as it is signed at `at`, and a row that says that it was given out.

    Raises: NoRulesInForce.
    """
    integration, terms = terms_on(integration, on)
    rules = rules_of([integration.pk], at).get(integration.pk)
    glass = open_glass(integration, at)
    content = content_of(integration, terms, rules, livemode=livemode, on=on, glass=glass)
    issued_at = bundles.slot(at)
    body = bundles.sign_bundle(content, seed(), issued_at=issued_at)
    bundle_id = bundles.bundle_id(content)
    _note(integration, content, bundle_id, issued_at, livemode=livemode)
    return Issued(body, bundle_id, hashlib.sha256(body).hexdigest()[:32])


def terms_on(
    integration: Integration, on: dt.date
) -> tuple[Integration, tuple[ServicePosture, UseTerms]]:
    """The integration as it stands, and what is known of it on the day `on`."""
    (found,) = for_gate(Integration.objects.filter(pk=integration.pk))
    use = use_terms_of([found], class_terms(), on)[found.pk]
    return found, (postures([found.service], on)[found.service_id], use)


def _note(
    integration: Integration,
    content: Mapping[str, Any],
    bundle_id: str,
    issued_at: dt.datetime,
    *,
    livemode: bool,
) -> None:
    """At most one write for a slot: most clients ask within one that another has asked in."""
    row, created = IssuedBundle.objects.get_or_create(
        integration=integration,
        bundle_id=bundle_id,
        defaults={
            "livemode": livemode,
            "content": _without_documents(content),
            "first_issued_at": issued_at,
            "last_issued_at": issued_at,
        },
    )
    if not created and row.last_issued_at < issued_at:
        row.last_issued_at = issued_at
        row.save(update_fields=["last_issued_at"])


def _without_documents(content: Mapping[str, Any]) -> dict[str, Any]:
    stated = dict(content)
    for name in ("policy", "shadow"):
        if stated[name] is not None:
            stated[name] = {k: v for k, v in stated[name].items() if k != "document"}
    return stated
