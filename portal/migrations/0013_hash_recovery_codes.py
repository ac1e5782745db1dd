"""Recovery codes are kept as salted hashes, not as a seed that says all of them."""

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import migrations

from portal.identity.recovery import HASHES, kept_of


def hash_codes(apps, _schema_editor):
    """People keep the codes they have: those that are unused are hashed, about a second each ten."""
    rows = apps.get_model("mfa", "Authenticator").objects.filter(type="recovery_codes")
    for row in rows.filter(data__has_key="seed").order_by("pk").iterator():
        row.data = kept_of(RecoveryCodes(row).get_unused_codes())
        row.save(update_fields=["data"])


def drop_hashed_codes(apps, _schema_editor):
    """No code can be read from its hash: taken back, people make new codes."""
    rows = apps.get_model("mfa", "Authenticator").objects.filter(type="recovery_codes")
    rows.filter(data__has_key=HASHES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("mfa", "0003_authenticator_type_uniq"),
        ("portal", "0012_sessions"),
    ]

    operations = [migrations.RunPython(hash_codes, drop_hashed_codes)]
