"""Findings, notices, runs and packs as they stood on a day."""

from django.db import migrations

from vendors.tracking import begun


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0003_monitoring"),
        ("vendors", "0006_as_of"),
    ]
    operations = [
        begun("evidence_finding", quiet=["last_seen_at"]),
        begun("evidence_findingevent", moment="at"),
        begun("evidence_notice", quiet=["attempts"]),
        begun("evidence_checkrun"),
        begun("evidence_evidencepack", quiet=["step", "done", "total", "heartbeat_at"]),
        begun("evidence_evidencepack_vendors"),
        begun("evidence_evidencepack_integrations"),
        begun("evidence_packevent", moment="at"),
    ]
