"""Access reviews, their decisions and what became of them are noted for the ledger."""

from django.db import migrations

from audits.ledger.seals import Seal, installed

REVIEW = {
    "review": "r.id",
    "count": "r.population_count",
    "digest": "r.population_digest",
    "closed_digest": "r.closed_digest",
    "due_on": "r.due_on",
    "by": "coalesce(r.signed_by_id, r.closed_by_id, r.started_by_id)",
    "at": "public.audits_moment(coalesce(r.signed_at, r.closed_at, r.started_at))",
}
REVIEW_COLUMNS = [
    "id",
    "title",
    "started_by_id",
    "started_at",
    "due_on",
    "reviewer_id",
    "escalate_to_id",
    "population_count",
    "population_query",
    "population_query_sha256",
    "population_digest",
    "closed_by_id",
    "closed_at",
    "closed_digest",
    "signed_by_id",
    "signed_at",
    "sign_note",
]
KIND = """CASE WHEN NEW.signed_at IS NOT NULL THEN 'access-review-signed'
    WHEN NEW.closed_at IS NOT NULL THEN 'access-review-closed' ELSE 'access-review' END"""
SEALS = [
    Seal("policies_accessreview", "'access-review'", REVIEW, REVIEW_COLUMNS),
    Seal(
        "policies_accessreview",
        KIND,
        REVIEW,
        REVIEW_COLUMNS,
        on="UPDATE",
        when="NEW IS DISTINCT FROM OLD",
        name="changed",
    ),
    Seal(
        "policies_accessreviewdecision",
        "'access-decision'",
        {
            "entry": "r.entry_id",
            "decision": "r.decision",
            "by": "r.by_id",
            "at": "public.audits_moment(r.at)",
        },
        ["id", "entry_id", "decision", "change_to", "note", "together", "by_id", "at"],
    ),
    Seal(
        "policies_accessreviewproof",
        "'access-proof'",
        {
            "entry": "r.entry_id",
            "kind": "r.kind",
            "by": "r.by_id",
            "at": "public.audits_moment(r.at)",
        },
        ["id", "entry_id", "kind", "reason", "looks", "by_id", "at"],
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0016_security_events"),
        ("policies", "0014_access_reviews"),
    ]
    operations = [migrations.RunSQL(install, remove) for install, remove in installed(SEALS)]
