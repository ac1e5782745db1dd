"""Versions of data policies, who goes by which, and broken glass are noted for the ledger."""

from django.db import migrations

from audits.ledger.seals import Seal, installed

VERSION = {
    "policy": "r.policy_id",
    "number": "r.number",
    "digest": "r.digest",
    "state": "r.state",
    "claim": "r.claim",
    "starts_at": "public.audits_moment(r.starts_at)",
    "ends_at": "public.audits_moment(r.ends_at)",
    "by": "coalesce(r.decided_by_id, r.made_by_id)",
    "at": "public.audits_moment(coalesce(r.decided_at, r.made_at))",
}
VERSION_COLUMNS = [
    "id",
    "number",
    "document",
    "digest",
    "claim",
    "note",
    "state",
    "made_at",
    "decided_at",
    "decision_note",
    "starts_at",
    "ends_at",
    "signature",
    "public_key",
    "decided_by_id",
    "made_by_id",
    "policy_id",
]
USE = {
    "integration": "r.integration_id",
    "policy": "r.policy_id",
    "enforcement": "r.enforcement",
    "shadow": "r.shadow_id",
    "by": "r.set_by_id",
}
USE_COLUMNS = [
    "id",
    "enforcement",
    "set_at",
    "integration_id",
    "policy_id",
    "set_by_id",
    "shadow_id",
]
GLASS = {
    "integration": "r.integration_id",
    "until": "public.audits_moment(r.until)",
    "closed_at": "public.audits_moment(r.closed_at)",
    "by": "coalesce(r.closed_by_id, r.opened_by_id)",
    "at": "public.audits_moment(coalesce(r.closed_at, r.opened_at))",
}
GLASS_COLUMNS = [
    "id",
    "reason",
    "opened_at",
    "until",
    "closed_at",
    "closed_by_id",
    "integration_id",
    "opened_by_id",
]
WHEN = "NEW IS DISTINCT FROM OLD"
SEALS = [
    Seal("policies_policyversion", "'policy-version'", VERSION, VERSION_COLUMNS),
    Seal(
        "policies_policyversion",
        "'policy-version'",
        VERSION,
        VERSION_COLUMNS,
        on="UPDATE",
        when=WHEN,
        name="changed",
    ),
    Seal(
        "policies_policyuse",
        "'policy-use'",
        {**USE, "at": "public.audits_moment(r.set_at)"},
        USE_COLUMNS,
    ),
    Seal(
        "policies_policyuse",
        "'policy-use'",
        {**USE, "at": "public.audits_moment(r.set_at)"},
        USE_COLUMNS,
        on="UPDATE",
        when=WHEN,
        name="changed",
    ),
    Seal(
        "policies_policyuse",
        "'policy-use-removed'",
        USE,
        USE_COLUMNS,
        on="DELETE",
        name="removed",
    ),
    Seal("policies_breakglass", "'break-glass'", GLASS, GLASS_COLUMNS),
    Seal(
        "policies_breakglass",
        "'break-glass'",
        GLASS,
        GLASS_COLUMNS,
        on="UPDATE",
        when=WHEN,
        name="changed",
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0014_observation"),
        ("policies", "0010_data_policies"),
    ]
    operations = [migrations.RunSQL(install, remove) for install, remove in installed(SEALS)]
