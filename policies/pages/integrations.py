"""The columns of the register of integrations, for its page, its files and its saved views."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from policies.gate import Verdict
from policies.models import Integration
from policies.services.deciding import class_slugs
from policies.services.verdicts import for_gate, verdicts
from vendors.tables.columns import Column, ListSpec

EXPORT_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Judged:
    """An integration with its verdict, as a row of a file."""

    use: Integration
    verdict: Verdict


INTEGRATION_LIST = ListSpec(
    "integrations",
    "Integrations",
    "policies:integration-list",
    "policies:integration-views",
    (
        Column(
            "name",
            "Integration",
            (
                ("Name", lambda row: row.use.name),
                ("Slug", lambda row: row.use.slug),
                ("Purpose", lambda row: row.use.purpose),
            ),
            sort="name",
        ),
        Column(
            "verdict",
            "Verdict",
            (
                ("Verdict", lambda row: "Allowed" if row.verdict.allowed else "Denied"),
                ("Reasons", lambda row: ", ".join(row.verdict.reasons)),
                ("Allowed until", lambda row: row.verdict.until),
            ),
        ),
        Column(
            "state", "State", (("State", lambda row: row.use.get_state_display()),), sort="state"
        ),
        Column(
            "service",
            "Service",
            (
                ("Vendor", lambda row: row.use.service.vendor.name),
                ("Service", lambda row: row.use.service.name),
            ),
            sort="service",
        ),
        Column("data", "Data", (("Data classes", lambda row: ", ".join(class_slugs(row.use))),)),
        Column(
            "environment",
            "Environment",
            (("Environment", lambda row: row.use.get_environment_display()),),
            sort="environment",
        ),
        Column(
            "models",
            "Models",
            (("Models", lambda row: ", ".join(row.use.model_patterns)),),
            extra=True,
        ),
        Column("region", "Region", (("Region", lambda row: row.use.region),), extra=True),
        Column("owner", "Owner", (("Owner", lambda row: str(row.use.owner or "")),), sort="owner"),
    ),
)


def judged(rows: QuerySet[Integration], on: dt.date) -> Iterator[Judged]:
    """All rows of the list with their verdicts on the day `on`, some hundreds at a time."""
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), EXPORT_CHUNK):
        chunk = ids[start : start + EXPORT_CHUNK]
        some = for_gate(Integration.objects.filter(pk__in=chunk).select_related("owner"))
        by_id = {i.pk: i for i in some}
        found = verdicts(by_id.values(), on)
        for pk in chunk:
            if pk in by_id:
                yield Judged(by_id[pk], found[pk])
