"""What becomes of the integrations of Alder Grove Health, step by step.

Every number is days after today. Steps run in the order of their days, between the calls of those
days, so that every call is judged by what stood when it came.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from policies.models import Grant, Integration, IntegrationKey
from policies.services import keys, lifecycle
from policies.services.granting import Wanted, give_grant
from policies.services.keys import KeyTerms
from policies.services.principals import principal_of
from portal.demo.acting import Company, acting
from portal.demo.papers import paper
from portal.demo.use_plans import USES

Deidentification = Integration.Deidentification


# Who speaks through an integration that lets known people through alone.
CLINICIANS = ("engineer2", "viewer")
# How long they may.
GRANT_DAYS = 365


@dataclass(frozen=True)
class Step:
    """Something that happens on a day, at about the hour; `take` gets the company."""

    day: int
    take: Callable[[Company], None]
    hour: float = 9


def register(slug: str, day: int) -> Step:
    """Its engineer fills in the form."""
    plan = next(each for each in USES if each.slug == slug)

    def take(alder: Company) -> None:
        engineer = alder.people[plan.owner]
        values = {
            "slug": plan.slug,
            "name": plan.name,
            "purpose": plan.purpose,
            "description": plan.description,
            "environment": plan.environment,
            "service": alder.services[plan.service],
            "model_patterns": list(plan.models),
            "region": plan.region,
            "audit_mode": plan.audit_mode,
            "known_actors_only": plan.known_actors_only,
            "features": list(plan.features),
            "settings_made": list(plan.settings_made),
        }
        classes = [alder.classes[name] for name in plan.classes]
        at = alder.moment(day, 9, 10)
        with acting(engineer, at):
            alder.integrations[slug] = lifecycle.create_draft(values, classes, by=engineer, at=at)

    return Step(day, take)


def submit(slug: str, day: int) -> Step:
    def take(alder: Company) -> None:
        integration = alder.integrations[slug]
        assert integration.owner is not None  # who registered it
        at = alder.moment(day, 10)
        with acting(integration.owner, at):
            lifecycle.submit(integration, by=integration.owner, at=at)

    return Step(day, take)


def approve(slug: str, day: int, *, last_day: int | None = None) -> Step:
    def take(alder: Company) -> None:
        at = alder.moment(day, 11)
        expires_on = alder.day(last_day) if last_day is not None else None
        with acting(alder.officer, at):
            lifecycle.approve(
                alder.integrations[slug], by=alder.officer, at=at, expires_on=expires_on
            )

    return Step(day, take)


def issue_key(
    slug: str, day: int, *, live: bool = True, ends: int | None = None, name: str = "production"
) -> Step:
    """Its owner makes a key; nobody ever reads the secret of a demonstration."""

    def take(alder: Company) -> None:
        integration = alder.integrations[slug]
        at = alder.moment(day, 12)
        terms = KeyTerms(
            name=name,
            livemode=live,
            scopes=(IntegrationKey.Scope.CALLS_WRITE, IntegrationKey.Scope.DECIDE),
            expires_at=alder.moment(ends, 12) if ends is not None else None,
        )
        assert integration.owner is not None  # who registered it
        with acting(integration.owner, at):
            keys.issue_key(integration, terms, by=integration.owner, at=at)

    return Step(day, take)


def running(slug: str, day: int, *, key_ends: int | None = None) -> list[Step]:
    """From the form to the first key within a week; `day` is that of the key."""
    return [
        register(slug, day - 6),
        submit(slug, day - 5),
        approve(slug, day - 2),
        issue_key(slug, day, ends=key_ends),
    ]


def grant(slug: str, day: int) -> Step:
    def take(alder: Company) -> None:
        at = alder.moment(day, 13)
        with acting(alder.officer, at):
            for name in CLINICIANS:
                wanted = Wanted(
                    permission=Grant.Permission.SEND_PROMPT,
                    purpose="Pilot of the clinic: notes of their own patients",
                    ends_at=at + dt.timedelta(days=GRANT_DAYS),
                    principal=principal_of(alder.people[name], at=at),
                )
                give_grant(alder.integrations[slug], wanted, by=alder.officer, at=at)

    return Step(day, take)


def rotate(slug: str, day: int) -> Step:
    def take(alder: Company) -> None:
        integration = alder.integrations[slug]
        at = alder.moment(day, 12, 30)
        key = integration.keys.filter(livemode=True, revoked_at__isnull=True).latest("created_at")
        assert integration.owner is not None  # who registered it
        with acting(integration.owner, at):
            keys.rotate_key(key, by=integration.owner, at=at)

    return Step(day, take)


def suspend(slug: str, day: int, reason: str) -> Step:
    def take(alder: Company) -> None:
        at = alder.moment(day, 14)
        with acting(alder.officer, at):
            lifecycle.suspend(alder.integrations[slug], reason=reason, by=alder.officer, at=at)

    return Step(day, take)


def retire(slug: str, day: int) -> Step:
    def take(alder: Company) -> None:
        integration = alder.integrations[slug]
        at = alder.moment(day, 20)
        assert integration.owner is not None  # who registered it
        with acting(integration.owner, at):
            lifecycle.retire(integration, by=integration.owner, at=at)

    return Step(day, take)


def send_back(slug: str, day: int, note: str) -> Step:
    def take(alder: Company) -> None:
        at = alder.moment(day, 15)
        with acting(alder.second_officer, at):
            lifecycle.request_changes(
                alder.integrations[slug], by=alder.second_officer, at=at, note=note
            )

    return Step(day, take)


def reject(slug: str, day: int, note: str) -> Step:
    def take(alder: Company) -> None:
        at = alder.moment(day, 15)
        with acting(alder.officer, at):
            lifecycle.reject(alder.integrations[slug], by=alder.officer, at=at, note=note)

    return Step(day, take)


def determine(slug: str, day: int, *, last_day: int) -> Step:
    """Its owner attaches an expert's determination (45 CFR 164.514(b)(1))."""

    def take(alder: Company) -> None:
        integration = alder.integrations[slug]
        owner, at = integration.owner, alder.moment(day, 9, 40)
        assert owner is not None  # who registered it
        lines = {
            "Of": integration.name,
            "Method": "Expert Determination, 45 CFR 164.514(b)(1)",
            "Holds until": f"{alder.day(last_day):%-d %B %Y}",
        }
        with acting(owner, at):
            document = paper(
                "Expert Determination", lines, name="expert-determination.pdf", by=owner
            )
            values = {
                "deidentification": Deidentification.EXPERT,
                "deidentification_document": document,
                "deidentification_expires_on": alder.day(last_day),
            }
            alder.integrations[slug] = lifecycle.change(integration, values, by=owner, at=at)

    return Step(day, take)


