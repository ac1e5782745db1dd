"""The integrations that people at Alder Grove Health register, as they fill in the form."""

from __future__ import annotations

from dataclasses import dataclass

from policies.models import Integration


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
    features: tuple[str, ...] = ()
    settings_made: tuple[str, ...] = ()


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
        features=("files",),
        settings_made=("modified-abuse-monitoring",),
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
