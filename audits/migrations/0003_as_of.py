"""Records never change and say themselves when they came: views alone, nothing at their writing."""

from django.db import migrations

from vendors.tracking import begun


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0002_triggers"),
        ("vendors", "0006_as_of"),
    ]
    operations = [
        begun(f"audits_{table}", moment="received_at") for table in ("call", "completion", "lease")
    ]
