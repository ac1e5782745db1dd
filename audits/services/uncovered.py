"""Calls with PHI that were seen, and that no BAA in force covers today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Max

from audits.models import Call, Ledger
from audits.services.reading import between, of_integrations
from policies.gate import CallTerms
from policies.models import Integration
from policies.services.uncovered import live_uses
from vendors.models import Vendor
from vendors.posture import Shortfall

# How many of the newest calls are looked at: enough to see every way in which a service is used.
NEWEST = 20_000
WAYS = 500


@dataclass(frozen=True, slots=True)
class UncoveredCalls:
    """Calls of one integration to one model, region and host with the same features."""

    integration: Integration
    model: str
    region: str
    endpoint: str
    features: tuple[str, ...]
    calls: int
    last_at: dt.datetime
    missing: Shortfall


def uncovered_calls(
    vendor: Vendor,
    on: dt.date,
    *,
    since: dt.datetime,
    integrations: Collection[int] | None = None,
) -> list[UncoveredCalls]:
    """Ways in which live integrations were called with PHI, and that no BAA in force covers.

    Only `integrations`, where they are given. The newest calls since the moment `since` are looked
    at; each way is measured as the integration and the register stand on the day `on`.
    """
    uses = live_uses(vendor, on)
    by_pk = {i.pk: i for i in uses.integrations if integrations is None or i.pk in integrations}
    live = between(of_integrations(list(by_pk)).live(), Ledger.LIVE, since, None)
    newest = live.filter(phi_present=True).order_by("-index").values("index")[:NEWEST]
    ways = (
        Call.objects.live()
        .filter(index__in=newest)
        .values_list("integration_id", "model", "region", "endpoint_host", "features")
        .annotate(calls=Count("index"), last_at=Max("received_at"))
        .order_by("-last_at")[:WAYS]
    )
    found = []
    for pk, model, region, host, features, calls, last_at in ways if by_pk else ():
        call = CallTerms(
            model=model,
            region=region,
            phi_present=True,
            features=tuple(features),
            endpoint=host.partition(":")[0],
        )
        _, missing = uses.missing(by_pk[pk], call)
        if missing is not None:
            found.append(
                UncoveredCalls(
                    by_pk[pk], model, region, host, tuple(features), calls, last_at, missing
                )
            )
    return found
