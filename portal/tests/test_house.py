"""The rules of the house that no other tool holds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import connection

from policies.roles import OWNER, ROLES, SUMMARIES
from policies.services.people import sync_roles

APPS = ("countersign", "vendors", "policies", "audits", "evidence", "portal")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
BANNED_NAMES = {"utils", "helpers", "core", "common", "util", "helper", "misc"}

# What a stored row may never suffer, by table.
NEVER_CHANGED = {
    "audits_archiveevent",
    "audits_checkpointdelivery",
    "audits_cosignature",
    "audits_gap",
    "audits_legalhold",
    "audits_legalholdrelease",
    "audits_observation",
    "audits_readevent",
    "audits_securityevent",
    "portal_directoryevent",
    "audits_seal_salt",
    "audits_tile",
    "audits_unsealed_call",
    "audits_unsealed_completion",
    "audits_unsealed_lease",
    "audits_usagecost",
    "audits_usagecount",
    "audits_usageimport",
    "audits_verdict",
    "audits_verification",
    "auditlog_logentry",
    "evidence_findingevent",
    "evidence_packevent",
    "policies_accessreviewdecision",
    "policies_accessreviewentry",
    "policies_accessreviewproof",
    "policies_approval",
    "policies_integrationevent",
    "policies_policyevent",
    "vendors_answerfact",
    "vendors_bridgeletter",
    "vendors_costfact",
    "vendors_coveredscope",
    "vendors_document",
    "vendors_fact",
    "vendors_reportexception",
    "vendors_inquiryview",
    "vendors_reportscope",
    "vendors_vendortransition",
    "vendors_submission",
}
# The same, in partitions: each of these tables, and each of its parts.
PARTITIONED = {
    "audits_batch",
    "audits_call",
    "audits_completion",
    "audits_event",
    "audits_lease",
}
# Whose triggers fire in replica mode too.
LEDGER = {
    "audits_archiveevent",
    "audits_checkpointdelivery",
    "audits_cosignature",
    "audits_gap",
    "audits_legalhold",
    "audits_legalholdrelease",
    "audits_ledger",
    "audits_ledgerhead",
    "audits_ledgerkey",
    "audits_partition",
    "audits_observation",
    "audits_readevent",
    "audits_securityevent",
    "audits_seal_salt",
    "audits_tile",
    "audits_usagecost",
    "audits_usagecount",
    "audits_usageimport",
    "audits_verdict",
    "audits_verification",
}
# Rows of which only the fields of their life cycle change.
VERSIONED = {
    "audits_ledger",
    "audits_ledgerkey",
    "audits_partition",
    "policies_accessreview",
    "policies_breakglass",
    "policies_exclusiveroles",
    "policies_grant",
    "policies_policyversion",
    "vendors_agreement",
    "vendors_assurancereport",
    "vendors_cuec",
    "vendors_reportcondition",
    "vendors_subservice",
    "vendors_vendorcondition",
}
# Rows that never change once they are signed off, and the parts of them.
SEALED = {"vendors_offboarding", "vendors_vendorreview"}
SEALED_PARTS = {"vendors_offboardingstep", "vendors_reviewitem"}
# What decisions rest on: any change of it raises the epoch.
RAISES_EPOCH = {
    "guardian_userobjectpermission",
    "policies_approval",
    "policies_breakglass",
    "policies_dataclass",
    "policies_datapolicy",
    "policies_grant",
    "policies_groupmembership",
    "policies_integration",
    "policies_integration_data_classes",
    "policies_integrationkey",
    "policies_policyuse",
    "policies_policyversion",
    "policies_principal",
    "policies_requirement",
    "portal_user",
    "vendors_agreement",
    "vendors_assurancereport",
    "vendors_bridgeletter",
    "vendors_coveredscope",
    "vendors_fact",
    "vendors_reportscope",
    "vendors_service",
    "vendors_servicemodel",
    "vendors_serviceregion",
    "vendors_subservice",
    "vendors_vendor",
}
# Bits of pg_trigger.tgtype.
BEFORE, INSERT, DELETE, UPDATE, TRUNCATE = 2, 4, 8, 16, 32


def triggers(function: str, *, enabled: str = "OA") -> dict[str, int]:
    """Table -> the bits of all enabled triggers on it that run `function`.

    `enabled`: O for those that fire except in replica mode, A for those that always do.
    """
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgtype FROM pg_trigger "
            "JOIN pg_proc ON pg_proc.oid = tgfoid "
            "WHERE proname = %s AND tgenabled::text = ANY (%s) AND tgtype & %s <> 0",
            [function, list(enabled), INSERT | UPDATE | DELETE | TRUNCATE],
        )
        for table, bits in cursor.fetchall():
            found[table] = found.get(table, 0) | bits
    return found


def parts() -> set[str]:
    """All partitions that there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relispartition AND relkind = 'r'"
        )
        return {name for (name,) in cursor.fetchall()}


