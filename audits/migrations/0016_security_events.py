"""Security events, which never change and are sealed, and the networks that keys were used from."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audits.ledger.seals import Seal, installed
from vendors.tracking import begun

APPEND_ONLY = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audits_securityevent "
    "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse(); "
    "ALTER TABLE audits_securityevent ENABLE ALWAYS TRIGGER append_only;"
)
SEALS = [
    Seal(
        "audits_securityevent",
        "'security'",
        {
            "kind": "r.kind",
            "outcome": "r.outcome",
            "method": "nullif(r.method, '')",
            "reason": "nullif(r.reason, '')",
            "about": "nullif(r.subject, '')",
            "user": "r.user_id",
            "by": "r.by_id",
            "key": "r.key_id",
            "at": "public.audits_moment(r.at)",
        },
        [
            "id",
            "at",
            "kind",
            "outcome",
            "method",
            "reason",
            "subject",
            "network",
            "client",
            "by_id",
            "key_id",
            "user_id",
        ],
    )
]


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0015_policy_seals"),
        ("policies", "0011_otlp_scope"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="KeyNetwork",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("network", models.CharField(max_length=43)),
                ("first_seen_at", models.DateTimeField()),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="policies.integrationkey",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("key", "network"), name="keynetwork_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("sign-in", "Signed in"),
                            ("sign-in-failed", "Sign-in failed"),
                            ("locked-out", "Locked out for a time"),
                            ("second-factor", "Second factor given"),
                            ("second-factor-failed", "Second factor failed"),
                            ("recovery-code", "Recovery code used"),
                            ("factor-added", "Factor added"),
                            ("factor-removed", "Factor removed"),
                            ("factor-reset", "Factors reset"),
                            ("password-changed", "Password changed"),
                            ("password-reset-asked", "Password reset asked for"),
                            ("password-reset", "Password reset"),
                            ("signed-out", "Signed out"),
                            ("session-ended", "Session ended"),
                            ("stepped-up", "Signed in again for more"),
                            ("step-up-failed", "Signing in again failed"),
                            ("sso-refused", "Single sign-on refused"),
                            ("key-new-network", "Key used from a new network"),
                            ("person-added", "Person added"),
                            ("person-left", "Access ended"),
                            ("person-back", "Access given back"),
                            ("role-changed", "Roles changed"),
                            ("grant-changed", "Grant changed"),
                            ("emergency-access", "Emergency access taken"),
                            ("token-made", "Token made"),
                            ("token-ended", "Token ended"),
                            ("directory-token", "Token of a directory changed"),
                            ("directory-refused", "Directory refused"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[("success", "Done"), ("failure", "Refused")], max_length=7
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not told"),
                            ("password", "Password"),
                            ("totp", "Code of an app"),
                            ("recovery_codes", "Recovery code"),
                            ("webauthn", "Passkey"),
                            ("oidc", "OpenID Connect"),
                            ("saml", "SAML"),
                            ("scim", "SCIM"),
                            ("token", "Token"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, help_text="A word, such as idle.", max_length=40),
                ),
                (
                    "subject",
                    models.CharField(
                        blank=True, help_text="The object, such as policies.grant:7.", max_length=80
                    ),
                ),
                (
                    "network",
                    models.CharField(
                        blank=True, help_text="Cut to /24 (IPv4) or /48 (IPv6).", max_length=43
                    ),
                ),
                (
                    "client",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not told"),
                            ("chrome", "Chrome"),
                            ("edge", "Edge"),
                            ("firefox", "Firefox"),
                            ("safari", "Safari"),
                            ("program", "Program"),
                            ("other", "Other"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        help_text="Who did it, where that is another person.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policies.integrationkey",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        help_text="Whom it is about; empty for somebody that nobody here is.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["at"], name="securityevent_at"),
                    models.Index(fields=["user", "at"], name="securityevent_user"),
                    models.Index(fields=["kind", "at"], name="securityevent_kind"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason__regex", "^[a-z0-9]*(-[a-z0-9]+)*$")),
                        name="securityevent_reason_is_a_word",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("subject", ""),
                            ("subject__regex", "^[a-z]+\\.[a-z]+:[0-9A-Za-z][0-9A-Za-z_-]{0,39}$"),
                            _connector="OR",
                        ),
                        name="securityevent_subject_is_an_object",
                    ),
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER append_only ON audits_securityevent;"),
        begun("audits_securityevent", moment="at"),
        *[migrations.RunSQL(install, remove) for install, remove in installed(SEALS)],
    ]