STEPS: tuple[Step, ...] = (
    *running("visit-note-summaries", -88),
    rotate("visit-note-summaries", -20),
    *running("prior-authorization-letters", -82),
    *running("patient-portal-assistant", -76),
    issue_key("patient-portal-assistant", -76, live=False, name="staging"),
    *running("code-review-helper", -86),
    *running("call-center-transcripts", -84),
    *running("room-scribe-pilot", -60),
    grant("room-scribe-pilot", -60),
    *running("claims-questions", -85),
    suspend("claims-questions", -30, "The SOC 2 report is stale and no bridge letter came."),
    *running("warehouse-questions", -79, key_ends=12),
    *running("policy-search-embeddings", -65),
    *running("newsletter-drafts", -83),
    retire("newsletter-drafts", -40),
    register("radiology-coding", -9),
    determine("radiology-coding", -9, last_day=21),
    submit("radiology-coding", -8),
    approve("radiology-coding", -4, last_day=21),
    register("triage-chat", -3),
    submit("triage-chat", -2),
    register("discharge-translations", -8),
    submit("discharge-translations", -7),
    send_back(
        "discharge-translations",
        -6,
        "Patient data stays in the United States: choose a region there.",
    ),
    register("benefits-questions", -1),
    register("review-sentiment", -55),
    submit("review-sentiment", -54),
    reject("review-sentiment", -50, "No DPA with this vendor, and training is not excluded."),
)