def test_every_append_only_table_refuses_update_delete_and_truncate(db):
    refusing = triggers("vendors_refuse")
    whole = BEFORE | UPDATE | DELETE | TRUNCATE
    never = NEVER_CHANGED | PARTITIONED | parts()
    assert {table for table, bits in refusing.items() if bits & whole == whole} == never
    heads = {"audits_ledgerhead"}
    assert set(refusing) == never | VERSIONED | SEALED | SEALED_PARTS | heads


def test_the_ledger_is_held_in_replica_mode_too(db):
    assert {name.rsplit("_", 2)[0] for name in parts()} == PARTITIONED
    assert set(triggers("vendors_refuse", enabled="A")) == LEDGER | PARTITIONED | parts()
    assert set(triggers("vendors_keep", enabled="A")) == LEDGER & VERSIONED


def test_the_head_of_a_ledger_only_grows(db):
    assert triggers("vendors_refuse")["audits_ledgerhead"] == BEFORE | DELETE | TRUNCATE
    found = triggers("audits_refuse_change", enabled="A")
    assert found == dict.fromkeys(
        ("audits_ledgerhead", "audits_ledger", "audits_ledgerkey"), 1 | BEFORE | UPDATE
    )


def test_versions_keep_all_but_their_life_cycle(db):
    refusing = triggers("vendors_refuse")
    # What is decided on keeps all but its end: a function of its own.
    keeping = (
        triggers("vendors_keep")
        | triggers("policies_keep_version")
        | triggers("policies_keep_grant")
        | triggers("policies_keep_review")
    )
    assert set(keeping) == VERSIONED
    for table in VERSIONED:
        assert keeping[table] & (BEFORE | UPDATE) == BEFORE | UPDATE
        assert refusing[table] & (DELETE | TRUNCATE) == DELETE | TRUNCATE


def test_what_is_signed_off_is_sealed_with_its_parts(db):
    refusing = triggers("vendors_refuse")
    assert {table for table, bits in refusing.items() if bits & TRUNCATE and not bits & DELETE} == (
        SEALED | SEALED_PARTS
    )
    wholes, parts = triggers("vendors_seal"), triggers("vendors_seal_part")
    assert set(wholes) == SEALED
    assert all(bits & (BEFORE | UPDATE | DELETE) == 26 for bits in wholes.values())
    assert set(parts) == SEALED_PARTS
    assert all(bits & (BEFORE | INSERT | UPDATE | DELETE) == 30 for bits in parts.values())


def test_every_change_of_what_decisions_rest_on_raises_the_epoch(db):
    found = triggers("vendors_bump_epoch")
    assert set(found) == RAISES_EPOCH
    # A principal that calls named first holds nothing yet: only its change counts.
    found["policies_principal"] |= INSERT
    anything = INSERT | UPDATE | DELETE | TRUNCATE
    assert all(bits & anything == anything for bits in found.values())


def test_a_record_is_checked_against_the_epoch(db):
    batches = {"audits_batch", *(name for name in parts() if name.startswith("audits_batch_"))}
    assert triggers("audits_check_epoch", enabled="A") == dict.fromkeys(
        batches, 1 | BEFORE | INSERT
    )


