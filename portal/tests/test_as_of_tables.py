"""Every table that a page shows can be read as it was on a day."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

APPS = ("vendors", "policies", "audits", "evidence")

# Tables that are read as they stand today, each with why.
NOT_AS_OF = {
    "vendors_defaultview": "with which view a person opens a list, for them alone",
    "vendors_savedview": "how a person wants to see a list, which is today's",
    "vendors_epoch": "a counter that triggers raise",
    "vendors_documentreading": "what a program proposes of a file; nothing rests on it",
    "vendors_questionsheet": "an upload until a draft is made of it",
    "vendors_reportdraft": "a form half filled in; the register has nothing of it yet",
    "vendors_registerimport": "who imported what and when, with moments of its own",
    "vendors_apireplay": "the answer to a request that may come again",
    "vendors_importfile": "the bytes of an import's file until they are dropped",
    "policies_integrationdraft": "a form half filled in; the register has nothing of it yet",
    "policies_policydraft": "a version half written; nothing is decided by it",
    "policies_issuedbundle": "what clients were given, with moments of its own",
    "policies_principaluse": "when somebody called last; what rests on it says what it found",
    "policies_sightingmark": "how far calls were looked through for actors",
    "audits_ledger": "the name of a log, which never changes",
    "audits_ledgerhead": "where a log ends now; each batch says where it ended then",
    "audits_ledgerkey": "from which entry to which a key signs, which never changes",
    "audits_partition": "where entries are kept now",
    "audits_pending": "what is about to be sealed",
    "audits_tile": "hashes of entries by their number, which never change",
    "audits_verdict": "what verdicts of records rested on; records name them and say their moment",
    "audits_usagecost": "of an import, which says its moment; neither ever changes",
    "audits_usagecount": "of an import, which says its moment; neither ever changes",
    "audits_keynetwork": "where a key was used from; a new network is an event with its moment",
    "audits_readevent": "who looked at what, written while a past day is read too",
    "evidence_heartbeat": "whether the worker is at work now",
}


def columns(schema: str, table: str) -> list[tuple[str, str]]:
    """Names and types, without lengths, of a table's or view's columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped "
            "ORDER BY attname",
            [f"{schema}.{table}"],
        )
        return cursor.fetchall()


def tables() -> list[str]:
    found = {
        model._meta.db_table
        for app in APPS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        if model._meta.managed
    }
    return sorted(found - set(NOT_AS_OF))


def test_no_exception_is_left_of_a_table_that_is_gone():
    known = {
        model._meta.db_table
        for app in APPS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    }
    assert set(NOT_AS_OF) <= known


@pytest.mark.parametrize("table", tables())
def test_a_table_can_be_read_as_of_a_day(table, db):
    """Fails for a migration that does not wrap its operations in `vendors.tracking.tracked`."""
    live = columns("public", table)
    assert columns("as_of", table) == live
    with connection.cursor() as cursor:
        cursor.execute("SELECT moment, quiet FROM history.tables WHERE tracked = %s", [table])
        moment, quiet = cursor.fetchone()
        cursor.execute(
            "SELECT tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger "
            "WHERE tgrelid = to_regclass(%s) AND tgname LIKE 'versions_%%' ORDER BY tgname",
            [f"public.{table}"],
        )
        found = cursor.fetchall()
    if moment:
        assert (moment, "timestamp with time zone") in live
        assert found == []
        return
    assert set(columns("history", table)) >= {
        *live,
        ("known_from", "timestamp with time zone"),
        ("known_until", "timestamp with time zone"),
    }
    names = [f"versions_{event}" for event in ("delete", "insert", "truncate", "update")]
    assert [name for name, _, _ in found] == names
    assert {enabled for _, enabled, _ in found} == {"O"}
    for _, _, definition in found:
        key, listed, loud = definition.replace('"', "").split("'")[1::2]
        assert set(listed.split(", ")) == {name for name, _ in live}
        assert set(loud.split(", ")) == {name for name, _ in live} - set(quiet)
        assert key in loud.split(", ")


def test_nothing_that_says_what_a_reader_may_see_is_of_the_past(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracked FROM history.tables WHERE shown")
        shown = {table for (table,) in cursor.fetchall()}
    assert not {t for t in shown if t.startswith(("auth_", "guardian_", "portal_", "django_"))}


def test_no_secret_of_a_person_is_kept_twice(db):
    assert {name for name, _ in columns("history", "portal_user")} == {
        "id",
        "email",
        "is_active",
        "known_from",
        "known_until",
    }
