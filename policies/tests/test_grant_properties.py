"""Whatever is done in whatever order: rights are what grants say, nobody approves their own."""

import datetime as dt
from contextlib import suppress

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.models import EMERGENCY_AT_MOST, Grant, GroupMembership, Principal, PromptGrant
from policies.services import directory, granting
from policies.services.granting import Wanted
from policies.services.grants import change_owner
from policies.services.principals import is_person, principal_of
from policies.services.settling import Settled, granted, rights
from policies.services.trail import Refused
from policies.tests import make
from policies.tests.make import NOON

HOUR = dt.timedelta(hours=1)
STEPS = (
    "request",
    "give",
    "give-group",
    "approve",
    "refuse",
    "withdraw",
    "break-in",
    "review",
    "join",
    "part",
    "own",
    "leave",
    "return",
    "settle",
)
STEP = st.tuples(
    st.sampled_from(STEPS),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 5),
    st.sampled_from([0, 1, 5]),
)


class World:
    """Three people, one group, one integration; time goes on by hours."""

    def __init__(self) -> None:
        self.people = [make.person(), make.person(), make.person()]
        self.integration = make.integration(owner=make.person())
        self.group = directory.add_group("Clinicians", source="csv", at=NOON)
        self.at = NOON

    def take(self, what: str, who: int, whom: int, which: int, hours: int) -> None:
        self.at += hours * HOUR
        by, other = self.people[who], self.people[whom]
        grants = list(Grant.objects.order_by("pk").select_related("integration"))
        grant = grants[which % len(grants)] if grants else None
        permission = Grant.Permission.values[which % 3]
        holder = {"principal": principal_of(other, at=self.at)}
        if what == "give-group":
            holder = {"group": self.group}
        wanted = Wanted(
            permission=permission, purpose="Notes", ends_at=self.at + 8 * HOUR, **holder
        )
        said = {"by": by, "at": self.at}
        principal = principal_of(other, at=self.at)
        steps = {
            "request": lambda: granting.request_grant(self.integration, wanted, **said),
            "give": lambda: granting.give_grant(self.integration, wanted, **said),
            "give-group": lambda: granting.give_grant(self.integration, wanted, **said),
            "approve": lambda: grant and granting.approve_grant(grant, **said),
            "refuse": lambda: grant and granting.refuse_grant(grant, note="No", **said),
            "withdraw": lambda: grant and granting.withdraw_grant(grant, **said),
            "break-in": lambda: granting.break_in(
                self.integration,
                permission=permission,
                reason="Patient portal is down",
                hours=which,
                **said,
            ),
            "review": lambda: grant and granting.review_emergency(grant, note="Seen", **said),
            "join": lambda: directory.change_members(self.group, add=[principal], **said),
            "part": lambda: directory.change_members(self.group, remove=[principal], **said),
            "own": lambda: change_owner(self.integration, owner=other, **said),
            "leave": lambda: directory.change_principal(principal, {"state": "left"}, **said),
            "return": lambda: directory.change_principal(principal, {"state": "active"}, **said),
            "settle": lambda: granting.settle(self.at),
        }
        with suppress(Refused), transaction.atomic():
            steps[what]()

    def right_now(self) -> set[tuple[int, str]]:
        """Who may what, counted by hand from the rows."""
        found = {(self.owner(), "read_log")}
        for grant in Grant.objects.all():
            members = GroupMembership.objects.filter(group_id=grant.group_id)
            ids = [grant.principal_id] if grant.principal_id else []
            ids += [m.principal_id for m in members] if grant.group_id else []
            if grant.state == "standing" and grant.starts_at <= self.at < grant.ends_at:
                active = Principal.objects.filter(pk__in=ids, state="active")
                found |= {(p.user_id, grant.permission) for p in active}
        return found

    def owner(self) -> int:
        self.integration.refresh_from_db()
        return self.integration.owner_id

    def check(self) -> None:
        pk = self.integration.pk
        assert rights(self.at)[pk] == self.right_now()
        senders = PromptGrant.objects.filter(starts_at__lte=self.at, ends_at__gt=self.at)
        mine = {principal_of(p, at=self.at).actor: p.pk for p in self.people}
        assert {mine[s.actor] for s in senders} == {
            user for user, name in self.right_now() if name == "send_prompt"
        }
        for grant in Grant.objects.select_related("principal", "decided_by", "reviewed_by"):
            for second in filter(None, (grant.decided_by, grant.reviewed_by)):
                assert second.pk != grant.asked_by_id
                assert grant.principal is None or not is_person(grant.principal, second)
            if grant.kind == "emergency":
                assert grant.ends_at - grant.starts_at <= EMERGENCY_AT_MOST
            elif grant.state == "standing":
                assert grant.decided_by_id is not None
        for member in GroupMembership.objects.select_related("principal", "added_by"):
            assert member.added_by is None or not is_person(member.principal, member.added_by)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=6, max_size=14))
