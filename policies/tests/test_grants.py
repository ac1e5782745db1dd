"""People and grants on one integration, and queries over approvals and owners."""

import datetime as dt

import pytest

from policies.models import Approval, Integration
from policies.services import grants, lifecycle
from policies.services.deciding import evaluate
from policies.services.granting import settle, withdraw_grant
from policies.services.lifecycle import Refused
from policies.services.prompt_grants import foremost
from policies.services.settling import granted
from policies.services.verdicts import allowed_ids, for_gate, verdicts
from policies.tests import make
from policies.tests.make import NOON
from vendors.tests.make import TODAY

DAY = dt.timedelta(days=1)


def test_a_grant_lets_a_known_actor_through_and_its_end_stops_them(db):
    integration = make.active_integration(known_actors_only=True)
    officer, colleague = make.person("officer"), make.person("engineer")
    assert evaluate(integration, TODAY).reasons == ("principal-not-granted",)
    (given,) = make.grant(integration, colleague, by=officer)
    assert list(foremost([integration], TODAY)[integration.pk]) == [f"user:{colleague.email}"]
    assert evaluate(integration, TODAY).allowed
    assert verdicts([integration], TODAY)[integration.pk].allowed
    withdraw_grant(given, by=officer, at=NOON)
    assert not evaluate(integration, TODAY).allowed
    assert not verdicts([integration], TODAY)[integration.pk].allowed
    kinds = list(integration.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["grant_given", "grant_withdrawn"]


def test_somebody_who_left_is_no_known_actor(db):
    integration = make.active_integration(known_actors_only=True)
    colleague = make.person("engineer")
    make.grant(integration, colleague)
    colleague.is_active = False
    colleague.save()
    assert evaluate(integration, TODAY).reasons == ("principal-not-granted",)


def test_nobody_grants_to_themselves_nor_what_is_not_a_grant(db):
    integration, officer = make.integration(), make.person("officer")
    with pytest.raises(Refused, match="themselves"):
        make.grant(integration, officer, "read_log", by=officer)
    for name in ("", "manage_keys", "approve_integration"):
        with pytest.raises(Refused, match="list"):
            make.grant(integration, integration.owner, name, by=officer)
    left = make.person("engineer")
    left.is_active = False
    left.save()
    with pytest.raises(Refused, match="left"):
        make.grant(integration, left, "read_log", by=officer)
    with pytest.raises(Refused, match="themselves"):
        grants.change_owner(integration, owner=officer, by=officer, at=NOON)


def test_a_new_owner_takes_over_what_the_old_one_could_do(db):
    integration, officer, successor = make.integration(), make.person("officer"), make.person()
    old = integration.owner
    assert grants.may(old, "manage_keys", integration)
    grants.change_owner(integration, owner=successor, by=officer, at=NOON)
    old, successor = (type(old).objects.get(pk=u.pk) for u in (old, successor))
    integration.refresh_from_db()
    assert integration.owner == successor
    assert grants.may(successor, "manage_keys", integration)
    assert not grants.may(old, "manage_keys", integration)
    assert not grants.may(old, "read_log", integration)
    with pytest.raises(Refused, match="already"):
        grants.change_owner(integration, owner=successor, by=officer, at=NOON)
    settle(NOON)
    assert (successor.pk, "read_log") in granted()[integration.pk]


def test_approvals_that_end_are_found_until_one_replaces_them(db):
    integration = make.active_integration()
    approval = integration.approvals.get()
    last = approval.expires_on
    assert list(Approval.objects.expiring(last - 30 * DAY, within_days=30)) == [approval]
    assert not Approval.objects.expiring(last - 31 * DAY, within_days=30).exists()
    assert list(Approval.objects.expiring(last, within_days=30)) == [approval]
    assert list(Approval.objects.lapsed(last + DAY)) == [approval]
    at = dt.datetime.combine(last, dt.time(9), dt.UTC)
    newer = lifecycle.renew(integration, by=make.person("officer"), at=at)
    assert list(Approval.objects.standing()) == [newer]
    lifecycle.change(integration, {"region": "eu-west-1"}, by=integration.owner, at=at)
    assert not Approval.objects.standing().exists()


def test_integrations_nobody_answers_for_are_found(db):
    owned, left, without = (make.integration() for _ in range(3))
    left.owner.is_active = False
    left.owner.save()
    Integration.objects.filter(pk=without.pk).update(owner=None)
    retired = make.integration(state="retired", owner=left.owner)
    assert set(Integration.objects.unowned()) == {left, without}
    assert owned not in Integration.objects.unowned()
    assert retired not in Integration.objects.unowned()


def test_verdicts_of_many_are_those_of_each_in_a_fixed_number_of_queries(
    db, django_assert_max_num_queries
):
    made = [make.active_integration() for _ in range(3)]
    made += [make.integration(), make.active_integration(region="eu-west-1")]
    make.active_integration(known_actors_only=True)
    one_by_one = {i.pk: evaluate(i, TODAY) for i in Integration.objects.all()}
    with django_assert_max_num_queries(14):
        found = verdicts(for_gate(Integration.objects.all()), TODAY)
    assert found == one_by_one
    assert allowed_ids(TODAY) == {pk for pk, v in one_by_one.items() if v.allowed}


def test_what_is_kept_of_the_answers_ends_with_the_epoch(db):
    integration = make.active_integration()
    assert allowed_ids(TODAY) == {integration.pk}
    lifecycle.suspend(integration, reason="Incident", by=make.person("officer"), at=NOON)
    assert allowed_ids(TODAY) == frozenset()
