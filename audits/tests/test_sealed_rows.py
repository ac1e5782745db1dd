"""A row that changed past its triggers no longer says what the ledger sealed of it."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm

from audits.models import Ledger, LedgerHead, Verification
from audits.services import verifications
from audits.services.reads import Read, record_read
from audits.services.sealed_rows import check
from audits.services.sealing import seal_pending
from policies.models import Approval
from policies.tests import make
from vendors.models import Agreement

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration():
    made = make.active_integration()
    make.key(made)
    record_read(Read("list", "audits.call", 1), by=make.person("auditor"), at=timezone.now())
    seal_pending(at=timezone.now())
    return made


def problems(start: int = 0) -> set[tuple[str, str]]:
    end = LedgerHead.objects.get(ledger_id=Ledger.LIVE).size
    return {(each.code, each.what) for each in check(Ledger.LIVE, start, end)}


def behind(statement: str) -> None:
    """As a superuser who holds the triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        table = re.search(r"public\.(\w+)", statement)[1]
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute(
            "SELECT tgname, tgname LIKE 'note%%' FROM pg_trigger "
            "WHERE tgrelid = %s::regclass AND NOT tgisinternal",
            [table],
        )
        for name, always in cursor.fetchall():
            cursor.execute(
                f"ALTER TABLE {table} ENABLE {'ALWAYS' if always else ''} TRIGGER {name}"
            )


def test_what_was_sealed_is_as_it_was(integration):
    assert problems() == set()


def test_changes_that_are_allowed_are_sealed_again(integration):
    agreement = Agreement.objects.get()
    agreement.terminated_on = timezone.localdate()
    agreement.save()
    integration.known_actors_only = True
    integration.save()
    person = make.person()
    assign_perm("policies.send_prompt", person, integration)
    remove_perm("policies.send_prompt", person, integration)
    assert problems() == set()
    seal_pending(at=timezone.now())
    assert problems() == set()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE public.policies_approval SET decided_at = decided_at - interval '1 day'",
            ("seal-differs", "policies_approval"),
        ),
        (
            "UPDATE public.vendors_agreement SET starts_on = starts_on - 30",
            ("seal-differs", "vendors_agreement"),
        ),
        (
            "UPDATE public.auditlog_logentry SET changes_text = 'x'",
            ("seal-differs", "auditlog_logentry"),
        ),
        ("DELETE FROM public.audits_readevent", ("seal-missing", "audits_readevent")),
        (
            "INSERT INTO public.audits_readevent SELECT max(id) + 1, now(), 'list', 'audits.call', "  # noqa: ISC004
            "'', '{}', 1 FROM audits_readevent",
            ("row-unsealed", "audits_readevent: 1"),
        ),
    ],
)
def test_what_was_done_past_the_triggers_is_found(integration, statement, found):
    behind(statement)
    assert found in problems()


def test_a_permission_that_was_taken_back_and_stands_again_is_found(integration):
    person = make.person()
    assign_perm("policies.send_prompt", person, integration)
    row = person.userobjectpermission_set.get()
    remove_perm("policies.send_prompt", person, integration)
    seal_pending(at=timezone.now())
    values = f"{row.pk}, '{row.object_pk}', {row.content_type_id}"
    behind(
        "INSERT INTO public.guardian_userobjectpermission "  # noqa: S608
        f"(id, object_pk, content_type_id, permission_id, user_id) "
        f"VALUES ({values}, {row.permission_id}, {row.user_id})"
    )
    assert ("seal-back", "guardian_userobjectpermission") in problems()


def test_tables_whose_triggers_are_off_are_found(integration):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE policies_approval DISABLE TRIGGER note_made")
    assert problems() == {("trigger-missing", "policies_approval")}


def test_what_is_new_is_compared_alone(integration):
    size = LedgerHead.objects.get(ledger_id=Ledger.LIVE).size
    behind("UPDATE public.policies_approval SET note = 'x'")
    assert problems(start=size) == set()
    assert Approval.objects.exists()


def test_a_verification_says_so(integration):
    ledger = Ledger.objects.get(pk=Ledger.LIVE)
    run = lambda: verifications.run(ledger, Verification.Kind.FULL, at=timezone.now())  # noqa: E731
    assert run().result == "passed"
    behind("UPDATE public.policies_approval SET note = 'x'")
    found = run()
    assert (found.result, found.problem_count) == ("failed", 1)
