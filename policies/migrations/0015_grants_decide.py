"""Grants decide who may send prompts; the object permissions that were given become grants.

Before this the gate read guardian's rows. Each of them but the owner's reading of the log becomes a
grant that ends GRANT_DAYS from now, decided by the officer whom the trail names; those that
stand by a grant already, as when this was taken back and comes again, stay so. Taken back, the
gate reads guardian's rows again, which have followed the grants.
"""

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

MOMENT = "current_setting('countersign.as_of')::timestamptz"
THEN = f"(SELECT * FROM history.{{}} WHERE known_from < {MOMENT} AND known_until >= {MOMENT})"
GUARDIAN = """
FROM {grants} g
JOIN {people} u ON u.id = g.user_id AND u.is_active
JOIN public.auth_permission p ON p.id = g.permission_id AND p.codename = 'send_prompt'
JOIN public.django_content_type t ON t.id = p.content_type_id
    AND t.app_label = 'policies' AND t.model = 'integration'
"""
BEFORE = "CREATE VIEW {schema}.policies_promptgrant AS SELECT g.id, g.object_pk, g.user_id, u.email"
GRANTS = """
CREATE VIEW {schema}.policies_promptgrant AS
SELECT g.id || ':' || p.id AS id, g.id AS grant_id, g.integration_id, p.id AS principal_id,
    p.kind || ':' || p.identifier AS actor, g.kind = 'emergency' AS emergency,
    g.starts_at, g.ends_at
FROM {grants} g
LEFT JOIN {members} m ON m.group_id = g.group_id
JOIN {principals} p ON p.id = coalesce(g.principal_id, m.principal_id) AND p.state = 'active'
LEFT JOIN {people} u ON u.id = p.user_id
WHERE g.permission = 'send_prompt' AND g.state = 'standing'
    AND (p.user_id IS NULL OR u.is_active)
"""
# Of days before there were grants: what guardian said then, in force all that day.
OF_OLD = f"""
UNION ALL
SELECT 'guardian:' || g.id, -g.id, g.object_pk::bigint, NULL, 'user:' || u.email, false,
    {MOMENT} - interval '2 days', {MOMENT} + interval '2 days'
{GUARDIAN.strip()}
WHERE {MOMENT} <= (SELECT began FROM history.tables WHERE tracked = 'policies_grant')
"""
TABLES = {
    "grants": "policies_grant",
    "members": "policies_groupmembership",
    "principals": "policies_principal",
    "people": "portal_user",
}
OF_TODAY = {name: f"public.{table}" for name, table in TABLES.items()}
OF_THEN = {name: THEN.format(table) for name, table in TABLES.items()}
GUARDIANS = "guardian_userobjectpermission"
NEW = [
    GRANTS.format(schema="public", **OF_TODAY),
    GRANTS.format(schema="as_of", **OF_THEN)
    + OF_OLD.format(grants=THEN.format(GUARDIANS), people=OF_THEN["people"]),
]
OLD = [
    (BEFORE + GUARDIAN).format(schema=schema, grants=grants, people=people)
    for schema, grants, people in (
        ("public", f"public.{GUARDIANS}", OF_TODAY["people"]),
        ("as_of", THEN.format(GUARDIANS), OF_THEN["people"]),
    )
]
DROP = "DROP VIEW as_of.policies_promptgrant; DROP VIEW public.policies_promptgrant; "

HELD = """
    FROM guardian_userobjectpermission g
    JOIN auth_permission p ON p.id = g.permission_id
        AND p.codename IN ('send_prompt', 'view_output', 'read_log')
    JOIN django_content_type t ON t.id = p.content_type_id
        AND t.app_label = 'policies' AND t.model = 'integration'
    JOIN portal_user u ON u.id = g.user_id
    JOIN policies_integration i ON i.id = g.object_pk::bigint
    WHERE NOT (p.codename = 'read_log' AND i.owner_id IS NOT DISTINCT FROM g.user_id)
"""
MAKE_PRINCIPALS = f"""
INSERT INTO policies_principal
    (kind, identifier, name, email, state, source, external_id, user_id, created_at)
SELECT DISTINCT 'user', left(u.email, 120), left(coalesce(nullif(u.full_name, ''), u.email), 120),
    u.email, 'active', 'portal', '', u.id, now()
{HELD}
ON CONFLICT DO NOTHING
"""
MAKE_GRANTS = f"""
INSERT INTO policies_grant
    (integration_id, permission, principal_id, kind, purpose, state, starts_at, ends_at,
     asked_at, decided_by_id, decided_at, note, end_note, review_note)
SELECT i.id, p.codename, holder.id, 'standing', 'Given before grants had a purpose', 'standing',
    coalesce(given.at, now()), now() + %s * interval '1 day', coalesce(given.at, now()),
    given.actor_id, coalesce(given.at, now()), 'Given before grants had an end', '', ''
{
    HELD.replace(
        "    WHERE NOT",
        '''    JOIN policies_principal holder ON holder.user_id = u.id
    LEFT JOIN LATERAL (
        SELECT e.at, e.actor_id FROM policies_integrationevent e
        WHERE e.integration_id = i.id AND e.kind = 'grant_given' AND e.actor_id <> u.id
            AND starts_with(e.note, u.email || ':') AND e.at <= now()
        ORDER BY e.at DESC LIMIT 1
    ) given ON true
    WHERE NOT EXISTS (
        SELECT 1 FROM policies_grant x
        LEFT JOIN policies_groupmembership m ON m.group_id = x.group_id
        WHERE x.integration_id = i.id AND x.permission = p.codename AND x.state = 'standing'
            AND holder.id IN (x.principal_id, m.principal_id)
    ) AND NOT''',
    )
}
"""


def make_grants(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(MAKE_PRINCIPALS)
        cursor.execute(MAKE_GRANTS, [settings.GRANT_DAYS])


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0014_access_reviews"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(make_grants, migrations.RunPython.noop),
        migrations.RunSQL(DROP + "; ".join(NEW), DROP + "; ".join(OLD)),
    ]
