"""What happens to papers, decisions, access and trails is noted for the ledger, by triggers.

Notes stand in `audits_pending`, in the transaction of what they tell; the commit seals them (see
audits/database and docs/decisions/0016). `audits_note` and `audits_moment` serve the apps above
too, through `audits.ledger.seals`.
"""

from django.db import migrations

from audits.ledger.seals import Seal, installed

TABLES = """
-- The one secret that digests of rows are made with, so that nobody who has an entry alone finds
-- out by guessing what its row says. Whoever has the database has the row too.
CREATE TABLE audits_seal_salt (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    salt bytea NOT NULL
);
INSERT INTO audits_seal_salt (salt)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- Which columns a digest covers: a column that comes later makes no old digest wrong.
CREATE TABLE audits_seal_form (
    tracked text NOT NULL,
    form integer NOT NULL,
    columns text[] NOT NULL,
    PRIMARY KEY (tracked, form)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audits_seal_salt
FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();
ALTER TABLE audits_seal_salt ENABLE ALWAYS TRIGGER append_only;
"""
DROP_TABLES = """
DROP TABLE audits_seal_form;
DROP TABLE audits_seal_salt;
"""
FUNCTIONS = """
CREATE FUNCTION audits_moment(at timestamptz) RETURNS text LANGUAGE sql STABLE
AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- The digest of a row, in hex; null for a form that is not known.
CREATE FUNCTION audits_row_sha256(seen text, number integer, stored jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT encode(sha256((SELECT salt FROM public.audits_seal_salt)
            || convert_to(jsonb_object_agg(name, stored -> name)::text, 'UTF8')), 'hex')
        FROM public.audits_seal_form, unnest(columns) AS name
        WHERE tracked = seen AND form = number
    );
END $$;

-- The name of the connection says that there is something to seal: PostgreSQL tells it to the
-- client by itself, so that no commit has to ask. It ends with the transaction or the savepoint.
CREATE FUNCTION audits_note(type text, subject text, members jsonb, seen text, number integer,
    stored jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.audits_pending (at, type, subject, payload)
    VALUES (clock_timestamp(), type, left(coalesce(subject, ''), 120),
        jsonb_strip_nulls(members || CASE WHEN seen IS NULL THEN '{}' ELSE jsonb_build_object(
            'table', seen, 'row', stored -> 'id', 'form', number,
            'sha256', public.audits_row_sha256(seen, number, stored)) END));
    IF current_setting('application_name') <> 'countersign: to seal' THEN
        PERFORM set_config('application_name', 'countersign: to seal', true);
    END IF;
END $$;

-- The policy as a whole has one digest, which the sealing computes: the one that verdicts carry.
CREATE FUNCTION audits_note_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.audits_note('policy', 'policies.policy', '{}', NULL, NULL, NULL);
    RETURN NULL;
END $$;
"""
DROP_FUNCTIONS = """
DROP FUNCTION audits_note_policy();
DROP FUNCTION audits_note(text, text, jsonb, text, integer, jsonb);
DROP FUNCTION audits_row_sha256(text, integer, jsonb);
DROP FUNCTION audits_moment(timestamptz);
"""

