"""Grants: asked for, decided on by another, ended; and guardian follows each step."""

import datetime as dt

import pytest

from policies.models import Grant, Principal
from policies.services import directory, granting
from policies.services.granting import Wanted
from policies.services.principals import principal_of
from policies.services.settling import granted, rights
from policies.services.trail import Refused
from policies.tests import make
from policies.tests.make import NOON

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def wanted(person_or_principal, permission="send_prompt", *, days=30, **fields) -> Wanted:
    whose = person_or_principal
    if not isinstance(whose, Principal):
        whose = principal_of(whose, at=NOON)
    return Wanted(
        permission=permission,
        principal=whose,
        purpose="Intake notes",
        ends_at=NOON + dt.timedelta(days=days),
        **fields,
    )


def test_what_is_asked_for_and_approved_by_another_can_be_used_until_it_is_withdrawn(db):
    integration, engineer, officer = make.integration(), make.person(), make.person("officer")
    asked = granting.request_grant(integration, wanted(engineer), by=engineer, at=NOON)
    assert asked.state == "requested"
    assert (engineer.pk, "send_prompt") not in granted()[integration.pk]
    with pytest.raises(Refused, match="another officer"):
        granting.approve_grant(asked, by=engineer, at=NOON)
    granting.approve_grant(asked, by=officer, at=NOON)
    assert (engineer.pk, "send_prompt") in granted()[integration.pk]
    assert granted() == rights(NOON)
    granting.withdraw_grant(asked, by=officer, at=NOON + HOUR, note="No longer needed")
    assert (engineer.pk, "send_prompt") not in granted()[integration.pk]
    asked.refresh_from_db()
    assert (asked.state, asked.ended_by_id) == ("withdrawn", officer.pk)
    kinds = list(integration.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["grant_asked", "grant_given", "grant_withdrawn"]


def test_emergency_access_ends_by_itself_and_is_reviewed_by_another(db):
    integration, engineer, officer = make.integration(), make.person(), make.person("officer")
    reason = "Patient portal is down"
    with pytest.raises(Refused, match="4 hours"):
        granting.break_in(
            integration, permission="view_output", by=engineer, at=NOON, reason=reason, hours=5
        )
    grant = granting.break_in(
        integration, permission="view_output", by=engineer, at=NOON, reason=reason
    )
    assert (engineer.pk, "view_output") in granted()[integration.pk]
    with pytest.raises(Refused, match="not ended"):
        granting.review_emergency(grant, by=officer, at=NOON, note="Looked")
    later = NOON + 4 * HOUR
    assert granting.settle(later).ended == 1
    assert granting.settle(later) == granting.settle(later).__class__()
    assert (engineer.pk, "view_output") not in granted()[integration.pk]
    with pytest.raises(Refused, match="Somebody else"):
        granting.review_emergency(grant, by=engineer, at=later, note="Mine")
    with pytest.raises(Refused, match="review"):
        granting.break_in(
            integration, permission="view_output", by=engineer, at=later, reason=reason
        )
    granting.review_emergency(grant, by=officer, at=later, note="Justified")
    granting.break_in(integration, permission="view_output", by=engineer, at=later, reason=reason)


def test_a_member_holds_what_the_group_holds_and_nobody_adds_themselves(db):
    integration, engineer, officer = make.integration(), make.person(), make.person("officer")
    group = directory.add_group("Clinicians", source="portal", at=NOON)
    terms = Wanted(permission="send_prompt", group=group, purpose="Notes", ends_at=NOON + 30 * DAY)
    granting.give_grant(integration, terms, by=officer, at=NOON)
    with pytest.raises(Refused, match="themselves"):
        directory.change_members(group, add=[principal_of(officer, at=NOON)], by=officer, at=NOON)
    directory.change_members(group, add=[principal_of(engineer, at=NOON)], by=officer, at=NOON)
    assert (engineer.pk, "send_prompt") in granted()[integration.pk]
    assert granting.end_grants_of(engineer, by=officer, at=NOON, reason="Left") == 0
    assert (engineer.pk, "send_prompt") not in granted()[integration.pk]
    assert Grant.objects.get().state == "standing"
