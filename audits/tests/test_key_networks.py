"""A key that comes from a network for the first time is noted, off the path of the call."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from audits.models import KeyNetwork, Pending, SecurityEvent
from audits.services import uses
from audits.services.security import note_security
from audits.tests.event_types import misfits
from policies.tests import make

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.fixture
def key():
    return make.key(make.active_integration())[0]


def used(key, *peers: str) -> None:
    for peer in peers:
        uses.note(key.pk, NOON, peer)
    uses.write()


def networks() -> list[str]:
    told = SecurityEvent.objects.filter(kind="key-new-network").order_by("pk")
    return list(told.values_list("network", flat=True))


def test_the_first_network_is_what_others_are_held_against(key):
    used(key, "203.0.113.7", "203.0.113.200")
    assert networks() == []
    assert KeyNetwork.objects.get().network == "203.0.113.0/24"


def test_another_network_is_an_event_once(key):
    used(key, "203.0.113.7")
    used(key, "198.51.100.1")
    used(key, "198.51.100.2", "203.0.113.9")
    uses.forget()
    used(key, "198.51.100.1")
    assert networks() == ["198.51.100.0/24"]


def test_the_event_is_as_the_service_would_write_it_and_sealed(key):
    used(key, "203.0.113.7")
    used(key, "198.51.100.1")
    event = SecurityEvent.objects.get()
    alike = note_security("key-new-network", at=NOON, key_id=key.pk, address="198.51.100.1")
    skipped = ("_state", "id")
    assert {k: v for k, v in vars(event).items() if k not in skipped} == {
        k: v for k, v in vars(alike).items() if k not in skipped
    }
    note = Pending.objects.filter(type="security").earliest("pk")
    assert note.payload["key"] == key.pk
    assert misfits("security", note.payload) == []


def test_a_caller_without_an_address_is_no_network(key):
    used(key, "203.0.113.7")
    used(key, "unknown", "")
    assert networks() == []
    assert KeyNetwork.objects.count() == 1


def test_noting_touches_nothing_but_memory(key, django_assert_num_queries):
    with django_assert_num_queries(0):
        uses.note(key.pk, NOON, "203.0.113.7")
    assert uses.are_due()


def test_callers_are_forgotten_before_they_fill_the_memory(key, monkeypatch):
    monkeypatch.setattr(uses, "MOST_CALLERS", 2)
    used(key, *(f"203.0.{n}.1" for n in range(5)))
    assert KeyNetwork.objects.count() == 5
    assert len(networks()) == 4


def test_a_call_by_a_key_tells_its_network(api):
    api.open()
    assert [each.network for each in KeyNetwork.objects.all()] == ["127.0.0.0/24"]
    assert connection.in_atomic_block
