"""What happens to papers, decisions, access and trails is noted for the ledger, by triggers."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re

import pytest
from auditlog.models import LogEntry
from django.db import connection, transaction

from audits.database.base import TO_SEAL
from audits.ledger.types import TYPES
from audits.models import Pending
from audits.services.reads import Read, record_read
from audits.tests.event_types import misfits
from evidence.models import EvidencePack, PackEvent
from policies.models import DataClass
from policies.services.granting import withdraw_grant
from policies.services.keys import KeyTerms, issue_key, revoke_key, rotate_key
from policies.services.lifecycle import suspend
from policies.services.people import sync_roles
from policies.tests import make
from portal.services.people import change_person
from portal.services.tokens import issue_token, revoke_token
from vendors.models import Agreement
from vendors.tests.make import baa, vendor

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
# Columns of a noted table that its digest leaves out, each with why.
LEFT_OUT = {
    "policies_integration": None,  # the settings alone are sealed; all else is in the history
    # Names and addresses are in the history; when it was seen decides nothing.
    "policies_principal": {"name", "email", "external_id", "first_seen_at", "last_seen_at"},
    "portal_personaltoken": {"last_used_at"},  # when it was used last is no change
    "portal_directorytoken": {"last_used_at"},
    "vendors_agreement": {  # members of the entry, since they change in the life of a version
        *("terminated_on", "termination_reason", "superseded_on", "owner_id", "return_state"),
        *("return_due_on", "return_document_id", "return_confirmed_by_id", "return_confirmed_on"),
        "return_note",
    },
    "vendors_assurancereport": {
        *("review", "review_note", "reviewed_by_id", "reviewed_on", "type2_due_on"),
    },
}


def noted(kind: str) -> list[Pending]:
    return list(Pending.objects.filter(type=kind).order_by("pk"))


def rows(sql: str, *values: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def test_a_change_is_noted_by_who_what_and_digest_and_by_nothing_it_says():
    made = baa(vendor("Quillwork")).vendor
    entry = LogEntry.objects.get_for_object(made).latest()
    note = next(n for n in noted("change") if n.payload["row"] == entry.pk)
    assert note.subject == f"vendors.vendor:{made.pk}"
    assert note.payload["action"] == "create"
    assert len(note.payload["sha256"]) == 64
    assert made.name not in json.dumps([n.payload for n in Pending.objects.all()])


def test_the_digest_is_that_of_the_salt_and_the_named_columns():
    person = make.person("auditor")
    event = record_read(Read("list", "audits.call", 3, filters={"model": "x"}), by=person, at=NOON)
    note = noted("read")[-1]
    [(salt, stored)] = rows(
        "SELECT salt, (SELECT jsonb_object_agg(c, to_jsonb(r) -> c)::text FROM unnest(columns) c) "
        "FROM audits_seal_salt, audits_seal_form, audits_readevent r "
        "WHERE tracked = 'audits_readevent' AND r.id = %s",
        event.pk,
    )
    assert note.payload["sha256"] == hashlib.sha256(bytes(salt) + stored.encode()).hexdigest()
    assert note.payload["at"] == "2026-11-21T12:00:00.000Z"
    assert note.payload["user"] == person.pk
    assert "key" not in note.payload


def test_the_digest_does_not_depend_on_the_settings_of_who_writes():
    person = make.person("auditor")
    digests = set()
    for zone in ("UTC", "Asia/Kolkata"):
        with transaction.atomic():
            rows("SELECT set_config('TimeZone', %s, true)", zone)
            rows(
                "INSERT INTO audits_readevent "
                "(id, at, action, subject, subject_id, filters, row_count, user_id) VALUES "
                "(900000, '2026-11-21T12:00:00Z', 'list', 'audits.call', '', '{}', 1, %s) "
                "RETURNING id",
                person.pk,
            )
            digests.add(noted("read")[-1].payload["sha256"])
            transaction.set_rollback(True)
    assert len(digests) == 1


def test_the_connection_says_that_there_is_something_to_seal_until_that_is_undone():
    def said() -> bool:
        return connection.connection.pgconn.parameter_status(b"application_name") == TO_SEAL

    assert not said()
    person = make.person()
    before = said()
    with transaction.atomic():
        change_roles(person, "Viewer")
        assert said()
        transaction.set_rollback(True)
    assert before == said()
    assert noted("role") == []


def change_roles(person, *roles: str) -> None:
    sync_roles()
    change_person(
        person, full_name="", roles=roles, is_active=True, by=make.person("administrator"), at=NOON
    )


def test_roles_grants_keys_and_tokens_are_noted_from_first_to_last():
    person, officer = make.person(), make.person("officer")
    change_roles(person, "Viewer")
    change_roles(person)
    integration = make.active_integration()
    (grant,) = make.grant(integration, person, by=officer)
    withdraw_grant(grant, by=officer, at=NOON)
    key, _secret = issue_key(integration, KeyTerms(name="k"), by=officer, at=NOON)
    rotate_key(key, by=officer, at=NOON)
    revoke_key(key, by=officer, at=NOON)
    token, _secret = issue_token(person, "t", scopes=["register:read"], days=3, at=NOON)
    revoke_token(token, by=person, at=NOON)

    assert [n.payload["user"] for n in noted("role") if n.payload["user"] == person.pk]
    assert [n.payload["user"] for n in noted("role-removed")] == [person.pk]
    given = [n for n in noted("grant") if n.payload["user"] == person.pk]
    assert given[0].payload["permission"] == "policies.send_prompt"
    assert given[0].subject == f"policies.integration:{integration.pk}"
    assert noted("grant-removed")[0].payload["sha256"] == given[0].payload["sha256"]
    made, next_one = noted("key-created")
    assert made.payload["key"] == key.public_id
    assert made.payload["scopes"] == ["calls:write", "bundle:read"]
    assert [n.payload["row"] for n in noted("key-changed")] == [key.pk]
    assert noted("key-revoked")[0].payload["revoked_at"] == "2026-11-21T12:00:00.000Z"
    assert next_one.payload["row"] != key.pk
    assert len(noted("token-created")) == len(noted("token-revoked")) == 1
    assert noted("token-changed") == []


def test_papers_and_decisions_are_noted():
    integration = make.active_integration()
    suspend(integration, reason="Looked at again", by=make.person("officer"), at=NOON)
    agreement = Agreement.objects.get()
    agreement.terminated_on = NOON.date()
    agreement.save()
    first, ended = noted("agreement")
    assert "terminated_on" not in first.payload
    assert ended.payload["terminated_on"] == "2026-11-21"
    assert ended.payload["sha256"] == first.payload["sha256"]
    assert noted("approval")[0].payload["decision"] == "approve"
    assert noted("integration")[-1].payload["kind"] == "suspended"
    assert noted("gate-settings")[0].payload["audit_mode"] == "strict"
    assert noted("report") and noted("fact") and noted("agreement-scope")
    assert "again" not in json.dumps([n.payload for n in Pending.objects.all()])


def test_how_strictly_an_integration_is_recorded_is_noted_when_that_changes():
    integration = make.integration()
    integration.name = "Another"
    integration.save()
    assert len(noted("gate-settings")) == 1
    integration.known_actors_only = True
    integration.save()
    assert noted("gate-settings")[-1].payload["known_actors_only"] is True


def test_a_change_of_the_policy_is_noted_by_bulk_statements_too():
    make.data_class("pii")
    count = len(noted("policy"))
    DataClass.objects.filter(slug="pii").update(position=9)
    assert len(noted("policy")) == count + 1


def test_signing_in_is_noted(client):
    person = make.person("viewer")
    client.force_login(person)
    assert [n.payload["user"] for n in noted("sign-in")] == [person.pk]
    assert noted("sign-in")[0].subject == f"portal.user:{person.pk}"


def test_packs_are_noted_by_what_happened_and_their_digest():
    auditor = make.person("auditor")
    pack = EvidencePack.objects.create(
        title="Quarter",
        period_start=NOON.date(),
        period_end=NOON.date(),
        requested_by=auditor,
        requested_at=NOON,
        as_of=NOON,
    )
    PackEvent.objects.create(pack=pack, kind="built", sha256="ab" * 32, at=NOON)
    assert noted("pack")[0].payload["pack_sha256"] == "ab" * 32


def test_every_note_has_a_known_type_and_fits_it():
    integration = make.active_integration()
    make.key(integration)
    suspend(integration, reason="x", by=make.person("officer"), at=NOON)
    notes = list(Pending.objects.all())
    assert len({note.type for note in notes}) > 8
    assert [(n.type, misfits(n.type, n.payload)) for n in notes if misfits(n.type, n.payload)] == []


def test_every_type_that_triggers_note_is_known(db):
    """Literals of the functions that triggers run, against the table of types."""
    found = rows("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'audits\\_note\\_%%'")
    kinds = {kind for kind, each in TYPES.items() if each.by_trigger}
    said = set()
    for _name, source in found:
        body = source.partition("audits_note(")[2].partition("jsonb_build_object")[0]
        said |= {word for word in re.findall(r"'([a-z-]+)'", body) if word in TYPES}
    assert said == kinds


def test_every_column_of_a_noted_table_is_in_its_digest_or_left_out_for_a_reason():
    for table, form in rows("SELECT tracked, max(form) FROM audits_seal_form GROUP BY 1"):
        [(covered,)] = rows(
            "SELECT columns FROM audits_seal_form WHERE tracked = %s AND form = %s", table, form
        )
        there = {
            name
            for (name,) in rows(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass "
                "AND attnum > 0 AND NOT attisdropped",
                table,
            )
        }
        left_out = LEFT_OUT.get(table, set())
        if left_out is not None:
            assert (table, there - set(covered)) == (table, left_out)
        assert set(covered) <= there
