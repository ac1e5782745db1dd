"""Which data policy an integration goes by, what is tried beside it, and who broke the glass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Prefetch

from countersign.rules import Policy
from countersign.rules.claims import claim
from countersign.rules.differences import Differences, compare
from policies.models import (
    BreakGlass,
    DataPolicy,
    Integration,
    PolicyEvent,
    PolicyUse,
    PolicyVersion,
)
from policies.models.rules import LONGEST_BREAK_HOURS
from policies.services import versions
from policies.services.trail import FINAL, Kind, Refused, locked, note_event

if TYPE_CHECKING:
    from policies.services.trail import Person

Happened = PolicyEvent.Kind
NEEDS_RULES = Integration.Deidentification.RULES


def use_of(integration: Integration) -> PolicyUse | None:
    """The policy that an integration goes by, if any."""
    return (
        PolicyUse.objects.filter(integration=integration)
        .select_related("policy", "shadow__policy")
        .first()
    )


@transaction.atomic
def assign(
    integration: Integration, policy: DataPolicy, *, by: Person | None, at: dt.datetime
) -> PolicyUse:
    """Have an integration go by a policy from the next fetch of its bundle on.

    Clients fetch it every minute; a call under an older one is denied after 15 minutes.
    Raises: Refused if the integration has ended, or the policy has no version in force.
    """
    integration = _open(integration)
    if versions.version_at(policy, at) is None:
        raise Refused("The policy has no version in force: have one approved first.")
    use = PolicyUse.objects.select_for_update().filter(integration=integration).first()
    if use is None:
        use = PolicyUse(integration=integration)
    elif use.policy_id == policy.pk:
        return use
    else:
        versions.note(use.policy, Happened.TAKEN, by=by, at=at, integration=integration)
    use.policy, use.shadow, use.set_at = policy, None, at
    use.set_by_id = by.pk if by else None
    use.save()
    versions.note(policy, Happened.ASSIGNED, by=by, at=at, integration=integration)
    note_event(integration, Kind.POLICY_SET, by=by, at=at, note=policy.name)
    return use


@transaction.atomic
def take(integration: Integration, *, by: Person, at: dt.datetime) -> None:
    """Have an integration go by no policy any more. Raises: Refused if it has none."""
    use = _used(_open(integration))
    policy = use.policy
    use.delete()
    versions.note(policy, Happened.TAKEN, by=by, at=at, integration=integration)
    note_event(integration, Kind.POLICY_TAKEN, by=by, at=at, note=policy.name)


@transaction.atomic
def set_enforcement(
    integration: Integration, enforcement: str, *, by: Person, at: dt.datetime
) -> PolicyUse:
    """Do what the rules say (enforce), or count only what they would do (monitor).

    Raises: Refused without a policy, or for another word.
    """
    use = _used(_open(integration))
    if enforcement not in PolicyUse.Enforcement.values:
        raise Refused("Choose enforce or monitor.")
    if use.enforcement == enforcement:
        return use
    use.enforcement, use.set_by_id, use.set_at = enforcement, by.pk, at
    use.save()
    kind = Happened.ENFORCEMENT
    versions.note(use.policy, kind, by=by, at=at, integration=integration, note=enforcement)
    note = f"{use.policy.name}: {enforcement}"
    note_event(integration, Kind.POLICY_SET, by=by, at=at, note=note)
    return use


@transaction.atomic
def set_shadow(
    integration: Integration, version: PolicyVersion | None, *, by: Person, at: dt.datetime
) -> PolicyUse:
    """Try a version beside the one in force, or end that with None.

    Clients run both, do what the one in force says, and tell by numbers how often the other would
    have done something else. Raises: Refused without a policy, for a version that was turned down,
    or for the one in force.
    """
    use = _used(_open(integration))
    if version is not None:
        if version.state not in (PolicyVersion.State.SUBMITTED, PolicyVersion.State.APPROVED):
            raise Refused(f"This version was {version.get_state_display().lower()}.")
        if version.in_force_at(at) and version.policy_id == use.policy_id:
            raise Refused("This version is in force already.")
    before = use.shadow
    if before == version:
        return use
    use.shadow, use.set_by_id, use.set_at = version, by.pk, at
    use.save()
    for shadow, kind in ((before, Happened.SHADOW_ENDED), (version, Happened.SHADOW_STARTED)):
        if shadow is not None:
            policy = shadow.policy
            versions.note(policy, kind, by=by, at=at, version=shadow, integration=integration)
    return use


def _open(integration: Integration) -> Integration:
    integration = locked(integration)
    if integration.state in FINAL:
        state = integration.get_state_display().lower()
        raise Refused(f"It is {state}: nothing of it is changed any more.")
    return integration


def _used(integration: Integration) -> PolicyUse:
    use = PolicyUse.objects.select_for_update(of=("self",)).filter(integration=integration).first()
    if use is None:
        raise Refused("The integration goes by no data policy.")
    return use


def open_glass(integration: Integration, at: dt.datetime) -> BreakGlass | None:
    """What lets an integration go on without the portal at the moment `at`, if anything does."""
    return BreakGlass.objects.open(at).filter(integration=integration).order_by("-until").first()


@transaction.atomic
def break_glass(
    integration: Integration, *, hours: int, reason: str, by: Person, at: dt.datetime
) -> BreakGlass:
    """Let an integration that is recorded strictly go on without the portal for some hours.

    Clients learn of it with their next bundle, so it is done while the portal can still be asked:
    before maintenance, or when the portal answers at times. Raises: Refused if it is not recorded
    strictly, is broken already, or without a reason.
    """
    integration = _open(integration)
    if integration.audit_mode != Integration.AuditMode.STRICT:
        raise Refused("It is not recorded strictly: its clients go on by themselves.")
    if open_glass(integration, at) is not None:
        raise Refused("The glass is broken already.")
    if not 1 <= hours <= LONGEST_BREAK_HOURS:
        raise Refused(f"It is from 1 to {LONGEST_BREAK_HOURS} hours.")
    if len(reason.strip()) < 10:
        raise Refused("Say why, in a sentence that an auditor can follow.")
    glass = BreakGlass(
        integration=integration,
        reason=reason.strip()[:300],
        opened_by_id=by.pk,
        opened_at=at,
        until=at + dt.timedelta(hours=hours),
    )
    glass.full_clean(exclude=["integration", "opened_by"])
    glass.save()
    text = f"Until {glass.until:%Y-%m-%d %H:%M} UTC: {glass.reason}"
    note_event(integration, Kind.GLASS_BROKEN, by=by, at=at, note=text)
    return glass


@transaction.atomic
def mend_glass(glass: BreakGlass, *, by: Person, at: dt.datetime) -> BreakGlass:
    """Have the integration recorded strictly again before its time. Raises: Refused if it is."""
    _open(glass.integration)
    glass = BreakGlass.objects.select_for_update(of=("self",)).get(pk=glass.pk)
    if glass.closed_at is not None or glass.until <= at:
        raise Refused("It is recorded strictly again already.")
    glass.closed_at, glass.closed_by_id = at, by.pk
    glass.save()
    note_event(glass.integration, Kind.GLASS_MENDED, by=by, at=at)
    return glass


@dataclass(frozen=True, slots=True)
class Impact:
    """What other rules would change for one integration.

    `loses_claim`: it claims Safe Harbor by data rules, which these do not support, so its calls
    would be denied. `shadowed`: these rules are tried beside those in force here.
    """

    integration: Integration
    enforcement: str
    differences: Differences | None
    loses_claim: bool
    shadowed: bool

    @property
    def changes(self) -> bool:
        """Whether anything would be otherwise than now."""
        found = self.differences
        return found is None or bool(found.entries) or self.loses_claim


def impact(policy: DataPolicy, document: Mapping[str, object], *, at: dt.datetime) -> list[Impact]:
    """What a document would change for each integration that goes by the policy, by name.

    Raises: PolicyError if it is no policy.
    """
    after = Policy.parse(document)  # type: ignore[arg-type]
    now = versions.version_at(policy, at)
    found = compare(versions.parsed(now), after) if now else None
    supports = claim(after).kind == "safe_harbor"
    uses = policy.uses.exclude(integration__state__in=FINAL).select_related(
        "integration__service__vendor", "shadow"
    )
    return [
        Impact(
            integration=use.integration,
            enforcement=use.enforcement,
            differences=found,
            loses_claim=use.integration.deidentification == NEEDS_RULES and not supports,
            shadowed=use.shadow is not None and use.shadow.digest == after.digest,
        )
        for use in uses.order_by("integration__name")
    ]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the gate and bundles know of an integration's rules at a moment.

    `changes_at` is the next moment at which, without anybody doing anything, that is otherwise.
    """

    use: PolicyUse
    version: PolicyVersion | None
    glass: BreakGlass | None
    changes_at: dt.datetime | None


def rules_of(integration_ids: Collection[int], at: dt.datetime) -> dict[int, Rules]:
    """The rules of each integration that goes by a policy, by its id; at most three queries."""
    approved = PolicyVersion.objects.filter(state=PolicyVersion.State.APPROVED).exclude(
        ends_at__lte=at
    )
    uses = (
        PolicyUse.objects.filter(integration__in=integration_ids)
        .select_related("policy", "shadow__policy")
        .prefetch_related(Prefetch("policy__versions", approved, to_attr="standing"))
    )
    panes: dict[int, BreakGlass] = {}
    found: dict[int, Rules] = {}
    uses = list(uses)  # type: ignore[assignment]
    if uses:
        for glass in BreakGlass.objects.open(at).filter(integration__in=integration_ids):
            panes[glass.integration_id] = glass
    for use in uses:
        standing: list[PolicyVersion] = getattr(use.policy, "standing", [])
        glass_here = panes.get(use.integration_id)
        moments = [m for v in standing for m in (v.starts_at, v.ends_at) if m and m > at]
        moments += [glass_here.until] if glass_here else []
        found[use.integration_id] = Rules(
            use,
            next((v for v in standing if v.in_force_at(at)), None),
            glass_here,
            min(moments, default=None),
        )
    return found
