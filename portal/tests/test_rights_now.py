"""What pages ask of grants: at the moment, in one query, and of today whatever day is read."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from audits.services.reading import readable_integrations
from policies.services import directory, grants
from policies.services.granting import settle, withdraw_grant
from policies.services.principals import principal_of
from policies.services.settling import granted
from policies.tests import make
from vendors import as_of
from vendors.tests.make import TODAY, done_by

HOUR = dt.timedelta(hours=1)
INSTANT = dt.timedelta(microseconds=1)


def again(person):
    """As another request finds them: Django keeps what it asked with the object."""
    return type(person).objects.get(pk=person.pk)


def readers(integration) -> dict[int, bool]:
    """By person: whether the page and the log itself let them read; they say the same."""
    found = {}
    for person in type(integration.owner).objects.all():
        page = grants.may(person, "read_log", integration)
        assert page == ("read_log" in grants.actions(again(person), integration))
        log = readable_integrations(person)
        if log is not None:
            assert page == (integration.pk in log)
        found[person.pk] = page
    return found


def test_a_page_stops_with_the_grant_before_any_job_has_run(db):
    integration, now = make.active_integration(), timezone.now()
    ended, stands, later = (make.person("engineer") for _ in range(3))
    member = make.person("engineer")
    group = directory.add_group("Readers", source="portal", at=now)
    directory.change_members(
        group, add=[principal_of(member, at=now)], by=make.person("officer"), at=now
    )
    make.grant(integration, ended, "read_log", at=now - HOUR, ends_at=now - INSTANT)
    make.grant(integration, group, "read_log", at=now - HOUR, ends_at=now - INSTANT)
    make.grant(integration, stands, "read_log", at=now - HOUR, ends_at=now + HOUR)
    make.grant(integration, later, "read_log", at=now - HOUR, starts_at=now + HOUR)
    rows = {pk for pk, name in granted()[integration.pk] if name == "read_log"}
    # What no job has taken back yet.
    assert {ended.pk, member.pk} <= rows
    before = readers(integration)
    assert {pk for pk, may in before.items() if may} == {stands.pk, integration.owner_id}
    settle(timezone.now())
    assert readers(integration) == before
    rows = {pk for pk, name in granted()[integration.pk] if name == "read_log"}
    assert rows == {stands.pk, integration.owner_id}


def test_what_a_member_has_by_a_group_ends_with_the_membership_and_with_the_person(db):
    integration, now = make.active_integration(), timezone.now()
    stays, goes, leaves = (make.person("engineer") for _ in range(3))
    officer = make.person("officer")
    group = directory.add_group("Readers", source="portal", at=now)
    members = {each.pk: principal_of(each, at=now) for each in (stays, goes, leaves)}
    directory.change_members(group, add=members.values(), by=officer, at=now)
    make.grant(integration, group, "read_log", at=now - HOUR)
    assert all(readers(integration)[each.pk] for each in (stays, goes, leaves))
    directory.change_members(group, remove=[members[goes.pk]], by=officer, at=now)
    leaves.is_active = False
    leaves.save()
    assert [grants.may(again(each), "read_log", integration) for each in (stays, goes, leaves)] == [
        True,
        False,
        False,
    ]


def test_nothing_that_a_grant_should_give_comes_by_guardian_alone(db):
    integration, outside = make.active_integration(), make.person("viewer")
    for name in ("read_log", "view_output", "send_prompt", "manage_keys"):
        assign_perm(f"policies.{name}", outside, integration)
    assert grants.actions(outside, integration) == {"manage_keys"}
    assert not grants.may(outside, "view_output", integration)


def test_who_may_no_more_read_a_log_may_not_read_a_past_day_of_it(db):
    integration = make.active_integration()
    withdrawn, former = make.person("viewer"), integration.owner
    (given,) = make.grant(integration, withdrawn, "read_log", ends_at=timezone.now() + HOUR)
    done_by(make.NOON)
    officer, now = make.person("officer"), timezone.now()
    withdraw_grant(given, by=officer, at=now)
    grants.change_owner(integration, owner=make.person("engineer"), by=officer, at=now)
    late = make.person("viewer")
    make.grant(integration, late, "read_log", at=now)
    with as_of.reading(TODAY):
        # As things stood then.
        assert given.__class__.objects.get(pk=given.pk).state == "standing"
        assert readable_integrations(again(withdrawn)) == set()
        assert readable_integrations(again(former)) == set()
        assert not grants.may(again(withdrawn), "read_log", integration)
        assert not grants.may(again(former), "read_log", integration)
        assert readable_integrations(again(late)) == {integration.pk}
        assert grants.actions(again(late), integration) == {"read_log"}


@pytest.mark.parametrize("asks", ["owner", "viewer", "officer"])
def test_a_page_of_an_integration_asks_grants_once(client, db, asks):
    integration = make.active_integration()
    asking = integration.owner if asks == "owner" else make.person(asks)
    client.force_login(asking)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(reverse("policies:integration-detail", args=[integration.slug]))
    assert page.status_code == 200
    of_permissions = [q["sql"] for q in queries if "guardian_userobjectpermission" in q["sql"]]
    assert len(of_permissions) == 1, "\n".join(of_permissions)
