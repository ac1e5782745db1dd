"""What a shadow would have done otherwise is counted from the calls of its integration."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from audits.models import Call
from audits.services.shadows import shadow_counts
from audits.tests import make_records
from policies.tests import make

pytestmark = pytest.mark.django_db


def called(integration, masked):
    key, _ = make.key(integration)
    return make_records.call(integration, key, at=timezone.now(), masked=masked)


def test_counts_of_calls_are_added_up():
    since = timezone.now() - dt.timedelta(days=30)
    one, other = make.active_integration(), make.active_integration()
    called(one, {"identifiers": 3, "shadow:same": 2, "shadow:milder": 1})
    called(one, {"shadow:same": 4, "shadow:let-through": 1})
    called(one, {"identifiers": 9})
    called(other, {"shadow:blocked": 7})
    found = shadow_counts(one.pk, since=since)
    assert (found.calls, found.same, found.milder, found.let_through) == (2, 6, 1, 1)
    assert found.blocked == found.stricter == found.failed == 0
    assert Call.objects.count() == 4
