"""Sign-ins at Alder Grove Health, and where its keys were used from."""

from __future__ import annotations

from audits.models import Call, SecurityEvent
from audits.services import uses
from audits.services.security import note_security
from policies.models import IntegrationKey
from portal.demo.access import FIRST_DAY, SECOND_DAY
from portal.demo.acting import Company
from portal.demo.knowing import known_at
from portal.demo.uses import Step

Kind = SecurityEvent.Kind
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
# Addresses that documentation may use: RFC 5737.
OFFICE, HOME, STRANGE = "203.0.113.20", "198.51.100.7", "192.0.2.44"
SERVERS, NEW_SERVER = "203.0.113.80", "198.51.100.90"
MOVED = "visit-note-summaries"
MOVED_DAY = -4
# Day, hour, minute, what, who (nobody here where empty), from where, with what, why.
HAPPENED = (
    (-20, 13, 2, Kind.PASSWORD_CHANGED, "engineer2", OFFICE, FIREFOX, ""),
    (-11, 3, 14, Kind.SIGN_IN_FAILED, "", STRANGE, "", ""),
    (-11, 3, 15, Kind.SIGN_IN_FAILED, "", STRANGE, "", ""),
    (-11, 3, 15, Kind.SIGN_IN_FAILED, "", STRANGE, "", ""),
    (-5, 14, 1, Kind.SIGN_IN_FAILED, "viewer", HOME, CHROME, ""),
    (-5, 14, 2, Kind.SIGN_IN_FAILED, "viewer", HOME, CHROME, ""),
    (-5, 14, 3, Kind.SIGN_IN, "viewer", HOME, CHROME, ""),
    (-5, 14, 31, Kind.SESSION_ENDED, "viewer", "", "", "idle"),
    (-3, 13, 20, Kind.SIGN_IN, "officer", OFFICE, FIREFOX, ""),
    (-3, 13, 44, Kind.STEPPED_UP, "officer", OFFICE, FIREFOX, ""),
    (-3, 14, 10, Kind.SIGNED_OUT, "officer", OFFICE, FIREFOX, ""),
    (-3, 21, 8, Kind.SIGN_IN, "engineer", HOME, CHROME, ""),
    (-2, 9, 5, Kind.SIGN_IN, "auditor", OFFICE, CHROME, ""),
    (-1, 9, 41, Kind.SIGN_IN, "engineer", OFFICE, CHROME, ""),
    (-1, 10, 12, Kind.SIGN_IN, "officer2", OFFICE, FIREFOX, ""),
)
BY_PASSWORD = {Kind.SIGN_IN, Kind.SIGN_IN_FAILED, Kind.STEPPED_UP}


def _happens(number: int) -> Step:
    day, hour, minute, kind, who, address, agent, reason = HAPPENED[number]

    def take(alder: Company) -> None:
        at = alder.moment(day, hour, minute)
        with known_at(at):
            note_security(
                kind,
                at=at,
                user=alder.people[who] if who else None,
                method="password" if kind in BY_PASSWORD else "",
                address=address,
                agent=agent,
                reason=reason,
            )

    return Step(day, take, hour + minute / 60)


def _use_keys(day: int) -> Step:
    """What the calls before that day say of when each key was used last, and from where."""

    def take(alder: Company) -> None:
        at = alder.moment(day, 0, 5)
        uses.forget()
        with known_at(at):
            for key in IntegrationKey.objects.usable(at).select_related("integration"):
                calls = Call.objects.filter(integration=key.integration, livemode=key.livemode)
                last = calls.filter(received_at__gte=key.created_at).order_by("-received_at")
                if found := last.values_list("received_at", flat=True).first():
                    moved = key.integration.slug == MOVED and day > MOVED_DAY
                    uses.note(key.pk, found, NEW_SERVER if moved else SERVERS)
            uses.write()

    return Step(day, take, 0.1)


STEPS = (
    *(_happens(number) for number in range(len(HAPPENED))),
    *(_use_keys(day) for day in (FIRST_DAY, SECOND_DAY, MOVED_DAY + 1)),
)