TRAILS = [
    Seal(
        "auditlog_logentry",
        "'change'",
        {
            "action": "(ARRAY['create', 'update', 'delete', 'access'])[r.action + 1]",
            "actor": "r.actor_id",
            "at": "public.audits_moment(r.timestamp)",
        },
        [
            "id",
            "object_pk",
            "object_id",
            "object_repr",
            "action",
            "changes",
            "timestamp",
            "actor_id",
            "content_type_id",
            "remote_addr",
            "additional_data",
            "serialized_data",
            "cid",
            "changes_text",
            "remote_port",
            "actor_email",
        ],
        subject="(SELECT app_label || '.' || model FROM public.django_content_type "
        "WHERE id = r.content_type_id) || ':' || r.object_pk",
    ),
    Seal(
        "audits_readevent",
        "'read'",
        {
            "action": "r.action",
            "rows": "r.row_count",
            "user": "r.user_id",
            "key": "r.key_id",
            "at": "public.audits_moment(r.at)",
        },
        [
            "id",
            "at",
            "action",
            "subject",
            "subject_id",
            "filters",
            "row_count",
            "key_id",
            "user_id",
        ],
        subject="r.subject || CASE r.subject_id WHEN '' THEN '' ELSE ':' || r.subject_id END",
    ),
]
AGREEMENT = {
    "vendor": "r.vendor_id",
    "kind": "r.kind",
    "version": "r.version",
    "amends": "r.amends_id",
    "starts_on": "r.starts_on",
    "ends_on": "r.ends_on",
    "terminated_on": "r.terminated_on",
    "superseded_on": "r.superseded_on",
    "return_state": "nullif(r.return_state, '')",
    "document": "r.document_id",
}
# Without the columns of its life: those are members, and the row's digest stays what it was.
AGREEMENT_COLUMNS = [
    "id",
    "kind",
    "reference",
    "version",
    "account",
    "our_role",
    "counterparty",
    "signed_by_us",
    "signed_by_vendor",
    "signed_on",
    "starts_on",
    "ends_on",
    "notice_days",
    "breach_notice_days",
    "recorded_at",
    "amends_id",
    "recorded_by_id",
    "document_id",
    "vendor_id",
    "scc_modules",
    "subprocessor_list",
    "subprocessor_notice_days",
    "transfer_mechanism",
    "vendor_signed_on",
]
REPORT = {
    "vendor": "r.vendor_id",
    "kind": "r.kind",
    "opinion": "r.opinion",
    "period_start": "r.period_start",
    "period_end": "r.period_end",
    "as_of": "r.as_of",
    "review": "r.review",
    "reviewed_on": "r.reviewed_on",
    "by": "r.reviewed_by_id",
    "replaces": "r.replaces_id",
    "document": "r.document_id",
}
REPORT_COLUMNS = [
    "id",
    "kind",
    "as_of",
    "period_start",
    "period_end",
    "issued_on",
    "auditor",
    "opinion",
    "categories",
    "exception_count",
    "recorded_at",
    "recorded_by_id",
    "replaces_id",
    "document_id",
    "vendor_id",
    "certificate_number",
    "pages",
    "scope_statement",
    "valid_until",
]
PAPERS = [
    Seal("vendors_agreement", "'agreement'", AGREEMENT, AGREEMENT_COLUMNS),
    Seal(
        "vendors_agreement",
        "'agreement'",
        AGREEMENT,
        AGREEMENT_COLUMNS,
        on="UPDATE",
        when="NEW IS DISTINCT FROM OLD",
        name="changed",
    ),
    Seal("vendors_assurancereport", "'report'", REPORT, REPORT_COLUMNS),
    Seal(
        "vendors_assurancereport",
        "'report'",
        REPORT,
        REPORT_COLUMNS,
        on="UPDATE",
        when="NEW IS DISTINCT FROM OLD",
        name="changed",
    ),
    Seal(
        "vendors_bridgeletter",
        "'bridge-letter'",
        {
            "report": "r.report_id",
            "covers_from": "r.covers_from",
            "covers_to": "r.covers_to",
            "document": "r.document_id",
        },
        [
            "id",
            "covers_from",
            "covers_to",
            "signer",
            "discloses_changes",
            "recorded_at",
            "recorded_by_id",
            "report_id",
            "document_id",
            "changes",
            "incidents",
            "signed_on",
            "signer_role",
        ],
    ),
    Seal(
        "vendors_coveredscope",
        "'agreement-scope'",
        {"agreement": "r.agreement_id", "service": "r.service_id"},
        [
            "id",
            "model_pattern",
            "region",
            "features_excluded",
            "page",
            "agreement_id",
            "service_id",
            "account",
            "endpoint",
            "features",
            "general_availability_only",
            "plan",
            "settings_required",
        ],
    ),
    Seal(
        "vendors_reportscope",
        "'report-scope'",
        {"report": "r.report_id", "service": "r.service_id", "in_scope": "r.in_scope"},
        ["id", "in_scope", "page", "report_id", "service_id"],
    ),
    Seal(
        "vendors_document",
        "'document'",
        {
            "file_sha256": "r.sha256",
            "size_bytes": "r.size_bytes",
            "by": "r.uploaded_by_id",
            "at": "public.audits_moment(r.uploaded_at)",
        },
        [
            "id",
            "file",
            "name",
            "sha256",
            "size_bytes",
            "content_type",
            "page_count",
            "uploaded_at",
            "uploaded_by_id",
        ],
    ),
    Seal(
        "vendors_fact",
        "'fact'",
        {
            "service": "r.service_id",
            "dimension": "r.dimension",
            "grade": "r.grade",
            "recorded_on": "r.recorded_on",
            "by": "r.verified_by_id",
        },
        [
            "id",
            "dimension",
            "value",
            "number",
            "detail",
            "model_pattern",
            "region",
            "endpoint",
            "plan",
            "grade",
            "source",
            "page",
            "verified_on",
            "expires_on",
            "recorded_on",
            "verified_by_id",
            "service_id",
        ],
    ),
    Seal(
        "vendors_submission",
        "'submission'",
        {
            "inquiry": "r.inquiry_id",
            "number": "r.number",
            "digest": "r.digest",
            "at": "public.audits_moment(r.at)",
        },
        ["id", "number", "at", "content", "digest", "inquiry_id"],
    ),
]
KEY = {
    "key": "r.public_id",
    "integration": "r.integration_id",
    "livemode": "r.livemode",
    "scopes": "r.scopes",
    "expires_at": "public.audits_moment(r.expires_at)",
    "revoked_at": "public.audits_moment(r.revoked_at)",
    "by": "coalesce(r.revoked_by_id, r.created_by_id)",
}
KEY_COLUMNS = [
    "id",
    "name",
    "public_id",
    "secret_sha256",
    "livemode",
    "scopes",
    "cidrs",
    "created_at",
    "expires_at",
    "revoked_at",
    "created_by_id",
    "integration_id",
    "replaces_id",
    "revoked_by_id",
]
SETTINGS = {
    "integration": "r.id",
    "audit_mode": "r.audit_mode",
    "known_actors_only": "r.known_actors_only",
}
SETTINGS_COLUMNS = ("id", "audit_mode", "known_actors_only")
DECISIONS = [
    Seal(
        "vendors_vendortransition",
        "'vendor-state'",
        {
            "vendor": "r.vendor_id",
            "from_state": "r.from_state",
            "to_state": "r.to_state",
            "by": "r.by_id",
            "at": "public.audits_moment(r.at)",
        },
        ["id", "from_state", "to_state", "reason", "at", "by_id", "vendor_id"],
    ),
    Seal(
        "vendors_vendorreview",
        "'vendor-review'",
        {
            "vendor": "r.vendor_id",
            "outcome": "r.outcome",
            "digest": "r.digest",
            "reviewed_on": "r.reviewed_on",
            "by": "r.reviewed_by_id",
        },
        [
            "id",
            "state",
            "started_on",
            "outcome",
            "reviewed_on",
            "next_on",
            "note",
            "digest",
            "snapshot",
            "reviewed_by_id",
            "started_by_id",
            "vendor_id",
        ],
        on="INSERT OR UPDATE",
        when="NEW.state = 'finished'",
    ),
    Seal(
        "policies_approval",
        "'approval'",
        {
            "integration": "r.integration_id",
            "decision": "r.decision",
            "terms_digest": "r.terms_digest",
            "expires_on": "r.expires_on",
            "by": "r.decided_by_id",
            "at": "public.audits_moment(r.decided_at)",
        },
        [
            "id",
            "decision",
            "terms_digest",
            "terms",
            "expires_on",
            "note",
            "decided_at",
            "decided_by_id",
            "integration_id",
        ],
    ),
    Seal(
        "policies_integrationevent",
        "'integration'",
        {
            "integration": "r.integration_id",
            "kind": "r.kind",
            "by": "r.actor_id",
            "at": "public.audits_moment(r.at)",
        },
        ["id", "kind", "note", "at", "actor_id", "integration_id"],
    ),
    Seal("policies_integration", "'gate-settings'", SETTINGS, SETTINGS_COLUMNS),
    Seal(
        "policies_integration",
        "'gate-settings'",
        SETTINGS,
        SETTINGS_COLUMNS,
        on="UPDATE OF audit_mode, known_actors_only",
        when="(NEW.audit_mode, NEW.known_actors_only) "
        "IS DISTINCT FROM (OLD.audit_mode, OLD.known_actors_only)",
        name="changed",
    ),
]


