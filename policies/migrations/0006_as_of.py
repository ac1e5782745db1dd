"""What was allowed on a day, and who held a grant on it."""

from django.conf import settings
from django.db import migrations, models

from vendors.tracking import begun

TABLES = [
    "policies_dataclass",
    "policies_requirement",
    "policies_integration",
    "policies_integration_data_classes",
    "policies_integrationkey",
]
MOMENTS = {
    "policies_approval": "decided_at",
    "policies_integrationevent": "at",
    "policies_keyuse": "last_used_at",
}

# Who may send prompts through which integration: of today, and of the day that is read. What a
# person may see is never asked of these: it is today's.
GRANTS = """
CREATE VIEW {schema}.policies_promptgrant AS
SELECT g.id, g.object_pk, g.user_id, u.email
FROM {grants} g
JOIN {people} u ON u.id = g.user_id AND u.is_active
JOIN public.auth_permission p ON p.id = g.permission_id AND p.codename = 'send_prompt'
JOIN public.django_content_type t ON t.id = p.content_type_id
    AND t.app_label = 'policies' AND t.model = 'integration'
"""
THEN = (
    "(SELECT * FROM history.{} WHERE known_from < current_setting('countersign.as_of')::timestamptz"
    " AND known_until >= current_setting('countersign.as_of')::timestamptz)"
)
TODAY = GRANTS.format(
    schema="public", grants="public.guardian_userobjectpermission", people="public.portal_user"
)
AS_OF = GRANTS.format(
    schema="as_of",
    grants=THEN.format("guardian_userobjectpermission"),
    people=THEN.format("portal_user"),
)


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0005_gate_fields"),
        ("vendors", "0006_as_of"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        *[begun(table) for table in TABLES],
        *[begun(table, moment=column) for table, column in MOMENTS.items()],
        begun("guardian_userobjectpermission", shown=False),
        begun("portal_user", kept=["id", "email", "is_active"], shown=False),
        migrations.RunSQL(TODAY, "DROP VIEW public.policies_promptgrant"),
        migrations.RunSQL(AS_OF, "DROP VIEW as_of.policies_promptgrant"),
        migrations.CreateModel(
            name="PromptGrant",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("object_pk", models.CharField(max_length=255)),
                ("user_id", models.BigIntegerField()),
                ("email", models.EmailField(max_length=254)),
            ],
            options={"managed": False, "default_permissions": ()},
        ),
    ]
