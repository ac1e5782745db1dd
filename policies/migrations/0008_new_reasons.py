"""What each data class does about a carve-out without a report, and about a retired service."""

from django.db import migrations

NEW_REASONS = """
-- A reason without a row blocks: each class treats the carve-out as the reason next to it.
INSERT INTO policies_requirement (data_class_id, reason, effect)
SELECT data_class_id, 'report-carve-out', effect
  FROM policies_requirement WHERE reason = 'report-qualified'
ON CONFLICT DO NOTHING;
INSERT INTO policies_requirement (data_class_id, reason, effect)
SELECT id, 'service-retired', 'block' FROM policies_dataclass
ON CONFLICT DO NOTHING;
"""
OLD_REASONS = """
DELETE FROM policies_requirement WHERE reason IN ('report-carve-out', 'service-retired');
"""


class Migration(migrations.Migration):
    dependencies = [("policies", "0007_cost_plans")]
    operations = [migrations.RunSQL(NEW_REASONS, OLD_REASONS)]
