"""Services side by side, dimension by dimension; pure: no query, no clock, no settings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from vendors.coverage import Coverage, assess
from vendors.dimensions import value_words
from vendors.posture import AgreementFacts, FactValue, Scope, ServicePosture, Target, matches

Tone = Literal["ok", "soon", "bad", "neutral"]

# What the gate asks of facts, in the order of its checks.
GATE_DIMENSIONS = ("training_use", "retention_days", "tls_minimum", "encryption_at_rest")
# How a value reads: the article's marks were yes, limited and no. What stands nowhere is neutral.
_YES: dict[str, Tone] = {"yes": "ok", "no": "bad"}
TONES: dict[str, dict[str, Tone]] = {
    "baa": {
        "self_serve": "ok",
        "included": "ok",
        "any_paid": "ok",
        "on_request": "soon",
        "with_setting": "soon",
        "enterprise": "soon",
        "no_evidence": "bad",
        "none": "bad",
    },
    "soc2_type2": _YES,
    "gdpr_dpa": _YES,
    "training_use": {
        "no": "ok",
        "opt_in": "soon",
        "opt_out": "bad",
        "depends_on_plan": "soon",
        "yes": "bad",
        "operator_set": "ok",
    },
    "retention_days": {
        "depends_on_model": "soon",
        "depends_on_contract": "soon",
        "flagged_only": "soon",
        "operator_set": "ok",
    },
    "zero_retention": {"self_serve": "ok", "on_approval": "soon", "no": "bad"},
    "residency": {
        "regional": "ok",
        "us": "ok",
        "eu": "soon",
        "us_or_global": "soon",
        "depends_on_deployment": "soon",
        "depends_on_setting": "soon",
        "private_only": "soon",
        "no": "bad",
    },
    "tls_minimum": {"1.0": "bad", "1.1": "bad", "1.2": "ok", "1.3": "ok"},
    "encryption_at_rest": {"aes-256": "ok", "aes-128": "soon", "none": "bad"},
    "byok": {"yes": "ok", "enterprise": "soon", "no": "bad"},
    "access_logs": {"calls": "ok", "admin_events": "soon", "no": "bad"},
    "content_logs": {"opt_in": "ok", "yes": "soon", "no": "neutral"},
    "log_retention_control": {"yes": "ok", "limited": "soon", "no": "bad"},
    "private_endpoint": {"yes": "ok", "private_deployment": "soon", "no": "bad"},
    "posture_api": {"yes": "ok", "no": "neutral"},
}
# A retention of up to so many days is limited, a longer one is bad; nothing kept is good.
MONTH_DAYS = 30


class BaaState(StrEnum):
    """How a BAA stands for a service on a day, best first."""

    IN_FORCE = "in_force"
    NOT_COVERED = "not_covered"
    STARTS = "starts"
    ENDED = "ended"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Look:
    """What the register keeps of a fact beside what the gate reads of it."""

    verified_on: dt.date | None
    source: str
    endpoint: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The model and the region that the comparison is for; empty means no particular one."""

    model: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """What a fact of another scope says instead, and for what."""

    scope: str
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of a service in one dimension; no `fact_id`: nothing for what was asked.

    `age_days` counts from the day the source was read; None if nobody ever read it.
    """

    words: str = ""
    tone: Tone = "neutral"
    grade: str = ""
    source: str = ""
    verified_on: dt.date | None = None
    age_days: int | None = None
    stale: bool = False
    fact_id: int | None = None
    others: tuple[Other, ...] = ()


@dataclass(frozen=True, slots=True)
class BaaStanding:
    """`day`: the last day in force, or the last it was, or the first it will be."""

    state: BaaState
    reference: str = ""
    day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A service with the two papers that carry it and what is known of it."""

    service_id: int
    baa: BaaStanding
    coverage: Coverage
    cells: Mapping[str, Cell]


