"""What people of Alder Grove Health keep for themselves: views of lists, a plan of costs."""

from __future__ import annotations

from decimal import Decimal

from policies.models import CostPlan
from portal.demo.acting import Company, acting
from vendors.models import Capability, SavedView
from vendors.services.saved_views import keep_view
from vendors.services.saving import save_checked

PLANNED_ON = -40
# One spend, two ways: what the use needs, and the same on servers of its own.
NEEDED = (
    Capability.BAA,
    Capability.RESIDENCY,
    Capability.AUDIT_SUPPORT,
    Capability.CONTENT_LOGGING,
)
PLANS = (("As approved", NEEDED), ("On provisioned throughput", (*NEEDED, Capability.THROUGHPUT)))
VIEWS = (
    (
        "vendors",
        "Papers that end soon",
        {"baa": ["ending"]},
        ["name", "phi", "baa", "report", "exceptions", "owner"],
        "baa",
    ),
    (
        "integrations",
        "Denied today",
        {"verdict": ["denied"]},
        ["name", "verdict", "service", "owner"],
        "service",
    ),
)


def plan_and_keep(alder: Company) -> None:
    """Plan the costs of the first integration, and share two views with everybody."""
    at = alder.moment(PLANNED_ON, 14)
    engineer, officer = alder.people["engineer"], alder.officer
    integration = next(iter(alder.integrations.values()))
    with acting(engineer, at):
        for name, capabilities in PLANS:
            save_checked(
                CostPlan(
                    integration=integration,
                    name=name,
                    monthly_spend=Decimal(4200),
                    capabilities=list(capabilities),
                    author=engineer,
                )
            )
    with acting(officer, at):
        for list_name, name, query, columns, sort in VIEWS:
            view = SavedView(
                list_name=list_name,
                name=name,
                owner=officer,
                is_shared=True,
                query=query,
                columns=columns,
                sort=sort,
            )
            keep_view(view, by=officer)
