"""A ledger goes from key to key by an entry that the old key signed; every ledger for itself."""

from __future__ import annotations

from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from audits.models import Batch, Event, Ledger, LedgerKey, Verification
from audits.services import checkpoints, verifications
from audits.services.appending import NewEvent, append_events
from audits.services.signing import LedgerRefused
from countersign.notes import Verifier

pytestmark = pytest.mark.django_db

OLD, NEW = settings.LEDGER_SIGNING_KEY, "ab" * 32


def append(ledger_id: int = Ledger.LIVE) -> Batch:
    events = [NewEvent("sign-in", "portal.user:1", {"user": 1})]
    done = append_events(events, at=timezone.now(), ledger_id=ledger_id)
    return Batch.objects.get(ledger_id=ledger_id, size=done.size)


def rotate() -> str:
    out = StringIO()
    call_command("rotate_ledger_key", stdout=out)
    return out.getvalue()


def keys(monkeypatch, now: str, previous: str = "") -> None:
    monkeypatch.setattr(settings, "LEDGER_SIGNING_KEY", now)
    monkeypatch.setattr(settings, "LEDGER_PREVIOUS_SIGNING_KEY", previous)


def found(ledger_id: int = Ledger.LIVE) -> Verification:
    ledger = Ledger.objects.get(pk=ledger_id)
    return verifications.run(ledger, Verification.Kind.FULL, at=timezone.now())


def test_the_old_key_signs_the_change_and_the_new_one_all_after_it(monkeypatch):
    before = append()
    keys(monkeypatch, NEW, OLD)
    assert "live: goes by the new key from 3 on" in rotate()
    after = append()
    changed = Event.objects.get(type="key-change")
    batch = Batch.objects.get(first_index=changed.index, ledger_id=Ledger.LIVE)
    first, second = LedgerKey.objects.filter(ledger_id=Ledger.LIVE)
    assert [before.ledger_key, batch.ledger_key, after.ledger_key] == [first, first, second]
    assert (first.retired_at_index, second.first_index) == (changed.index, changed.index + 1)
    assert batch.size == changed.index + 1
    assert changed.payload == {
        "public_key": bytes(second.public_key).hex(),
        "previous_public_key": bytes(first.public_key).hex(),
    }
    assert (found().result, found().problems) == ("passed", [])


def test_a_process_that_has_both_keys_goes_on_before_and_after_the_change(monkeypatch):
    append()
    keys(monkeypatch, NEW, OLD)
    assert append().ledger_key.retired_at_index is None
    assert found().result == "passed"
    rotate()
    assert append().ledger_key == LedgerKey.objects.get(retired_at_index=None)
    keys(monkeypatch, NEW)
    append()
    assert found().result == "passed"


@pytest.mark.parametrize(("now", "previous"), [(OLD, ""), ("cd" * 32, ""), ("cd" * 32, OLD)])
def test_a_process_that_lacks_the_key_refuses_with_a_sentence(monkeypatch, now, previous):
    append()
    keys(monkeypatch, NEW, OLD)
    rotate()
    keys(monkeypatch, now, previous)
    with pytest.raises(LedgerRefused, match="LEDGER_PREVIOUS_SIGNING_KEY"):
        append()


def test_a_change_without_the_old_key_is_refused(monkeypatch):
    append()
    keys(monkeypatch, NEW, "cd" * 32)
    with pytest.raises(CommandError, match="live: LEDGER_SIGNING_KEY is not the key"):
        rotate()
    assert LedgerKey.objects.get().retired_at_index is None


def test_a_key_that_was_retired_does_not_come_back(monkeypatch):
    append()
    keys(monkeypatch, NEW, OLD)
    rotate()
    keys(monkeypatch, OLD, NEW)
    with pytest.raises(CommandError, match="was retired before"):
        rotate()


def test_a_change_may_be_asked_for_again(monkeypatch):
    append()
    keys(monkeypatch, NEW, OLD)
    rotate()
    assert "live: nothing to change" in rotate()
    assert Event.objects.filter(type="key-change").count() == 1


def test_every_ledger_has_its_name_its_entries_and_its_keys(monkeypatch):
    append(Ledger.LIVE)
    append(Ledger.TEST)
    append(Ledger.TEST)
    sizes = {ledger.slug: ledger.head.size for ledger in Ledger.objects.all()}
    assert sizes == {"live": 2, "test": 3}
    live, test = (checkpoints.verifiers(pk)[0] for pk in (Ledger.LIVE, Ledger.TEST))
    assert live.name != test.name
    assert live.key_id != test.key_id
    keys(monkeypatch, NEW, OLD)
    assert "test: goes by the new key from 4 on" in rotate()
    assert LedgerKey.objects.filter(retired_at_index=None).count() == 2
    assert found(Ledger.TEST).result == found(Ledger.LIVE).result == "passed"


def test_the_keys_to_publish_are_printed_with_those_of_before(monkeypatch):
    append()
    keys(monkeypatch, NEW, OLD)
    rotate()
    out, err = StringIO(), StringIO()
    call_command("ledger_keys", stdout=out, stderr=err)
    printed = [Verifier.from_vkey(line) for line in out.getvalue().splitlines()]
    stored = LedgerKey.objects.order_by("first_index")
    assert [each.public_key for each in printed] == [bytes(key.public_key) for key in stored]
    assert "test: no entry yet" in err.getvalue()
