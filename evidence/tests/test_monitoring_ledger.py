"""A ledger that is not as it was signed, or that nobody looks at, is a finding."""

from __future__ import annotations

import datetime as dt

import pytest

from audits.models import CheckpointDelivery, Ledger, Verification
from audits.services import verifications
from audits.tests import make_ledger
from audits.tests.make_ledger import NOON
from evidence.monitoring import CHECKS, Asked
from evidence.services.health import health

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def live(db, tmp_path, settings):
    settings.DATA_DIR = tmp_path
    make_ledger.Ledger().grow(3)
    return Ledger.objects.get(slug="live")


def sighted(code: str, at: dt.datetime) -> list[str]:
    asked = Asked(at.date(), at)
    return [sighting.detail for sighting in CHECKS[code].sightings(asked)]


def test_a_verified_ledger_is_none(live):
    verifications.run(live, Verification.Kind.FULL, at=NOON)
    assert sighted("ledger-not-verified", NOON + 26 * HOUR) == []
    assert "The ledger" not in " ".join(health(NOON).problems)


def test_a_day_without_verification_is_one(live):
    verifications.run(live, Verification.Kind.FULL, at=NOON)
    (detail,) = sighted("ledger-not-verified", NOON + 27 * HOUR)
    assert detail == "The ledger has not been verified since 21 Nov 2026, 12:00."
    assert detail in health(NOON + 27 * HOUR).problems


def test_a_ledger_that_was_never_verified_is_one_after_a_day(live):
    assert sighted("ledger-not-verified", NOON + HOUR) == []
    assert sighted("ledger-not-verified", NOON + 27 * HOUR) == ["The ledger was never verified."]


def test_a_failure_is_one_that_names_what_was_found(live):
    verifications.run(live, Verification.Kind.FULL, at=NOON, given=[("mail", "no note")])
    (detail,) = sighted("ledger-not-verified", NOON + HOUR)
    assert detail.endswith("verification. A kept checkpoint cannot be read (mail).")


def test_a_checkpoint_that_did_not_arrive_for_a_day_is_one(live):
    row = {"ledger": live, "size": 3, "channel": "webhook", "recipient": "hook.example"}
    CheckpointDelivery.objects.create(**row, at=NOON, ok=True)
    CheckpointDelivery.objects.create(**row, at=NOON + 25 * HOUR, ok=False, error="x")
    assert sighted("checkpoint-not-delivered", NOON + 25 * HOUR) == []
    assert sighted("checkpoint-not-delivered", NOON + 27 * HOUR) == [
        "Not delivered for a day: webhook hook.example"
    ]
