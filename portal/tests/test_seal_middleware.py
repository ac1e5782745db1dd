"""Whoever changes something by a form has it in the ledger when the answer comes."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from audits.models import Event, Pending
from policies.models import DataClass
from policies.tests import make
from portal.sealing import SealMiddleware

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def change(client):
    """Posts a person's new name as an administrator; gives the status."""
    client.force_login(make.person("administrator"))
    person = make.person("viewer")

    def post() -> int:
        path = reverse("portal:user-edit", args=[person.pk])
        body = {"full_name": "Victor", "roles": ["Viewer"], "is_active": "on"}
        return client.post(path, body).status_code

    return post


def test_a_form_is_answered_once_its_change_is_sealed(change):
    assert change() == 302
    assert not Pending.objects.exists()
    assert Event.objects.latest("index").type == "change"


def answered(method: str) -> int:
    """The status of a request that changed a row by a statement that commits by itself."""

    def view(_request):
        DataClass.objects.update(position=4)
        return HttpResponse()

    return SealMiddleware(view)(RequestFactory().generic(method, "/")).status_code


def test_what_the_ledger_cannot_take_in_now_waits(monkeypatch, caplog):
    make.data_class()
    monkeypatch.setattr(settings, "LEDGER_SIGNING_KEY", "ab" * 32)
    assert answered("POST") == 200
    assert [note.type for note in Pending.objects.all()] == ["policy"]
    assert "Notes wait for the ledger" in caplog.text
    monkeypatch.undo()
    assert answered("PATCH") == 200
    assert not Pending.objects.exists()


def test_a_request_that_only_looks_asks_nothing():
    make.data_class()
    assert answered("GET") == 200
    assert Pending.objects.exists()
