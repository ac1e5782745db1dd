"""Roles, tokens and sign-ins are noted for the ledger (see audits' migration sealed_rows)."""

from django.db import migrations

from audits.ledger.seals import Seal, installed

ROLE = {"user": "r.user_id", "group": "r.group_id"}
ROLE_COLUMNS = ("id", "user_id", "group_id")
TOKEN = {
    "token": "r.public_id",
    "user": "r.user_id",
    "scopes": "r.scopes",
    "expires_at": "public.audits_moment(r.expires_at)",
    "revoked_at": "public.audits_moment(r.revoked_at)",
    "by": "coalesce(r.revoked_by_id, r.user_id)",
}
# All but when it was used last, which is no change.
TOKEN_COLUMNS = [
    "id",
    "name",
    "public_id",
    "secret_sha256",
    "scopes",
    "cidrs",
    "created_at",
    "expires_at",
    "revoked_at",
    "revoked_by_id",
    "user_id",
]
SEALS = [
    Seal("portal_user_groups", "'role'", ROLE, ROLE_COLUMNS, subject="'portal.user:' || r.user_id"),
    Seal(
        "portal_user_groups",
        "'role-removed'",
        ROLE,
        ROLE_COLUMNS,
        subject="'portal.user:' || r.user_id",
        on="DELETE",
        name="removed",
    ),
    Seal(
        "portal_personaltoken",
        "'token-created'",
        {**TOKEN, "at": "public.audits_moment(r.created_at)"},
        TOKEN_COLUMNS,
    ),
    Seal(
        "portal_personaltoken",
        "CASE WHEN NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN 'token-revoked' "
        "ELSE 'token-changed' END",
        TOKEN,
        TOKEN_COLUMNS,
        on="UPDATE OF name, scopes, cidrs, expires_at, revoked_at, revoked_by_id, user_id",
        name="changed",
    ),
    # The one trace that signing in leaves in the database.
    Seal(
        "portal_user",
        "'sign-in'",
        {"user": "r.id", "at": "public.audits_moment(r.last_login)"},
        on="UPDATE OF last_login",
        when="NEW.last_login IS DISTINCT FROM OLD.last_login",
        name="signed_in",
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0005_token_scopes"),
        ("audits", "0007_sealed_rows"),
    ]
    operations = [migrations.RunSQL(install, remove) for install, remove in installed(SEALS)]
