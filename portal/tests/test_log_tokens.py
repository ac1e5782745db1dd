"""What a person's token opens of the ledger."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from audits.tests.make_ledger import Ledger
from policies.tests.make import person
from portal.services.tokens import issue_token


def test_a_token_needs_the_scope_and_its_person_the_permission(db):
    Ledger().grow(301)

    def status(role: str, scope: str, path: str) -> int:
        _, secret = issue_token(person(role), "x", scopes=[scope], days=9, at=timezone.now())
        return Client().get(path, headers={"authorization": f"Bearer {secret}"}).status_code

    assert status("auditor", "log:read", "/log/tile/entries/000") == 200
    assert status("auditor", "calls:read", "/log/checkpoint") == 403
    assert status("viewer", "log:read", "/log/checkpoint") == 403