def test_every_permission_of_the_roles_exists_and_is_set(db):
    Group.objects.all().delete()
    sync_roles()
    strings = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in Permission.objects.select_related("content_type")
    }
    assert {name for names in (*ROLES.values(), OWNER) for name in names} <= set(strings)
    for role, names in ROLES.items():
        group = Group.objects.get(name=role)
        assert {strings[name] for name in names} == set(group.permissions.all())


def test_every_role_says_what_it_is_for():
    assert set(SUMMARIES) == set(ROLES)


def test_nobody_but_the_owner_holds_a_key():
    """Making keys is the engineer's alone: no role has it, so no officer can call in their name."""
    assert not [role for role, names in ROLES.items() if "policies.manage_keys" in names]


@pytest.mark.parametrize("role", ["Auditor", "Viewer"])
def test_who_looks_changes_nothing(role):
    kinds = {name.split(".")[1].split("_")[0] for name in ROLES[role] if "evidencepack" not in name}
    # Who asks for a grant has changed nothing: somebody else decides.
    assert kinds <= {"view", "export", "read", "request"}


def sources() -> list[Path]:
    return [
        path
        for app in APPS
        for path in sorted((settings.BASE_DIR / app).rglob("*.py"))
        if not {"tests", "migrations"} & set(path.relative_to(settings.BASE_DIR).parts)
    ]


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def name_of(path: Path) -> str:
    return str(path.relative_to(settings.BASE_DIR))


def test_no_module_is_longer_than_it_can_be_read():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in sources()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in sources()
        for node in functions(ast.parse(path.read_text()))
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_module_is_a_drawer():
    assert [name_of(p) for p in sources() if {p.stem, p.parent.name} & BANNED_NAMES] == []


def test_nothing_happens_behind_a_save():
    """No signals, and no save() or delete() of a model's own: what happens is in a service."""
    found = []
    for path in sources():
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "django.db.models.signals":
                found.append(f"{name_of(path)}:{node.lineno} signals")
            if isinstance(node, ast.ImportFrom) and node.module == "django.dispatch":
                found.append(f"{name_of(path)}:{node.lineno} signals")
        if "models" in path.parts or path.stem == "models":
            found += [
                f"{name_of(path)}:{node.lineno} {node.name}()"
                for node in functions(tree)
                if node.name in {"save", "delete", "full_clean"}
            ]
    assert found == []


def test_services_never_enqueue():
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources()
        if "services" in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in {"delay", "delay_on_commit", "apply_async", "apply_async_on_commit"}
    ]
    assert found == []


def test_the_clock_is_read_at_the_edge_alone():
    """Services and rules take `on` or `at`: the same question gets the same answer."""
    found = [
        f"{name_of(path)}:{node.lineno} {ast.unparse(node.func)}"
        for path in sources()
        if "services" in path.parts or path.stem in {"gate", "coverage", "posture"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func)
        in {
            "timezone.now",
            "timezone.localdate",
            "timezone.localtime",
            "dt.datetime.now",
            "dt.date.today",
        }
        and not node.args
    ]
    assert found == []


# What reads a page's rows: it speaks of the day that is read, not of today.
READING = {"filters", "pages", "tables", "templatetags"}
# Pages that change nothing and have no past: a vendor's by link, and checks of an import.
TODAYS = {"answer_form", "import_check", "import_errors"}


def test_pages_with_a_past_ask_for_the_day_they_are_read_as_of():
    """`vendors.as_of.reading_day()` and `reading_moment()`, wherever nothing is changed."""
    found = []
    for path in sources():
        parts = set(path.relative_to(settings.BASE_DIR).with_suffix("").parts)
        if "portal" in parts or not parts & (READING | {"views"}):
            continue
        for function in functions(ast.parse(path.read_text())):
            safe = any("require_safe" in ast.unparse(d) for d in function.decorator_list)
            if function.name in TODAYS or (not safe and not parts & READING):
                continue
            found += [
                f"{name_of(path)}:{node.lineno} {ast.unparse(node)}"
                for node in ast.walk(function)
                if isinstance(node, ast.Call)
                and ast.unparse(node) in {"timezone.now()", "timezone.localdate()"}
            ]
    assert found == []
