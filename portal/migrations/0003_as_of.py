"""The history of changes up to a day."""

from django.db import migrations

from vendors.tracking import begun


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0002_triggers"),
        ("vendors", "0006_as_of"),
        ("auditlog", "0017_add_actor_email"),
    ]
    operations = [begun("auditlog_logentry", moment="timestamp")]