def test_rights_are_what_grants_and_memberships_say_after_any_steps(db, steps):
    with transaction.atomic():
        world = World()
        for step in steps:
            world.take(*step)
        world.check()
        granting.settle(world.at)
        assert granted()[world.integration.pk] == world.right_now()
        assert granting.settle(world.at) == Settled()
        transaction.set_rollback(True)


@pytest.fixture
def asked(db):
    engineer = make.person("engineer")
    wanted = Wanted(
        permission="send_prompt",
        principal=principal_of(engineer, at=NOON),
        purpose="Notes",
        ends_at=NOON + HOUR,
    )
    return granting.request_grant(make.integration(), wanted, by=make.person(), at=NOON)


def approved_by_the_holder(grant):
    return {"state": "standing", "decided_by": grant.principal.user, "decided_at": NOON}


def approved_by_who_asked(grant):
    return {"state": "standing", "decided_by": grant.asked_by, "decided_at": NOON}


def standing_by_nobody(grant):
    return {"state": "standing"}


def longer_than_asked(grant):
    return {"ends_at": grant.ends_at + HOUR}


def of_somebody_else(grant):
    return {"principal": principal_of(make.person(), at=NOON)}


@pytest.mark.parametrize(
    "change",
    [
        approved_by_the_holder,
        approved_by_who_asked,
        standing_by_nobody,
        longer_than_asked,
        of_somebody_else,
    ],
)
def test_the_database_itself_refuses(asked, change):
    """Whatever code writes, and whatever form or payload told it to."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(pk=asked.pk).update(**change(asked))


@pytest.mark.parametrize("address", ["identifier", "email"])
def test_an_officer_gives_nothing_to_an_end_user_who_is_that_officer(db, address):
    """Though the principal has no account: it came from a file."""
    officer = make.person("officer")
    said = {"email": officer.email.upper()} if address == "email" else {}
    identifier = officer.email if address == "identifier" else "u-1042"
    end_user = directory.add_principal("user", identifier, source="csv", at=NOON, **said)
    with pytest.raises(Refused, match="themselves"):
        make.grant(make.integration(), end_user, by=officer)
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(
            integration=make.integration(),
            permission="send_prompt",
            principal=end_user,
            purpose="Mine",
            state="standing",
            starts_at=NOON,
            ends_at=NOON + HOUR,
            asked_at=NOON,
            decided_by=officer,
            decided_at=NOON,
        )


def test_a_grant_is_never_deleted_and_a_decision_stays(asked):
    granting.refuse_grant(asked, by=make.person("officer"), at=NOON, note="Not needed")
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(pk=asked.pk).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(pk=asked.pk).update(state="standing")
    with pytest.raises(Refused, match="refused already"):
        granting.approve_grant(asked, by=make.person("officer"), at=NOON)


def test_emergency_access_is_four_hours_at_most_in_the_database_too(db):
    engineer = make.person("engineer")
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(
            integration=make.integration(),
            permission="read_log",
            principal=principal_of(engineer, at=NOON),
            kind="emergency",
            purpose="Down",
            state="standing",
            starts_at=NOON,
            ends_at=NOON + 4 * HOUR + dt.timedelta(seconds=1),
            asked_by=engineer,
            asked_at=NOON,
        )
