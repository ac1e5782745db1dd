import datetime as dt

import pytest

from evidence.monitoring import unattended
from evidence.monitoring.sightings import Asked
from policies.services import policy_uses
from policies.tests import make
from policies.tests.make import NOON

pytestmark = pytest.mark.django_db


def test_broken_glass_is_a_finding_for_thirty_days():
    integration = make.active_integration()
    officer = make.person("officer")
    why = "The database is moved tonight."
    glass = policy_uses.break_glass(integration, hours=1, reason=why, by=officer, at=NOON)
    policy_uses.mend_glass(glass, by=officer, at=NOON + dt.timedelta(minutes=5))

    def found(days):
        at = NOON + dt.timedelta(days=days)
        return [
            (s.label, s.detail)
            for s in unattended.broken_glass(Asked(on=at.date(), at=at), at.date())
        ]

    assert found(1) == [(integration.name, "1 time in 30 days")]
    assert found(31) == []
