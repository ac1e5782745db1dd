"""What the pages about facts show: work on them across vendors, and a service's in groups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db.models import QuerySet

from vendors.models import Dimension, Fact, FactAssignment, Service
from vendors.pages.lines import FactLine, fact_line
from vendors.posture import Target
from vendors.services.postures import postures

# Without these the gate lets no PHI pass.
NEEDED = (Dimension.TRAINING, Dimension.RETENTION, Dimension.TLS, Dimension.AT_REST)

GROUPS: tuple[tuple[str, str, tuple[Dimension, ...]], ...] = (
    (
        "Papers",
        "What the vendor signs and shows.",
        (Dimension.BAA, Dimension.DPA, Dimension.SOC2),
    ),
    (
        "Use and retention",
        "Whether our data is learned from, and how long it stays.",
        (Dimension.TRAINING, Dimension.RETENTION, Dimension.ZERO_RETENTION),
    ),
    (
        "Place and network",
        "Where it runs, and by which way we reach it.",
        (Dimension.RESIDENCY, Dimension.PRIVATE_ENDPOINT, Dimension.POSTURE_API),
    ),
    (
        "Logs",
        "What the vendor writes down of our calls.",
        (Dimension.ACCESS_LOGS, Dimension.CONTENT_LOGS, Dimension.LOG_RETENTION),
    ),
)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of encryption: the least that will do, what it is checked for, what is known."""

    name: str
    minimum: str
    verify: str
    lines: list[FactLine]
    kind: str
    word: str


# Layer, least, what to verify, and the values that reach it.
LAYERS: tuple[tuple[Dimension, str, str, str, tuple[str, ...]], ...] = (
    (
        Dimension.TLS,
        "On the way",
        "TLS 1.2",
        "1.3 preferred; 1.0 and 1.1 are refused",
        ("1.2", "1.3"),
    ),
    (
        Dimension.AT_REST,
        "At rest",
        "AES-256",
        "Stored logs, cached prompts and completions, backups",
        ("aes-256",),
    ),
    (
        Dimension.BYOK,
        "Keys",
        "The vendor's keys will do",
        "Our own where a policy asks for them",
        ("yes", "enterprise", "no", "operator_set"),
    ),
)


def layers(lines: Sequence[FactLine]) -> list[Layer]:
    """The encryption of a service, layer by layer."""
    found = []
    for dimension, name, minimum, verify, enough in LAYERS:
        own = [line for line in lines if line.dimension == dimension]
        values = {line.fact.value for line in own if line.fact}
        kind, word = "bad", "Not known"
        if values and values <= set(enough):
            kind, word = ("soon", "Verify again") if any(n.stale for n in own) else ("ok", "Enough")
        elif values - {"unknown"}:
            kind, word = "bad", "Too weak"
        found.append(Layer(name, minimum, verify, own, kind, word))
    return found


@dataclass(frozen=True, slots=True)
class FactGroup:
    title: str
    about: str
    lines: list[FactLine]


def groups(lines: Sequence[FactLine]) -> list[FactGroup]:
    """The facts of a service but those of encryption, in groups that are read together."""
    return [
        FactGroup(title, about, [line for line in lines if line.dimension in dimensions])
        for title, about, dimensions in GROUPS
    ]


@dataclass(frozen=True, slots=True)
class Applying:
    """The fact of a dimension that counts for a model and region, and those it is narrower than."""

    line: FactLine
    others: list[FactLine]


def applying(
    service: Service, lines: Sequence[FactLine], on: dt.date, picked: tuple[str, str]
) -> list[Applying]:
    """Which fact the gate takes for the picked model and region, dimension by dimension.

    The most specific one that fits: by model, then region, endpoint and plan.
    """
    model, region = picked
    posture = postures([service], on)[service.pk]
    target = Target(model, region, posture.plan, endpoints=frozenset(posture.hosts))
    by_fact = {line.fact.pk: line for line in lines if line.fact}
    found = []
    for dimension in Dimension:
        fact = posture.fact(dimension, target)
        if fact is None or fact.fact_id not in by_fact:
            continue
        same = [line for line in by_fact.values() if line.dimension == dimension]
        chosen = by_fact[fact.fact_id]
        found.append(Applying(chosen, [line for line in same if line is not chosen]))
    return sorted(found, key=lambda each: -len(each.others))


@dataclass(frozen=True, slots=True)
class WorkLine:
    """A fact to verify, and who was asked to look at it."""

    line: FactLine
    assignment: FactAssignment | None

    @property
    def source(self) -> str:
        """What one reads to verify it."""
        return self.line.fact.source if self.line.fact else ""


def work_lines(facts: Sequence[Fact], on: dt.date) -> list[WorkLine]:
    """The facts of a page with their age and assignment; one query."""
    services = {fact.service_id for fact in facts}
    rows = FactAssignment.objects.filter(service__in=services).select_related("assignee")
    assigned = {(row.service_id, row.dimension): row for row in rows}
    return [
        WorkLine(
            fact_line(Dimension(fact.dimension), fact, on),
            assigned.get((fact.service_id, fact.dimension)),
        )
        for fact in facts
    ]


EXPORT_HEADERS = (
    "Source",
    "Vendor",
    "Service",
    "Dimension",
    "What it says",
    "Models",
    "Region",
    "Page",
    "Grade",
    "Read",
    "Age in days",
    "Verify again",
    "Who looks",
    "Look by",
)


def export_rows(facts: QuerySet[Fact], on: dt.date) -> Iterator[list[str | int | dt.date | None]]:
    """One row for each fact, in the order of EXPORT_HEADERS; 500 facts at a time."""
    found = facts.iterator(chunk_size=500)
    while chunk := list(islice(found, 500)):
        for fact, work in zip(chunk, work_lines(chunk, on), strict=True):
            look = work.assignment
            yield [
                fact.source,
                fact.service.vendor.name,
                fact.service.name,
                work.line.label,
                fact.words,
                fact.model_pattern,
                fact.region,
                fact.page,
                fact.get_grade_display(),
                fact.verified_on,
                work.line.age_days,
                work.line.stale,
                str(look.assignee) if look else "",
                look.look_by if look else None,
            ]


@dataclass(frozen=True, slots=True)
class Missing:
    """A dimension that the gate needs, and the services that nothing is known of."""

    dimension: Dimension
    services: list[Service]


def never_recorded(on: dt.date) -> list[Missing]:
    """What the gate needs and nobody ever recorded, by dimension; two queries."""
    known = set(
        Fact.objects.filter(dimension__in=NEEDED)
        .values_list("service_id", "dimension")
        .distinct()
        .order_by()
    )
    services = list(
        Service.objects.offered(on)
        .exclude(vendor__state__in=["rejected", "offboarded"])
        .select_related("vendor")
        .order_by("vendor__name", "name")
    )
    found = [
        Missing(each, [s for s in services if (s.pk, each.value) not in known]) for each in NEEDED
    ]
    return [each for each in found if each.services]
