"""What must be apart and is in one hand becomes a finding, and goes with it."""

import datetime as dt

import pytest
from guardian.shortcuts import assign_perm, remove_perm

from evidence.models import Finding
from evidence.services.findings import flag_findings, start_run
from policies.services import duties
from policies.services.keys import revoke_key
from policies.tests import make

pytestmark = pytest.mark.django_db


def found(at):
    flag_findings(start_run(on=at.date(), at=at), at=at)
    return list(Finding.objects.open().filter(check_code="duties-in-one-hand"))


def test_a_pair_in_one_hand_is_a_finding_until_it_is_apart():
    duties.load_pairs(at=make.NOON)
    auditor, integration = make.person("auditor"), make.active_integration()
    assert found(make.NOON) == []
    assign_perm("policies.send_prompt", auditor, integration)
    [finding] = found(make.NOON + dt.timedelta(hours=1))
    assert finding.subject == auditor
    assert "Send prompts (granted) and Auditor" in finding.detail
    remove_perm("policies.send_prompt", auditor, integration)
    assert found(make.NOON + dt.timedelta(hours=2)) == []


def test_a_key_that_somebody_who_left_has_seen_is_a_finding_until_it_is_rotated():
    integration = make.active_integration()
    key, _secret = make.key(integration, created_by=make.person("engineer"))
    flag_findings(start_run(on=make.TODAY, at=make.NOON), at=make.NOON)
    assert not Finding.objects.filter(check_code="key-of-who-left").exists()
    key.created_by.is_active = False
    key.created_by.save()
    later = make.NOON + dt.timedelta(hours=1)
    flag_findings(start_run(on=make.TODAY, at=later), at=later)
    [finding] = Finding.objects.open().filter(check_code="key-of-who-left")
    assert (finding.subject, finding.detail) == (
        integration,
        "1 key made by people who have left",
    )
    revoke_key(key, by=make.person("officer"), at=later)
    later += dt.timedelta(hours=1)
    flag_findings(start_run(on=make.TODAY, at=later), at=later)
    assert not Finding.objects.open().filter(check_code="key-of-who-left").exists()
