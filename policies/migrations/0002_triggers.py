"""Changes to policies, keys and grants raise the epoch; decisions and trails never change."""

from django.db import migrations

EPOCH = [
    "policies_dataclass",
    "policies_requirement",
    "policies_integration",
    "policies_integration_data_classes",
    "policies_approval",
    "policies_integrationkey",
    "guardian_userobjectpermission",
]
APPEND_ONLY = ["policies_approval", "policies_integrationevent"]


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    epoch = [
        (
            f"CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_bump_epoch();",
            f"DROP TRIGGER epoch ON {table};",
        )
        for table in EPOCH
    ]
    append_only = [
        (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();",
            f"DROP TRIGGER append_only ON {table};",
        )
        for table in APPEND_ONLY
    ]
    return epoch + append_only


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0001_initial"),
        ("vendors", "0002_triggers"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
    ]
    operations = [migrations.RunSQL(install, remove) for install, remove in triggers()]