def tone(dimension: str, value: str, number: int | None) -> Tone:
    """How a value reads; unknown and not applicable ones are neutral."""
    if value == "days" and number is not None:
        return "ok" if number == 0 else "soon" if number <= MONTH_DAYS else "bad"
    return TONES.get(dimension, {}).get(value, "neutral")


def compare(
    postures: Iterable[ServicePosture],
    looks: Mapping[int, Look],
    dimensions: Collection[str],
    asked: Asked,
    on: dt.date,
) -> list[Line]:
    """A line for each service, in the order given, as of the day `on`.

    Each cell holds the most specific fact that fits what was asked: the same that the gate takes.
    Facts of other scopes that say something else are named beside it. `looks` are by fact id.
    """
    return [
        Line(
            service_id=posture.service_id,
            baa=baa_standing(posture.baas, asked, on),
            coverage=assess(posture.reports, on, posture.limits),
            cells={name: _cell(posture, name, looks, asked, on) for name in dimensions},
        )
        for posture in postures
    ]


def _cell(
    posture: ServicePosture, dimension: str, looks: Mapping[int, Look], asked: Asked, on: dt.date
) -> Cell:
    fact = posture.fact(dimension, Target(asked.model, asked.region, posture.plan))
    of_dimension = [f for f in posture.facts if f.dimension == dimension and f is not fact]
    said = fact and (fact.value, fact.number)
    others = {
        Other(_scope(f, looks), value_words(dimension, f.value, f.number)): None
        for f in sorted(of_dimension, key=lambda f: (f.model_pattern, f.region, f.fact_id))
        if (f.value, f.number) != said and _scope(f, looks)
    }
    if fact is None:
        return Cell(others=tuple(others))
    look = looks.get(fact.fact_id, Look(None, ""))
    return Cell(
        words=value_words(dimension, fact.value, fact.number),
        tone=tone(dimension, fact.value, fact.number),
        grade=fact.grade,
        source=look.source,
        verified_on=look.verified_on,
        age_days=(on - look.verified_on).days if look.verified_on else None,
        stale=fact.stale(on),
        fact_id=fact.fact_id,
        others=tuple(others),
    )


def _scope(fact: FactValue, looks: Mapping[int, Look]) -> str:
    """What a fact is limited to, in words; nothing if it speaks of the whole service."""
    look = looks.get(fact.fact_id, Look(None, ""))
    parts = (fact.model_pattern, fact.region, look.endpoint, look.plan)
    return ", ".join(part for part in parts if part)


def baa_standing(baas: Iterable[AgreementFacts], asked: Asked, on: dt.date) -> BaaStanding:
    """The BAA that carries the service best for what was asked on the day `on`.

    A BAA in force that names another service, model or region does not cover it.
    """
    order = list(BaaState)
    found = [_standing(baa, asked, on) for baa in baas]
    return min(
        found,
        key=lambda s: (order.index(s.state), -(s.day or dt.date.max).toordinal(), s.reference),
        default=BaaStanding(BaaState.NONE),
    )


def _standing(baa: AgreementFacts, asked: Asked, on: dt.date) -> BaaStanding:
    if baa.first_day > on:
        return BaaStanding(BaaState.STARTS, baa.reference, baa.first_day)
    if not baa.in_force(on):
        return BaaStanding(BaaState.ENDED, baa.reference, baa.last_day)
    covered = any(_covers(scope, asked) for scope in baa.scopes)
    state = BaaState.IN_FORCE if covered else BaaState.NOT_COVERED
    return BaaStanding(state, baa.reference, baa.last_day)


def _covers(scope: Scope, asked: Asked) -> bool:
    """Whether a scope covers what was asked; no particular model or region is within any."""
    model = not scope.model_pattern or not asked.model or matches(scope.model_pattern, asked.model)
    region = not scope.region or not asked.region or scope.region == asked.region
    return model and region


def differing(lines: Collection[Line], dimensions: Iterable[str]) -> tuple[str, ...]:
    """The dimensions in which not all of these services say the same."""
    return tuple(name for name in dimensions if len({line.cells[name].words for line in lines}) > 1)
