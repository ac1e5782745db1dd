"""Checks of security events: bursts of failures and denials, keys that go round, many changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial

from audits.bursts import Burst
from audits.services.denial_bursts import Denied, denied_often
from audits.services.security_bursts import (
    Rule,
    Seen,
    of_hand,
    of_key,
    of_network,
    of_person,
    seen,
)
from evidence.models import Finding
from evidence.monitoring.sightings import (
    Asked,
    Check,
    Severity,
    Sighting,
    about,
    always,
    counted,
    integrations_of,
)
from policies.models import IntegrationKey

PERIOD = dt.timedelta(days=30)
# Every few minutes: what began lately. A burst that is going on for longer was told before.
LATELY = dt.timedelta(days=1)


def failed_sign_ins(
    asked: Asked, _until: dt.date, period: dt.timedelta = PERIOD
) -> Iterator[Sighting]:
    """Bursts of failed sign-ins of the last 30 days, by person and by network; one for each.

    High where somebody got in: a password that was guessed looks like this.
    """
    told = set()
    person = of_person()
    for rule, each in _seen([person, of_network()], asked, period):
        if each.first.pk in told:  # the same failures, counted for their network too
            continue
        told.add(each.first.pk)
        label = str(each.first.user) if rule is person else str(each.burst.whose)
        entered = ", then somebody got in" if each.entered else ""
        yield Sighting(
            subject=each.first,
            label=label,
            detail=f"{counted(each.burst.count, 'failure')} {_when(each.burst)}{entered}",
            severity=Finding.Severity.HIGH if each.entered else Finding.Severity.MEDIUM,
        )


def keys_on_the_move(
    asked: Asked, _until: dt.date, period: dt.timedelta = PERIOD
) -> Iterator[Sighting]:
    """Integrations one of whose keys came from several new networks within days of one another."""
    told = set()
    for _, each in _seen([of_key()], asked, period):
        key = each.first.key
        if key is None or key.integration_id in told:
            continue
        told.add(key.integration_id)
        networks = counted(each.burst.count, "new network")
        yield about(key.integration, f"Key {key.public_id} from {networks} {_when(each.burst)}")


def access_changed_often(
    asked: Asked, _until: dt.date, period: dt.timedelta = PERIOD
) -> Iterator[Sighting]:
    """People who changed roles, grants or factors of others very often within minutes."""
    for _, each in _seen([of_hand()], asked, period):
        yield Sighting(
            subject=each.first,
            label=str(each.first.by),
            detail=f"{counted(each.burst.count, 'change')} of others' access {_when(each.burst)}",
        )


def calls_denied_often(
    asked: Asked, _until: dt.date, period: dt.timedelta = PERIOD
) -> Iterator[Sighting]:
    """Integrations of which one actor's or one key's calls were denied very often within minutes.

    One for each, of its largest burst. Who called is in the log of calls alone.
    """
    largest: dict[int, Denied] = {}
    for each in denied_often(since=asked.at - period, until=asked.at):
        largest.setdefault(each.integration_id, each)
    if not largest:
        return
    keys = IntegrationKey.objects.in_bulk({each.key_id for each in largest.values() if each.key_id})
    for integration in integrations_of(largest):
        burst = largest[integration.pk]
        key = keys.get(burst.key_id) if burst.key_id else None
        whose = f"of key {key.public_id}" if key else "of one actor"
        why = f"; the first: {', '.join(burst.reasons)}" if burst.reasons else ""
        denials = f"{counted(burst.burst.count, 'denied call')} {whose} {_when(burst.burst)}"
        yield about(integration, f"{denials}{why}")


def _seen(rules: Sequence[Rule], asked: Asked, period: dt.timedelta) -> list[tuple[Rule, Seen]]:
    # No shorter than a burst is that has just become one.
    period = max(period, *(rule.gap * rule.least for rule in rules))
    return seen(rules, since=asked.at - period, until=asked.at)


def _when(burst: Burst) -> str:
    began, ended = burst.began_at, burst.ended_at
    minutes = max(1, round((ended - began).total_seconds() / 60))
    return f"in {counted(minutes, 'minute')} from {began:%-d %b %Y, %H:%M} UTC"


CHECKS = [
    Check(
        code="sign-in-burst",
        title="Many failed sign-ins",
        control="45 CFR 164.308(a)(5)(ii)(C), 164.308(a)(6); AICPA TSC CC6.1, CC7.2",
        remedy="Ask the person; if it was not them, reset password and factors, end sessions.",
        find=failed_sign_ins,
        watch=partial(failed_sign_ins, period=LATELY),
        severity=always(Severity.MEDIUM),
    ),
    Check(
        code="key-on-the-move",
        title="Key used from several new networks",
        control="45 CFR 164.312(d), 164.308(a)(1)(ii)(D); AICPA TSC CC6.1, CC7.2",
        remedy="Ask its owner where it runs; rotate it, and bind the new one to its networks.",
        find=keys_on_the_move,
        watch=partial(keys_on_the_move, period=LATELY),
        severity=always(Severity.HIGH),
    ),
    Check(
        code="access-changes-burst",
        title="Many changes of access at once",
        control="45 CFR 164.308(a)(4)(ii)(C); AICPA TSC CC6.2, CC6.3, CC7.2",
        remedy="See whether the changes were meant; take back what was not, and end the session.",
        find=access_changed_often,
        watch=partial(access_changed_often, period=LATELY),
        severity=always(Severity.MEDIUM),
    ),
    Check(
        code="calls-denied-burst",
        title="Many denied calls at once",
        control="45 CFR 164.308(a)(1)(ii)(D), 164.308(a)(6); AICPA TSC CC6.1, CC7.2",
        remedy="See in the log of calls who asked for what; end the key if it was not meant.",
        find=calls_denied_often,
        watch=partial(calls_denied_often, period=LATELY),
        severity=always(Severity.MEDIUM),
    ),
]
