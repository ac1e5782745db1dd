"""Who may send prompts, see outputs and read logs at Alder Grove Health, and how it came about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from policies.models import ExclusiveRoles, Grant, Principal, PrincipalGroup
from policies.services import granting
from policies.services.duties import end_pair, keep_pair, load_pairs
from policies.services.granting import Wanted, settle
from policies.services.principals import principal_of
from portal.demo.acting import Company, acting
from portal.demo.knowing import known_at
from portal.demo.principals import AGENT, BILLING, CLINICIANS, CONTRACTOR
from portal.demo.uses import Step

SEND, VIEW, READ = (each.value for each in Grant.Permission)
PAIRS_DAY = -700


@dataclass(frozen=True)
class GrantPlan:
    """A grant of `days` from the day on which it is asked for or given.

    `holder` is somebody of the portal, a group by its name, or an actor as `kind:identifier`.
    Without `asked_by` an officer gives it unasked.
    """

    slug: str
    permission: str
    holder: str
    purpose: str
    day: int
    days: int
    asked_by: str = ""

    def wanted(self, alder: Company, at: dt.datetime) -> Wanted:
        kind, _, identifier = self.holder.partition(":")
        group = PrincipalGroup.objects.filter(name=self.holder).first()
        principal = None
        if self.holder in alder.people:
            principal = principal_of(alder.people[self.holder], at=at)
        elif group is None:
            principal = Principal.objects.get(kind=kind, identifier=identifier)
        return Wanted(
            permission=self.permission,
            purpose=self.purpose,
            ends_at=at + dt.timedelta(days=self.days),
            principal=principal,
            group=group,
        )


GIVEN = (
    GrantPlan(
        "visit-note-summaries",
        SEND,
        CLINICIANS,
        "Summaries of the visits that they take over",
        -86,
        300,
        "engineer",
    ),
    GrantPlan(
        "visit-note-summaries",
        VIEW,
        CLINICIANS,
        "They read each summary before it is used",
        -86,
        300,
        "engineer",
    ),
    GrantPlan(
        "code-review-helper",
        SEND,
        "service:code-review-helper",
        "Comments on each pull request",
        -86,
        360,
    ),
    GrantPlan(
        "call-center-transcripts",
        VIEW,
        f"user:{CONTRACTOR}",
        "Checks the transcripts of the first weeks",
        -83,
        180,
    ),
    GrantPlan(
        "prior-authorization-letters", SEND, BILLING, "Drafts of letters to payers", -80, 240
    ),
    GrantPlan(
        "visit-note-summaries",
        VIEW,
        "engineer2",
        "Compares the summaries of two models for a month",
        -75,
        30,
        "engineer2",
    ),
    GrantPlan(
        "prior-authorization-letters",
        SEND,
        f"agent:{AGENT}",
        "Trial: drafts overnight, staff signs in the morning",
        -40,
        120,
        "engineer2",
    ),
    GrantPlan(
        "prior-authorization-letters",
        READ,
        "viewer",
        "Answers a payer's questions about September",
        -22,
        30,
        "viewer",
    ),
)
REFUSED = GrantPlan(
    "code-review-helper",
    VIEW,
    "viewer",
    "Curious what it says about our code",
    -15,
    90,
    "viewer",
)
WAITING = GrantPlan(
    "prior-authorization-letters",
    READ,
    "engineer",
    "Takes over the letters while Esther is away",
    -1,
    45,
    "engineer",
)


def _give(plan: GrantPlan) -> list[Step]:
    """Given by an officer; or asked for, and approved by one the day after."""

    def give(alder: Company) -> None:
        at = alder.moment(plan.day, 13)
        with acting(alder.second_officer, at):
            integration = alder.integrations[plan.slug]
            granting.give_grant(integration, plan.wanted(alder, at), by=alder.second_officer, at=at)

    def approve(alder: Company) -> None:
        at = alder.moment(plan.day + 1, 9, 30)
        with acting(alder.second_officer, at):
            for grant in Grant.objects.asked_for().filter(purpose=plan.purpose):
                granting.approve_grant(grant, by=alder.second_officer, at=at, note="Needed for it.")

    if not plan.asked_by:
        return [Step(plan.day, give, 13)]
    return [_ask(plan), Step(plan.day + 1, approve, 9.5)]


def _ask(plan: GrantPlan) -> Step:
    def take(alder: Company) -> None:
        at, person = alder.moment(plan.day, 9, 50), alder.people[plan.asked_by]
        with acting(person, at):
            integration = alder.integrations[plan.slug]
            granting.request_grant(integration, plan.wanted(alder, at), by=person, at=at)

    return Step(plan.day, take, 9.8)


def _refuse(alder: Company) -> None:
    at = alder.moment(REFUSED.day + 1, 11, 20)
    with acting(alder.second_officer, at):
        grant = Grant.objects.asked_for().get(purpose=REFUSED.purpose)
        why = "Nothing in it is needed for your work: ask Esther to show you."
        granting.refuse_grant(grant, by=alder.second_officer, at=at, note=why)


def _break_in(day: int, slug: str, permission: str, hours: int, reason: str, who: str) -> Step:
    def take(alder: Company) -> None:
        at, person = alder.moment(day, 21, 10), alder.people[who]
        with acting(person, at):
            granting.break_in(
                alder.integrations[slug],
                permission=permission,
                by=person,
                at=at,
                reason=reason,
                hours=hours,
            )

    return Step(day, take, 21.2)


def _review(alder: Company) -> None:
    at = alder.moment(-32, 9)
    with acting(alder.officer, at):
        grant = Grant.objects.unreviewed().get()
        note = "Read with Esther: a wrong region since the release, put right at 22:40."
        granting.review_emergency(grant, by=alder.officer, at=at, note=note)


def keep_starting_pairs(alder: Company) -> None:
    """The pairs that a portal begins with, from its first day."""
    at = alder.moment(PAIRS_DAY, 8)
    with known_at(at):
        load_pairs(at=at)


def _keep_pairs(alder: Company) -> None:
    """An officer adds two pairs of their own, and finds later that one was too much."""
    at = alder.moment(-70, 10)
    with acting(alder.officer, at):
        for first, second, reason in (
            ("role:Compliance officer", "role:Engineer", "Who builds a use does not approve it."),
            ("grant:read_log", "role:Viewer", "Logs are for those who answer for a use."),
        ):
            keep_pair(first, second, reason=reason, by=alder.officer, at=at)


def _end_a_pair(alder: Company) -> None:
    at = alder.moment(-23, 15)
    with acting(alder.second_officer, at):
        pair = ExclusiveRoles.objects.live().get(first="grant:read_log", second="role:Viewer")
        end_pair(pair, by=alder.second_officer, at=at)


def settle_grants(at: dt.datetime) -> None:
    """Close what has ended, as a job does each minute."""
    with acting(None, at):
        settle(at)


STEPS = (
    Step(-70, _keep_pairs, 10),
    Step(-23, _end_a_pair, 15),
    *(step for plan in GIVEN for step in _give(plan)),
    _ask(REFUSED),
    Step(REFUSED.day + 1, _refuse, 11.3),
    _break_in(
        -33,
        "patient-portal-assistant",
        READ,
        2,
        "Patients get no answers since 20:40; the log says which calls fail.",
        "engineer2",
    ),
    Step(-32, _review),
    _break_in(
        -3,
        "prior-authorization-letters",
        VIEW,
        3,
        "A payer got a letter with a wrong dose; the draft has to be compared tonight.",
        "engineer",
    ),
    _ask(WAITING),
)
