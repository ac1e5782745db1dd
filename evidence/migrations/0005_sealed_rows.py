"""What happens to findings and packs is noted for the ledger (see audits' migration sealed_rows)."""

from django.db import migrations

from audits.ledger.seals import Seal, installed

SEALS = [
    Seal(
        "evidence_findingevent",
        "'finding'",
        {
            "finding": "r.finding_id",
            "kind": "r.kind",
            "by": "r.actor_id",
            "at": "public.audits_moment(r.at)",
        },
        ["id", "kind", "note", "at", "actor_id", "finding_id"],
    ),
    Seal(
        "evidence_packevent",
        "'pack'",
        {
            "pack": "r.pack_id",
            "kind": "r.kind",
            "pack_sha256": "nullif(r.sha256, '')",
            "by": "r.actor_id",
            "at": "public.audits_moment(r.at)",
        },
        ["id", "kind", "sha256", "at", "actor_id", "pack_id"],
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0004_as_of"),
        ("audits", "0007_sealed_rows"),
    ]
    operations = [migrations.RunSQL(install, remove) for install, remove in installed(SEALS)]
