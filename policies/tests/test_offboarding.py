"""A vendor is left only when nothing of ours lives with it and the proof is stored."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from policies.services.keys import revoke_key
from policies.services.lifecycle import retire
from policies.services.offboarding import leave_vendor, remaining
from policies.tests import make
from policies.tests.make import NOON
from vendors.models import Document, Offboarding, OffboardingStep
from vendors.services.offboarding import call_off_offboarding, do_step, start_offboarding
from vendors.tests.make import TODAY
from vendors.tests.test_agreements import run

pytestmark = pytest.mark.django_db
LATER = NOON + dt.timedelta(hours=2)


@pytest.fixture
def officer():
    return make.person("officer")


@pytest.fixture
def used():
    """An active integration with a key."""
    integration = make.active_integration()
    make.key(integration)
    return integration


@pytest.fixture
def begun(used, officer):
    return start_offboarding(
        used.service.vendor,
        reason="Replaced by another.",
        planned_last_day=TODAY + dt.timedelta(days=30),
        by=officer,
        at=NOON,
        on=TODAY,
    )


def proof() -> Document:
    return Document.objects.create(
        name="certificate.pdf", sha256="1" * 64, size_bytes=4, content_type="application/pdf"
    )


def do_all(begun: Offboarding, by) -> None:
    for step in begun.steps.all():
        of_data = step.kind == OffboardingStep.Kind.DATA
        extra = {"document": proof(), "disposal": "destroyed"} if of_data else {}
        do_step(step, by=by, on=TODAY, **extra)


def leave(begun: Offboarding, by) -> Offboarding:
    return leave_vendor(begun, by=by, at=LATER, on=TODAY)


def test_it_begins_with_every_step_to_do_and_stops_the_gate(begun, used):
    assert [step.kind for step in begun.steps.all()] == list(OffboardingStep.Kind.values)
    used.service.vendor.refresh_from_db()
    assert used.service.vendor.state == "offboarding"
    assert used.service.vendor.transitions.get().reason == "Replaced by another."


def test_it_is_not_left_while_something_lives(begun, used, officer):
    do_all(begun, officer)
    left = remaining(begun.vendor, NOON)
    assert (left.integrations, len(left.keys)) == ((used,), 1)
    with pytest.raises(ValidationError, match="1 integrations and 1 keys"):
        leave(begun, officer)
    retire(used, by=used.owner, at=NOON)
    for key in remaining(begun.vendor, LATER).keys:
        revoke_key(key, by=used.owner, at=NOON)
    assert not remaining(begun.vendor, LATER)
    done = leave(begun, officer)
    begun.vendor.refresh_from_db()
    assert (done.finished_on, begun.vendor.state) == (TODAY, "offboarded")


def test_it_is_not_left_before_every_step_is_done(begun, used, officer):
    retire(used, by=used.owner, at=NOON)
    with pytest.raises(ValidationError, match="Not done yet: integrations retired"):
        leave(begun, officer)
    begun.refresh_from_db()
    assert begun.open


def test_our_data_needs_its_proof(begun, officer):
    step = begun.steps.get(kind="data")
    with pytest.raises(ValidationError, match="Store the proof"):
        do_step(step, by=officer, on=TODAY, disposal="returned")
    with pytest.raises(ValidationError, match="what became of our data"):
        do_step(step, by=officer, on=TODAY, document=proof())
    with pytest.raises(IntegrityError), transaction.atomic():
        run("UPDATE vendors_offboardingstep SET done_on = now() WHERE kind = 'data'")


def test_what_is_finished_is_sealed(begun, used, officer):
    retire(used, by=used.owner, at=NOON)
    do_all(begun, officer)
    leave(begun, officer)
    for statement in (
        "UPDATE vendors_offboarding SET reason = 'x'",
        "UPDATE vendors_offboardingstep SET note = 'x'",
        "DELETE FROM vendors_offboardingstep",
    ):
        with pytest.raises(IntegrityError, match="sealed"), transaction.atomic():
            run(statement)
    with pytest.raises(ValidationError, match="closed already"):
        leave(begun, officer)


def test_one_can_stay_after_all(begun, officer):
    call_off_offboarding(begun, reason="They improved.", by=officer, at=LATER, on=TODAY)
    begun.vendor.refresh_from_db()
    assert begun.vendor.state == "in_review"
    assert not Offboarding.objects.open().exists()


def test_the_pages_lead_through_it(client, used, officer):
    client.force_login(officer)
    vendor = used.service.vendor
    slug = vendor.slug
    started = client.post(
        reverse("vendors:offboarding-create", args=[slug]),
        {"reason": "Replaced.", "planned_last_day": "2099-01-01"},
    )
    page = client.get(started.url).content.decode()
    assert "5 to do" in page
    part = client.get(reverse("policies:vendor-remaining", args=[slug])).content.decode()
    assert used.name in part
    finish = reverse("policies:offboarding-finish", args=[Offboarding.objects.get().pk])
    answer = client.post(finish, follow=True)
    assert "Still alive" in answer.content.decode()
    step = OffboardingStep.objects.get(kind="keys")
    url = reverse("vendors:offboardingstep-edit", args=[step.pk])
    future = client.post(url, {"done_on": "2099-01-01"})
    assert "in the future" in future.content.decode()
    client.post(url, {"done_on": "2026-11-20", "note": "All of them."})
    assert "4 to do" in client.get(started.url).content.decode()
    data = OffboardingStep.objects.get(kind="data")
    url = reverse("vendors:offboardingstep-edit", args=[data.pk])
    assert "required" in client.post(url, {"done_on": "2026-11-20"}).content.decode()