def grants(kind: str) -> list[Seal]:
    """Grants on single objects, to people or to roles."""
    table, holder = f"guardian_{kind}objectpermission", f"{kind}_id"
    members = {
        "permission": "(SELECT c.app_label || '.' || p.codename FROM public.auth_permission p "
        "JOIN public.django_content_type c ON c.id = p.content_type_id "
        "WHERE p.id = r.permission_id)",
        kind: f"r.{holder}",
    }
    subject = (
        "(SELECT app_label || '.' || model FROM public.django_content_type "
        "WHERE id = r.content_type_id) || ':' || r.object_pk"
    )
    columns = ["id", "object_pk", "content_type_id", holder, "permission_id"]
    return [
        Seal(table, "'grant'", members, columns, subject),
        Seal(table, "'grant-removed'", members, columns, subject, on="DELETE", name="removed"),
    ]


ACCESS = [
    Seal(
        "policies_integrationkey",
        "'key-created'",
        {**KEY, "at": "public.audits_moment(r.created_at)"},
        KEY_COLUMNS,
    ),
    Seal(
        "policies_integrationkey",
        "CASE WHEN NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN 'key-revoked' "
        "ELSE 'key-changed' END",
        KEY,
        KEY_COLUMNS,
        on="UPDATE",
        when="NEW IS DISTINCT FROM OLD",
        name="changed",
    ),
    *grants("user"),
    *grants("group"),
]
POLICY = [
    (
        f"CREATE TRIGGER note_policy AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audits_note_policy(); "
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER note_policy;",
        f"DROP TRIGGER note_policy ON {table};",
    )
    for table in ("policies_dataclass", "policies_requirement")
]


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0006_verifications"),
        ("vendors", "0018_composite_keys"),
        ("policies", "0008_new_reasons"),
        ("auditlog", "0017_add_actor_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
    ]
    operations = [
        migrations.RunSQL(TABLES, DROP_TABLES),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        *[
            migrations.RunSQL(install, remove)
            for install, remove in [*installed([*TRAILS, *PAPERS, *DECISIONS, *ACCESS]), *POLICY]
        ],
    ]
