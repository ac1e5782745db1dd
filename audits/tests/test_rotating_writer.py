"""The writer of a process goes on through a change of keys, or refuses until it has the new one."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from audits.models import Batch, Ledger, LedgerKey, Verification
from audits.services import verifications
from audits.services.rotating import rotate
from audits.tests import make

OLD, NEW = settings.LEDGER_SIGNING_KEY, "ab" * 32


def test_the_writer_of_a_process_follows_the_change(live, monkeypatch):
    _key, secret = make.key(live)

    def keys(now: str, previous: str = "") -> None:
        monkeypatch.setattr(settings, "LEDGER_SIGNING_KEY", now)
        monkeypatch.setattr(settings, "LEDGER_PREVIOUS_SIGNING_KEY", previous)

    def status() -> int:
        return make.hot(secret, "calls", make.call_body()).status

    keys(NEW, OLD)
    assert status() == 201
    ledger = Ledger.objects.get(pk=Ledger.LIVE)
    assert rotate(ledger, at=timezone.now()) is not None
    assert [status(), status()] == [201, 201]
    keys(OLD)
    assert status() == 503
    keys(NEW)
    assert status() == 201
    first, second = LedgerKey.objects.filter(ledger_id=Ledger.LIVE)
    last = Batch.objects.filter(ledger_id=Ledger.LIVE).order_by("-first_index")[:3]
    assert {batch.ledger_key for batch in last} == {second}
    assert first.retired_at_index == second.first_index - 1
    found = verifications.run(ledger, Verification.Kind.FULL, at=timezone.now())
    assert (found.result, found.problems) == ("passed", [])
