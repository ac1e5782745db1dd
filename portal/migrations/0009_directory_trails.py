"""What directories do never changes; their tokens and what their groups give are noted for the
ledger (see audits' migration sealed_rows)."""

from django.db import migrations

from audits.ledger.seals import Seal, installed

TOKEN = {
    "token": "r.public_id",
    "directory": "r.directory_id",
    "expires_at": "public.audits_moment(r.expires_at)",
    "revoked_at": "public.audits_moment(r.revoked_at)",
    "by": "coalesce(r.revoked_by_id, r.created_by_id)",
}
# All but when it was used last, which is no change.
TOKEN_COLUMNS = (
    *("id", "public_id", "secret_sha256", "cidrs", "created_at", "expires_at"),
    *("revoked_at", "revoked_by_id", "created_by_id", "directory_id"),
)
EVENT_COLUMNS = (
    *("id", "at", "kind", "joined", "left", "directory_id", "token_id", "person_id", "group_id"),
)
SEALS = [
    Seal(
        "portal_directorytoken",
        "'directory-token'",
        {**TOKEN, "at": "public.audits_moment(r.created_at)"},
        TOKEN_COLUMNS,
    ),
    Seal(
        "portal_directorytoken",
        "'directory-token-revoked'",
        TOKEN,
        TOKEN_COLUMNS,
        on="UPDATE OF cidrs, expires_at, revoked_at, revoked_by_id, directory_id",
        name="changed",
    ),
    Seal(
        "portal_directorygroup",
        "'directory-roles'",
        {"directory": "r.directory_id", "group": "r.id", "roles": "r.roles"},
        subject="'portal.directorygroup:' || r.id",
        on="UPDATE OF roles",
        when="NEW.roles IS DISTINCT FROM OLD.roles",
        name="roles",
    ),
    Seal(
        "portal_directoryevent",
        "'directory-event'",
        {
            "directory": "r.directory_id",
            "kind": "r.kind",
            "person": "r.person_id",
            "group": "r.group_id",
            "joined": "r.joined",
            "left": 'r."left"',
            "at": "public.audits_moment(r.at)",
        },
        EVENT_COLUMNS,
        subject="'portal.directory:' || r.directory_id",
    ),
]
APPEND_ONLY = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON portal_directoryevent "
    "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();",
    "DROP TRIGGER append_only ON portal_directoryevent;",
)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0008_directories"),
        ("audits", "0007_sealed_rows"),
    ]
    operations = [
        migrations.RunSQL(install, remove) for install, remove in [APPEND_ONLY, *installed(SEALS)]
    ]
