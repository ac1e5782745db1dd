"""Pairs of roles and grants that one person may not hold are data, kept and ended by officers."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from guardian.shortcuts import assign_perm

from policies.models import ExclusiveRoles
from policies.services import duties
from policies.services.duties import Held, clashes, keep_pair
from policies.services.trail import Refused
from policies.tests import make

pytestmark = pytest.mark.django_db
WHY = "Who decides does not examine the decisions."


def pair(first="role:Auditor", second="role:Compliance officer", **fields):
    return keep_pair(first, second, reason=WHY, by=make.person("officer"), at=make.NOON, **fields)


@pytest.mark.parametrize(
    ("roles", "grants", "expected"),
    [
        (set(), {}, False),
        ({"Auditor"}, {}, False),
        ({"Auditor"}, {7: {"send_prompt"}}, True),
        ({"Auditor"}, {7: {"read_log"}}, False),
        ({"Viewer"}, {7: {"send_prompt"}}, False),
    ],
)
def test_a_role_excludes_a_grant_on_any_integration(roles, grants, expected):
    held = Held(frozenset(roles), {pk: frozenset(names) for pk, names in grants.items()})
    assert (
        clashes(held, ExclusiveRoles(first="grant:send_prompt", second="role:Auditor")) is expected
    )


def test_two_grants_exclude_each_other_on_one_integration_alone():
    apart = ExclusiveRoles(first="grant:read_log", second="grant:send_prompt")
    here, there = frozenset({"read_log"}), frozenset({"send_prompt"})
    assert clashes(Held(grants={1: here | there}), apart)
    assert not clashes(Held(grants={1: here, 2: there}), apart)


def test_a_pair_is_kept_once_whichever_way_round_it_is_said():
    pair()
    with pytest.raises(Refused, match="kept already"):
        pair("role:Compliance officer", "role:Auditor")
    with pytest.raises(Refused, match="different"):
        pair("role:Auditor", "role:Auditor")
    with pytest.raises(Refused, match="from the list"):
        pair("role:Auditor", "role:Root")
    assert ExclusiveRoles.objects.count() == 1


def test_a_grant_is_refused_to_who_holds_the_other_of_a_pair():
    pair("grant:send_prompt", "role:Auditor")
    auditor, integration = make.person("auditor"), make.active_integration()
    with pytest.raises(Refused, match=r"One person may not hold both.*Auditor"):
        duties.refuse_conflict(
            users=[auditor.pk], permission="send_prompt", integration=integration
        )
    duties.refuse_conflict(users=[auditor.pk], permission="read_log", integration=integration)
    viewer = make.person("viewer")
    duties.refuse_conflict(users=[viewer.pk], permission="send_prompt", integration=integration)


def test_a_pair_that_ended_keeps_nothing_apart_and_may_be_kept_anew():
    old = pair()
    officer = make.person("officer")
    duties.end_pair(old, by=officer, at=make.NOON)
    duties.refuse_roles((), ["Auditor", "Compliance officer"], user_id=None)
    with pytest.raises(Refused, match="ended already"):
        duties.end_pair(old, by=officer, at=make.NOON)
    pair()
    with pytest.raises(Refused):
        duties.refuse_roles((), ["Auditor", "Compliance officer"], user_id=None)


def test_roles_that_stay_as_they_are_are_not_refused():
    """Who holds both since before is a finding; a corrected name still goes through."""
    pair()
    both = ["Auditor", "Compliance officer"]
    duties.refuse_roles(both, both, user_id=None)
    with pytest.raises(Refused):
        duties.refuse_roles(both[:1], both, user_id=None)


def test_who_holds_both_by_another_way_is_found():
    pair("grant:send_prompt", "role:Auditor")
    auditor, integration = make.person("auditor"), make.active_integration()
    assert list(duties.conflicts()) == []
    assign_perm("policies.send_prompt", auditor, integration)
    assert [pk for pk, _ in duties.conflicts()] == [auditor.pk]
    auditor.is_active = False
    auditor.save()
    assert list(duties.conflicts()) == []


def test_the_portal_begins_with_pairs_and_does_not_bring_back_what_officers_ended():
    duties.load_pairs(at=make.NOON)
    kept = ExclusiveRoles.objects.live()
    assert kept.count() == len(duties.STARTING)
    for each in kept:
        duties.end_pair(each, by=make.person("officer"), at=make.NOON)
    duties.load_pairs(at=make.NOON)
    assert not ExclusiveRoles.objects.live().exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda: ExclusiveRoles.objects.update(reason="Another one."),
        lambda: ExclusiveRoles.objects.all().delete(),
    ],
    ids=["update", "delete"],
)
def test_nothing_of_a_pair_changes_but_its_end(change):
    pair()
    with pytest.raises(IntegrityError), transaction.atomic():
        change()


def test_an_officer_keeps_a_pair_and_ends_it_by_the_pages(client):
    client.force_login(make.person("officer"))
    sent = {"first": "role:Viewer", "second": "role:Engineer", "reason": WHY}
    assert client.post(reverse("policies:exclusiveroles-create"), sent).status_code == 302
    made = ExclusiveRoles.objects.get()
    assert (made.first, made.second) == ("role:Engineer", "role:Viewer")
    page = client.get(reverse("policies:exclusiveroles-list")).content.decode()
    assert WHY in page
    client.post(reverse("policies:exclusiveroles-end", args=[made.pk]))
    made.refresh_from_db()
    assert made.ended_at is not None
    rows = b"".join(client.get(reverse("policies:exclusiveroles-export", args=["csv"])))
    assert b"Engineer,Viewer" in rows


def test_what_is_no_duty_is_refused_without_repeating_it(client):
    client.force_login(make.person("officer"))
    sent = {"first": "role:Mr Smith", "second": "role:Engineer", "reason": WHY}
    answer = client.post(reverse("policies:exclusiveroles-create"), sent)
    assert answer.status_code == 200
    assert b"Smith" not in answer.content
    assert not ExclusiveRoles.objects.exists()


def test_the_list_asks_few_queries(client, django_assert_max_num_queries):
    client.force_login(make.person("officer"))
    duties.load_pairs(at=make.NOON - dt.timedelta(days=1))
    integration = make.active_integration()
    for _ in range(5):
        assign_perm("policies.send_prompt", make.person("auditor"), integration)
    client.get(reverse("policies:exclusiveroles-list"))
    with django_assert_max_num_queries(12):
        page = client.get(reverse("policies:exclusiveroles-list"))
    assert len(page.context["conflicts"]) == 5
