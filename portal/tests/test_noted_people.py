"""Grants, principals, groups and duties are noted for the ledger, and each step is an event."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from audits.models import Pending, SecurityEvent
from audits.tests.event_types import misfits
from policies.models import ExclusiveRoles
from policies.services import granting
from policies.services.directory import (
    add_group,
    add_principal,
    change_members,
    change_principal,
)
from policies.services.principals import principal_of
from policies.tests import make

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)


def noted(kind: str) -> list[Pending]:
    return list(Pending.objects.filter(type=kind).order_by("pk"))


def events() -> list[tuple[str, str, int | None, int | None]]:
    told = SecurityEvent.objects.filter(subject__startswith="policies.grant:").order_by("pk")
    return list(told.values_list("kind", "reason", "user_id", "by_id"))


def wanted(person, **changed) -> granting.Wanted:
    holder = {"principal": principal_of(person, at=NOON)}
    purpose = "Helps Mr Smith"
    return granting.Wanted(
        **{"permission": "send_prompt", "purpose": purpose, "ends_at": NOON + WEEK}
        | holder
        | changed
    )


def test_each_step_of_a_grant_is_noted_and_an_event_by_whoever_took_it():
    integration = make.active_integration()
    person, officer = make.person("engineer"), make.person("officer")
    grant = granting.request_grant(integration, wanted(person), by=person, at=NOON)
    granting.approve_grant(grant, by=officer, at=NOON)
    granting.withdraw_grant(grant, by=officer, at=NOON + WEEK / 2, note="Mr Smith left")
    states = [note.payload["state"] for note in noted("access-grant")]
    assert states == ["requested", "standing", "withdrawn"]
    assert noted("access-grant")[-1].payload["ended_by"] == officer.pk
    assert events() == [
        ("grant-changed", "requested", person.pk, None),
        ("grant-changed", "approved", person.pk, officer.pk),
        ("grant-changed", "withdrawn", person.pk, officer.pk),
    ]
    assert "Smith" not in json.dumps([note.payload for note in Pending.objects.all()])


def test_emergency_access_and_its_review_are_events_of_their_own():
    integration = make.active_integration()
    person, officer = make.person("engineer"), make.person("officer")
    grant = granting.break_in(
        integration,
        permission="read_log",
        by=person,
        at=NOON,
        reason="The portal cannot be read by its owner",
        hours=1,
    )
    granting.review_emergency(grant, by=officer, at=NOON + WEEK, note="Looked at")
    kinds = [(kind, reason, by) for kind, reason, _, by in events()]
    assert kinds[0] == ("emergency-access", "taken", None)
    assert kinds[-1] == ("emergency-access", "reviewed", officer.pk)


def test_a_grant_for_somebody_outside_is_an_event_about_nobody_here():
    officer = make.person("officer")
    outside = add_principal("user", "nurse-7", source="portal", at=NOON)
    terms = wanted(officer, principal=outside)
    granting.give_grant(make.active_integration(), terms, by=officer, at=NOON)
    assert events() == [("grant-changed", "given", None, officer.pk)]


def test_principals_and_groups_are_noted_by_ids_and_words_alone():
    nurse = add_principal("user", "nurse-7", source="csv", at=NOON, name="Mary Smith")
    group = add_group("Ward 4 of Smith", source="portal", at=NOON)
    officer = make.person("officer")
    change_members(group, add=[nurse], remove=[], by=officer, at=NOON)
    change_members(group, add=[], remove=[nurse], by=officer, at=NOON)
    change_principal(nurse, {"name": "Mary Jones"}, by=officer, at=NOON)
    assert len(noted("principal")) == 1
    change_principal(nurse, {"state": "left"}, by=officer, at=NOON)
    assert [note.payload["state"] for note in noted("principal")] == ["active", "left"]
    assert [note.payload["principal"] for note in noted("member")] == [nurse.pk]
    assert noted("member-removed")[0].payload["sha256"] == noted("member")[0].payload["sha256"]
    assert noted("principal-group")[0].payload["source"] == "portal"
    said = json.dumps([note.payload for note in Pending.objects.all()])
    assert not any(word in said for word in ("Smith", "nurse-7", "Jones"))


def test_pairs_of_duties_are_noted_from_first_to_last():
    ExclusiveRoles.objects.all().delete()
    officer = make.person("officer")
    pair = ExclusiveRoles.objects.create(
        first="role:Auditor", second="role:Viewer", reason="x", made_by=officer, made_at=NOON
    )
    pair.ended_at, pair.ended_by = NOON + WEEK, officer
    pair.save()
    made, ended = [n for n in noted("duty-pair") if n.payload["row"] == pair.pk]
    assert (made.payload["first"], made.payload["by"]) == ("role:Auditor", officer.pk)
    assert ended.payload["ended_at"] == "2026-11-28T12:00:00.000Z"


def test_every_note_fits_its_type():
    person = make.person("engineer")
    integration = make.active_integration()
    granting.request_grant(integration, wanted(person), by=person, at=NOON)
    notes = list(Pending.objects.all())
    assert {"access-grant", "principal", "security"} <= {note.type for note in notes}
    assert [n.type for n in notes if misfits(n.type, n.payload)] == []
