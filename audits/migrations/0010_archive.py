"""Steps of the archive and legal holds: rows that never change, a hold released by another."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import begun

TABLES = {
    "audits_archiveevent": "at",
    "audits_legalhold": "set_at",
    "audits_legalholdrelease": "released_at",
}
INSTALL = """
CREATE FUNCTION audits_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.released_by_id = (SELECT set_by_id FROM public.audits_legalhold WHERE id = NEW.hold_id)
    THEN
        RAISE EXCEPTION 'a legal hold is released by another person than set it'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER second_person BEFORE INSERT ON audits_legalholdrelease
FOR EACH ROW EXECUTE FUNCTION audits_second_person();
ALTER TABLE audits_legalholdrelease ENABLE ALWAYS TRIGGER second_person;
""" + "".join(
    f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only;
"""
    for table in TABLES
)
REMOVE = (
    "".join(f"DROP TRIGGER append_only ON {table};" for table in TABLES)
    + "DROP TRIGGER second_person ON audits_legalholdrelease;"
    + "DROP FUNCTION audits_second_person();"
)


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0009_usage"),
        ("policies", "0008_new_reasons"),
        ("vendors", "0018_composite_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all", "Everything"),
                            ("ledger", "One ledger"),
                            ("period", "What was received in a period"),
                            ("integration", "Calls of one integration"),
                            ("vendor", "Calls to one vendor"),
                        ],
                        max_length=11,
                    ),
                ),
                (
                    "starts_on",
                    models.DateField(blank=True, help_text="First day of the period.", null=True),
                ),
                (
                    "ends_on",
                    models.DateField(blank=True, help_text="Last day of the period.", null=True),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("litigation", "Litigation"),
                            ("investigation", "Investigation"),
                            ("regulator", "Request of a regulator"),
                            ("audit", "Audit"),
                            ("incident", "Incident"),
                        ],
                        max_length=13,
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        help_text="The matter's number, such as 2026-CV-0412.",
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9./_-]{0,39}\\Z",
                                "Letters, digits and . / _ - alone: a number, not a story.",
                            )
                        ],
                    ),
                ),
                ("set_at", models.DateTimeField()),
                (
                    "integration",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policies.integration",
                    ),
                ),
                (
                    "ledger",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audits.ledger",
                    ),
                ),
                (
                    "set_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "vendor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.vendor",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("release_legalhold", "Can release legal holds of others")],
                "default_permissions": ("view", "add"),
            },
        ),
        migrations.CreateModel(
            name="LegalHoldRelease",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("closed", "The matter is closed"),
                            ("mistaken", "It was set by mistake"),
                            ("replaced", "Another hold takes its place"),
                        ],
                        max_length=9,
                    ),
                ),
                ("released_at", models.DateTimeField()),
                (
                    "hold",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="release",
                        to="audits.legalhold",
                    ),
                ),
                (
                    "released_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ArchiveEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="Of the partition.")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("archived", "Archived"),
                            ("disposed", "Disposed of"),
                            ("restored", "Restored"),
                        ],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("entry_index", models.PositiveBigIntegerField()),
                (
                    "folder",
                    models.CharField(help_text="Where in the archive it stands.", max_length=80),
                ),
                ("manifest_sha256", models.BinaryField(max_length=32)),
                ("form", models.CharField(help_text="parquet or ndjson.", max_length=7)),
                (
                    "size_bytes",
                    models.PositiveBigIntegerField(help_text="Of all files of the archive."),
                ),
                (
                    "until",
                    models.DateTimeField(
                        help_text="A restored partition stays in the database up to this moment.",
                        null=True,
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ledger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audits.ledger",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["ledger", "number"], name="archive_of_partition")],
            },
        ),
        migrations.AddConstraint(
            model_name="legalhold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("ledger__isnull", False), ("scope", "ledger")),
                        models.Q(models.Q(("scope", "ledger"), _negated=True), ("ledger", None)),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(
                            ("ends_on__isnull", False),
                            ("scope", "period"),
                            ("starts_on__isnull", False),
                        ),
                        models.Q(
                            models.Q(("scope", "period"), _negated=True),
                            ("ends_on", None),
                            ("starts_on", None),
                        ),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(("integration__isnull", False), ("scope", "integration")),
                        models.Q(
                            models.Q(("scope", "integration"), _negated=True), ("integration", None)
                        ),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(("scope", "vendor"), ("vendor__isnull", False)),
                        models.Q(models.Q(("scope", "vendor"), _negated=True), ("vendor", None)),
                        _connector="OR",
                    ),
                ),
                name="legal_hold_has_what_its_scope_names",
            ),
        ),
        migrations.AddConstraint(
            model_name="legalhold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on", None), ("ends_on__gte", models.F("starts_on")), _connector="OR"
                ),
                name="legal_hold_ends_after_it_starts",
                violation_error_message="The last day is before the first.",
            ),
        ),
        migrations.RunSQL(INSTALL, REMOVE),
        *[begun(table, moment=moment) for table, moment in TABLES.items()],
    ]
