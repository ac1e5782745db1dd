"""Principals, groups, grants and pairs of duties are noted for the ledger; a grant is an event too.

The services that change grants lie below the trail of security events, and so do their pages: a
trigger tells it of every step, by whatever path it came (decision 0033).
"""

from django.db import migrations

from audits.ledger.seals import Seal, installed

CHANGED = "NEW IS DISTINCT FROM OLD"
GRANT = {
    "integration": "r.integration_id",
    "permission": "r.permission",
    "principal": "r.principal_id",
    "group": "r.group_id",
    "kind": "r.kind",
    "state": "r.state",
    "starts_at": "public.audits_moment(r.starts_at)",
    "ends_at": "public.audits_moment(r.ends_at)",
    "asked_by": "r.asked_by_id",
    "decided_by": "r.decided_by_id",
    "ended_by": "r.ended_by_id",
    "reviewed_by": "r.reviewed_by_id",
    "at": "public.audits_moment(greatest(r.asked_at, r.decided_at, r.ended_at, r.reviewed_at))",
}
GRANT_COLUMNS = [
    "id",
    "permission",
    "kind",
    "purpose",
    "state",
    "starts_at",
    "ends_at",
    "asked_at",
    "decided_at",
    "note",
    "ended_at",
    "end_note",
    "reviewed_at",
    "review_note",
    "asked_by_id",
    "decided_by_id",
    "ended_by_id",
    "reviewed_by_id",
    "group_id",
    "integration_id",
    "principal_id",
]
PRINCIPAL = {
    "kind": "r.kind",
    "state": "r.state",
    "source": "r.source",
    "user": "r.user_id",
    "left_at": "public.audits_moment(r.left_at)",
}
# Names, addresses and when it was seen are in the history: they decide nothing.
PRINCIPAL_COLUMNS = [
    "id",
    "kind",
    "identifier",
    "state",
    "source",
    "created_at",
    "left_at",
    "user_id",
]
PRINCIPAL_CHANGED = "({}) IS DISTINCT FROM ({})".format(
    *(", ".join(f"{row}.{name}" for name in PRINCIPAL_COLUMNS) for row in ("NEW", "OLD"))
)
GROUP = {"source": "r.source", "ended_at": "public.audits_moment(r.ended_at)"}
GROUP_COLUMNS = ["id", "slug", "name", "source", "external_id", "created_at", "ended_at"]
MEMBER = {"group": "r.group_id", "principal": "r.principal_id", "by": "r.added_by_id"}
MEMBER_COLUMNS = ["id", "added_at", "added_by_id", "group_id", "principal_id"]
PAIR = {
    "first": "r.first",
    "second": "r.second",
    "by": "coalesce(r.ended_by_id, r.made_by_id)",
    "ended_at": "public.audits_moment(r.ended_at)",
    "at": "public.audits_moment(coalesce(r.ended_at, r.made_at))",
}
PAIR_COLUMNS = [
    "id",
    "first",
    "second",
    "reason",
    "made_at",
    "ended_at",
    "made_by_id",
    "ended_by_id",
]
SEALS = [
    Seal("policies_grant", "'access-grant'", GRANT, GRANT_COLUMNS),
    Seal(
        "policies_grant",
        "'access-grant'",
        GRANT,
        GRANT_COLUMNS,
        on="UPDATE",
        when=CHANGED,
        name="changed",
    ),
    Seal("policies_principal", "'principal'", PRINCIPAL, PRINCIPAL_COLUMNS),
    Seal(
        "policies_principal",
        "'principal'",
        PRINCIPAL,
        PRINCIPAL_COLUMNS,
        on="UPDATE",
        when=PRINCIPAL_CHANGED,
        name="changed",
    ),
    Seal("policies_principalgroup", "'principal-group'", GROUP, GROUP_COLUMNS),
    Seal(
        "policies_principalgroup",
        "'principal-group'",
        GROUP,
        GROUP_COLUMNS,
        on="UPDATE",
        when=CHANGED,
        name="changed",
    ),
    Seal("policies_groupmembership", "'member'", MEMBER, MEMBER_COLUMNS),
    Seal(
        "policies_groupmembership",
        "'member-removed'",
        MEMBER,
        MEMBER_COLUMNS,
        on="DELETE",
        name="removed",
    ),
    Seal("policies_exclusiveroles", "'duty-pair'", PAIR, PAIR_COLUMNS),
    Seal(
        "policies_exclusiveroles",
        "'duty-pair'",
        PAIR,
        PAIR_COLUMNS,
        on="UPDATE",
        when=CHANGED,
        name="changed",
    ),
]
EVENTS = """
CREATE FUNCTION audits_tell_grant() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder bigint := (SELECT user_id FROM public.policies_principal WHERE id = NEW.principal_id);
    step text := NEW.state;
    who bigint := coalesce(NEW.decided_by_id, NEW.asked_by_id);
    moment timestamptz := coalesce(NEW.decided_at, NEW.asked_at);
    told text := 'grant-changed';
BEGIN
    IF NEW.ended_at IS NOT NULL THEN
        who := NEW.ended_by_id;
        moment := NEW.ended_at;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.kind = 'emergency' THEN
        step := 'taken';
        told := 'emergency-access';
    ELSIF TG_OP = 'INSERT' AND NEW.state = 'standing' THEN
        step := 'given';
    ELSIF TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN
        step := 'reviewed';
        who := NEW.reviewed_by_id;
        moment := NEW.reviewed_at;
        told := 'emergency-access';
    ELSIF NEW.state = 'standing' THEN
        step := 'approved';
    END IF;
    INSERT INTO public.audits_securityevent
        (at, kind, outcome, user_id, by_id, method, reason, subject, network, client)
    VALUES (moment, told, 'success', holder, nullif(who, holder), '', step,
        'policies.grant:' || NEW.id, '', '');
    RETURN NULL;
END $$;
CREATE TRIGGER tell_made AFTER INSERT ON policies_grant FOR EACH ROW
EXECUTE FUNCTION audits_tell_grant();
CREATE TRIGGER tell_changed AFTER UPDATE ON policies_grant FOR EACH ROW
WHEN (NEW.state <> OLD.state OR NEW.reviewed_at IS DISTINCT FROM OLD.reviewed_at)
EXECUTE FUNCTION audits_tell_grant();
ALTER TABLE policies_grant ENABLE ALWAYS TRIGGER tell_made;
ALTER TABLE policies_grant ENABLE ALWAYS TRIGGER tell_changed;
"""
NO_EVENTS = """
DROP TRIGGER tell_changed ON policies_grant;
DROP TRIGGER tell_made ON policies_grant;
DROP FUNCTION audits_tell_grant();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0017_review_seals"),
        ("policies", "0014_access_reviews"),
    ]
    operations = [
        *[migrations.RunSQL(install, remove) for install, remove in installed(SEALS)],
        migrations.RunSQL(EVENTS, NO_EVENTS),
    ]
