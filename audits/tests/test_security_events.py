"""What a security event holds: ids, words of lists, a network; never what somebody typed."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import IntegrityError, transaction

from audits.ledger.types import TYPES
from audits.models import Pending, SecurityEvent
from audits.services.security import FAILURES, client_of, note_security
from audits.tests.event_types import misfits
from policies.tests import make

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"


def test_an_event_keeps_the_network_and_a_word_for_the_client():
    person, officer = make.person("viewer"), make.person("officer")
    event = note_security(
        "factor-reset",
        at=NOON,
        user=person,
        by=officer,
        address="203.0.113.77",
        agent=CHROME,
        method="totp",
        reason="lost-device",
        subject=f"portal.user:{person.pk}",
    )
    assert (event.network, event.client, event.outcome) == ("203.0.113.0/24", "chrome", "success")
    assert (event.user_id, event.by_id) == (person.pk, officer.pk)


def test_who_does_it_to_oneself_is_named_once():
    person = make.person("viewer")
    assert note_security("signed-out", at=NOON, user=person, by=person).by_id is None


@pytest.mark.parametrize(
    "details",
    [
        {"reason": "Mr Smith, HIV positive"},
        {"reason": "x" * 41},
        {"reason": "a-"},
        {"subject": "smith@example.org"},
        {"subject": "portal.user:Mr Smith"},
        {"method": "hunter2"},
    ],
    ids=str,
)
def test_free_text_is_refused_and_not_repeated(details):
    with pytest.raises(ValueError, match="of a security event") as refusal:
        note_security("sign-in-failed", at=NOON, **details)
    assert not any(value in str(refusal.value) for value in details.values())
    assert not SecurityEvent.objects.exists()


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="not one of the list"):
        note_security("smith@example.org", at=NOON)


@pytest.mark.parametrize("changed", [{"reason": "Mr Smith"}, {"subject": "Mr Smith"}])
def test_the_database_takes_no_free_text_either(changed):
    event = SecurityEvent(at=NOON, kind="sign-in", outcome="success", **changed)
    with pytest.raises(IntegrityError), transaction.atomic():
        event.save()


def test_every_kind_fits_its_column_and_says_whether_it_failed():
    for kind in SecurityEvent.Kind.values:
        event = note_security(kind, at=NOON)
        assert event.outcome == ("failure" if kind in FAILURES else "success")


def test_an_event_is_sealed_by_ids_words_and_a_digest():
    person = make.person("viewer")
    event = note_security("sign-in-failed", at=NOON, user=person, address="203.0.113.77")
    note = Pending.objects.filter(type="security").latest("pk")
    assert note.subject == f"audits.securityevent:{event.pk}"
    assert note.payload["kind"] == "sign-in-failed"
    assert note.payload["user"] == person.pk
    assert len(note.payload["sha256"]) == 64
    assert misfits("security", note.payload) == []
    assert "203.0.113" not in json.dumps(note.payload)
    assert TYPES["security"].by_trigger


@pytest.mark.parametrize(
    ("agent", "word"),
    [
        ("", ""),
        ("curl/8.5.0", "program"),
        (CHROME, "chrome"),
        (CHROME + " Edg/130.0.0.0", "edge"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "firefox"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1 Version/17.4 Safari/605.1", "safari"),
        ("Mozilla/5.0 Mr Smith", "other"),
    ],
)
def test_one_word_is_kept_of_what_a_client_calls_itself(agent, word):
    assert client_of(agent) == word
