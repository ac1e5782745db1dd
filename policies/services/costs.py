"""What compliance costs for an integration: what it needs, and the estimate of a plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.gate import ClassTerms, effect
from policies.models import CostPlan, Integration
from policies.services.deciding import class_slugs
from vendors.models import Capability, CostFact, Service
from vendors.pricing import Estimate, Spend, estimate
from vendors.services.costs import costs_of, price_of

if TYPE_CHECKING:
    from policies.services.trail import Person

PRIVATE = (Service.Deployment.PRIVATE_ENDPOINT, Service.Deployment.VPC)


@dataclass(frozen=True, slots=True)
class Estimated:
    """A plan's estimate with the stored costs behind its lines, by their id."""

    estimate: Estimate
    costs: dict[int, CostFact]


def proposal(integration: Integration, classes: Iterable[ClassTerms]) -> dict[str, str]:
    """The capabilities that the integration needs under the policy, each with why.

    `classes` are all data classes; those of the integration count. Pure but for its own fields.
    """
    own = set(class_slugs(integration))
    terms = [each for each in classes if each.slug in own]
    found: dict[str, str] = {}
    if any(effect(each, "baa-missing") != "off" for each in terms):
        found[Capability.BAA] = "Its data classes ask for a BAA (45 CFR 164.502(e))."
    if any(each.allowed_regions for each in terms):
        found[Capability.RESIDENCY] = "Its data classes name the regions that are allowed."
    public = Service.Deployment.PUBLIC_API
    barred = any(t.allowed_deployments and public not in t.allowed_deployments for t in terms)
    if integration.service.deployment in PRIVATE:
        found[Capability.PRIVATE_ENDPOINT] = "Its service runs at a private endpoint."
    elif barred:
        found[Capability.PRIVATE_ENDPOINT] = "Its data classes do not allow the public API."
    if any(effect(each, "report-missing") != "off" for each in terms):
        found[Capability.AUDIT_SUPPORT] = "Evidence on the vendor is collected each quarter."
    if any(each.is_phi for each in terms):
        found[Capability.CONTENT_LOGGING] = (
            "What happened to PHI must be told later (45 CFR 164.312(b)); vendors log calls, "
            "not content."
        )
    return found


def estimates(plans: Collection[CostPlan], on: dt.date) -> dict[int | None, Estimated]:
    """The estimate of each plan on the day `on`, by its id; one query for all of them."""
    services = {plan.integration.service_id: plan.integration.service for plan in plans}
    known = costs_of(list(services.values()), on)
    found: dict[int | None, Estimated] = {}
    for plan in plans:
        costs = known[plan.integration.service_id]
        spend = Spend(plan.monthly_spend, plan.hourly_rate, plan.currency)
        made = estimate(spend, plan.capabilities, [price_of(cost) for cost in costs])
        found[plan.pk] = Estimated(made, {cost.pk: cost for cost in costs})
    return found


def may_change(plan: CostPlan, by: Person, *, to: str = "change") -> bool:
    """Whether a person may change a plan, or `to` "delete" it: its author, and who may any."""
    own = plan.author_id == by.pk and by.has_perm("policies.add_costplan")
    return own or by.has_perm(f"policies.{to}_costplan")
