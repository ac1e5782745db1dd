"""Bursts of security events: failed sign-ins, keys from new networks, changes of access."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from audits.bursts import Burst, Happened, bursts
from audits.models import SecurityEvent

Kind = SecurityEvent.Kind
FAILED = (
    Kind.SIGN_IN_FAILED,
    Kind.LOCKED_OUT,
    Kind.SECOND_FACTOR_FAILED,
    Kind.STEP_UP_FAILED,
    Kind.SSO_REFUSED,
    Kind.DIRECTORY_REFUSED,
)
ACCESS = (
    Kind.ROLE_CHANGED,
    Kind.GRANT_CHANGED,
    Kind.PERSON_ADDED,
    Kind.PERSON_BACK,
    Kind.FACTOR_RESET,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """So many events of these kinds with the same `column`, each within `gap` of the one before."""

    kinds: Sequence[str]
    column: str
    least: int
    gap: dt.timedelta


def of_person() -> Rule:
    """Failures of one person. allauth lets five wrong passwords through in five minutes, then
    locks: somebody who forgot stays below ten, somebody who guesses does not.
    """
    return Rule(FAILED, "user_id", settings.BURST_PERSON_FAILURES, settings.BURST_GAP)


def of_network() -> Rule:
    """Failures from one network: behind it may sit a whole office."""
    return Rule(FAILED, "network", settings.BURST_NETWORK_FAILURES, settings.BURST_GAP)


def of_key() -> Rule:
    """A key that moves once is a new server; three networks in a day are a key that went round."""
    return Rule(
        (Kind.KEY_NEW_NETWORK,), "key_id", settings.BURST_KEY_NETWORKS, dt.timedelta(days=1)
    )


def of_hand() -> Rule:
    """Changes of others' access by one person, faster than by looking at each."""
    return Rule(ACCESS, "by_id", settings.BURST_ACCESS_CHANGES, settings.BURST_GAP)


@dataclass(frozen=True, slots=True)
class Seen:
    """A burst with its first event; `entered` where a sign-in came soon after the failures."""

    burst: Burst
    first: SecurityEvent
    entered: bool


def events_of(rule: Rule, *, since: dt.datetime, until: dt.datetime) -> QuerySet[SecurityEvent]:
    """What the rule counts, in order; from a gap before `since`, so that no run is cut."""
    return SecurityEvent.objects.filter(
        kind__in=rule.kinds, at__gte=since - rule.gap, at__lt=until
    ).order_by("at", "pk")


def seen(
    rules: Sequence[Rule], *, since: dt.datetime, until: dt.datetime
) -> list[tuple[Rule, Seen]]:
    """Bursts that began within the time, rule by rule; both moments UTC, the last left out.

    The rules count the same kinds, with the same gap, by different columns: one query reads them.
    """
    columns = [rule.column for rule in rules]
    rows = list(
        events_of(rules[0], since=since, until=until).values_list("pk", "at", *columns).iterator()
    )
    found = []
    for number, rule in enumerate(rules, 2):
        # An event of the portal's own has no network, and a stranger is no person.
        happened = (Happened(row[0], row[1], row[number]) for row in rows if row[number])
        burst = bursts(happened, least=rule.least, gap=rule.gap, since=since)
        found += [(rule, each) for each in burst]
    if not found:
        return []
    firsts = SecurityEvent.objects.select_related("user", "by", "key__integration__owner")
    by_pk = firsts.in_bulk({burst.first_pk for _, burst in found})
    return [
        (rule, Seen(burst, by_pk[burst.first_pk], _entered(rule, burst))) for rule, burst in found
    ]


def _entered(rule: Rule, burst: Burst) -> bool:
    """Whether somebody signed in as the person, or from the network, before it was quiet again."""
    if rule.kinds is not FAILED:
        return False
    during = {"at__gte": burst.began_at, "at__lte": burst.ended_at + rule.gap}
    entries = SecurityEvent.objects.filter(kind=Kind.SIGN_IN, **during)
    return entries.filter(**{rule.column: burst.whose}).exists()
