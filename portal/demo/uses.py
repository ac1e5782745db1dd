"""The integrations of Alder Grove Health: who registered them, and what became of them.

Every number is days after today. Steps run in the order of their days, between the calls of those
days, so that every call is judged by what stood when it came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from policies.models import Integration, IntegrationKey
from policies.services import grants, keys, lifecycle
from policies.services.keys import KeyTerms
from portal.demo.acting import Company, acting
from portal.demo.papers import paper

Deidentification = Integration.Deidentification


@dataclass(frozen=True)
class UsePlan:
    """An integration, its owner, and what it is registered with."""

    slug: str
    name: str
    owner: str
    service: str
    models: tuple[str, ...]
    region: str
    classes: tuple[str, ...]
    purpose: str
    description: str
    environment: str = Integration.Environment.PRODUCTION
    audit_mode: str = Integration.AuditMode.STRICT
    known_actors_only: bool = False


USES = (
    UsePlan(
        "visit-note-summaries",
        "Visit note summaries",
        "engineer",
        "amazon-bedrock",
        ("anthropic.claude-*",),
        "us-east-1",
        ("phi",),
        "treatment",
        "Shortens visit notes for the next clinician; a clinician reads every summary.",
    ),
    UsePlan(
        "prior-authorization-letters",
        "Prior authorization letters",
        "engineer2",
        "azure-openai",
        ("gpt-*",),
        "eastus",
        ("phi", "financial"),
        "payment",
        "Drafts letters to payers from the chart; staff edits and signs them.",
    ),
    UsePlan(
        "patient-portal-assistant",
        "Patient portal assistant",
        "engineer",
        "openai-api",
        ("gpt-*", "text-embedding-3-*"),
        "us",
        ("phi", "pii"),
        "treatment",
        "Answers questions of patients about appointments and test preparation.",
    ),
    UsePlan(
        "code-review-helper",
        "Code review helper",
        "engineer2",
        "claude-api",
        ("claude-*",),
        "us",
        ("internal",),
        "operations",
        "Comments on pull requests. Repositories hold no patient data.",
        audit_mode=Integration.AuditMode.SPOOL,
    ),
    UsePlan(
        "call-center-transcripts",
        "Call center transcripts",
        "engineer",
        "larkspur-transcribe",
        ("larkspur-medical-*",),
        "us-east-1",
        ("phi",),
        "operations",
        "Writes down and sums up calls of patients to the service desk.",
    ),
    UsePlan(
        "room-scribe-pilot",
        "Room scribe pilot",
        "engineer2",
        "quillwork-scribe",
        ("scribe-*",),
        "us-east-1",
        ("phi",),
        "treatment",
        "Pilot in two clinics: drafts the visit note while the visit goes on.",
        known_actors_only=True,
    ),
    UsePlan(
        "claims-questions",
        "Claims questions",
        "engineer2",
        "fernhill-insights",
        ("fernhill-*",),
        "us-east-1",
        ("pii", "financial"),
        "payment",
        "Lets the billing team ask questions about tables of claims.",
    ),
    UsePlan(
        "warehouse-questions",
        "Warehouse questions",
        "engineer",
        "snowflake-cortex",
        ("claude-*", "llama*"),
        "us-east-1",
        ("financial", "internal"),
        "operations",
        "Turns questions of the finance team into SQL over the warehouse.",
    ),
    UsePlan(
        "policy-search-embeddings",
        "Policy search",
        "engineer",
        "self-hosted-models",
        ("bge-*", "qwen*"),
        "own-datacenter",
        ("internal",),
        "operations",
        "Search over our own handbooks, on machines of our own.",
        audit_mode=Integration.AuditMode.OBSERVE,
    ),
    UsePlan(
        "newsletter-drafts",
        "Newsletter drafts",
        "engineer2",
        "openai-api",
        ("gpt-*",),
        "us",
        ("public",),
        "marketing",
        "Drafted the newsletter from published articles.",
    ),
    UsePlan(
        "radiology-coding",
        "Radiology coding",
        "engineer",
        "google-vertex-ai",
        ("gemini-*",),
        "us-central1",
        ("phi",),
        "payment",
        "Suggests billing codes from reports that an expert found de-identified.",
    ),
    UsePlan(
        "triage-chat",
        "Triage chat",
        "engineer",
        "google-vertex-ai",
        ("gemini-*",),
        "us-central1",
        ("phi",),
        "treatment",
        "Asks about symptoms before a nurse calls back. It never gives advice.",
    ),
    UsePlan(
        "discharge-translations",
        "Discharge translations",
        "engineer2",
        "azure-openai",
        ("gpt-*",),
        "swedencentral",
        ("phi",),
        "treatment",
        "Translates discharge instructions; a certified translator checks them.",
    ),
    UsePlan(
        "benefits-questions",
        "Benefits questions",
        "engineer",
        "claude-api",
        ("claude-*",),
        "us",
        ("public",),
        "support",
        "Answers questions about plans from published brochures.",
        environment=Integration.Environment.STAGING,
    ),
    UsePlan(
        "review-sentiment",
        "Sentiment of reviews",
        "engineer2",
        "mistral-ai-studio",
        ("mistral-*",),
        "eu",
        ("pii",),
        "marketing",
        "Would have sorted reviews that patients left on public pages.",
        environment=Integration.Environment.DEVELOPMENT,
    ),
)

# Who speaks through an integration that lets known people through alone.
CLINICIANS = ("engineer2", "viewer")


@dataclass(frozen=True)
class Step:
    """Something that happens on a day; `take` gets the company."""

    day: int
    take: Callable[[Company], None]


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
                grants.give(
                    alder.integrations[slug],
                    to=alder.people[name],
                    names=["send_prompt"],
                    by=alder.officer,
                    at=at,
                )

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
