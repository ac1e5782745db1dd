"""Who is behind the calls of Alder Grove Health: a directory of clinicians, and a file of the rest.

Their ids are those that the calls carry. One id of the calls stands in neither: nobody has said yet
who that is.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

from audits.services.actors import note_actors
from policies.services.principal_import import COLUMNS, import_principals, read_lines
from portal.demo.acting import Company, acting
from portal.demo.uses import Step
from portal.models import Directory
from portal.scim.callers import Caller
from portal.scim.groups import create as create_group
from portal.scim.people import change, create, people_of
from portal.scim.resources import Group, User
from portal.services.bearers import note_use
from portal.services.directory_tokens import issue_token, make_directory

DIRECTORY = "Entra ID of the clinics"
TOKEN_DAYS = 180
OFFICE = "203.0.113.0/24"
# Calls name staff u-1000 to u-1060; the last of them is in no list.
FIRST = 1000
IN_DIRECTORY = 36
CLINICIANS = "Primary care clinicians"
NURSES = "Care coordination nurses"
NURSES_FROM = 24
BILLING = "Billing team"
STAFF = (Path(__file__).parent / "staff.txt").read_text().splitlines()
# An older id than those that call.
LEFT, LEFT_DAY = ("u-988", "Hedda", "Lund"), -12
CONTRACTOR = "c-301"
AGENT = "prior-auth-drafter"
SERVICES = (
    ("visit-note-summaries", "Service of visit notes"),
    ("prior-authorization-letters", "Service of letters to payers"),
    ("patient-portal-assistant", "Patient portal"),
    ("code-review-helper", "Build server"),
    ("call-center-transcripts", "Telephone system"),
    ("claims-questions", "Claims warehouse"),
    ("warehouse-questions", "Finance warehouse"),
    ("policy-search-embeddings", "Search of handbooks"),
    ("newsletter-drafts", "Newsletter tool"),
)


def _person(number: int) -> tuple[str, str, str]:
    """Identifier, given and family name."""
    given, _, family = STAFF[number].partition(" ")
    return f"u-{FIRST + number}", given, family


def _address(given: str, family: str) -> str:
    return f"{given}.{family}@aldergrove.example".lower()


def _caller(alder: Company, day: int, hour: int) -> Caller:
    directory = Directory.objects.get(name=DIRECTORY)
    token = directory.tokens.get()
    at = alder.moment(day, hour)
    note_use(token, at=at)
    return Caller(directory, token, at)


def _connect(alder: Company) -> None:
    """The administrator connects the directory, which sends everybody within the hour."""
    admin, at = alder.people["admin"], alder.moment(-97, 8)
    with acting(admin, at):
        made = make_directory(DIRECTORY, kind=Directory.Kind.PRINCIPALS, by=admin, at=at)
        issue_token(made, cidrs=[OFFICE], days=TOKEN_DAYS, by=admin, at=at)
    caller = _caller(alder, -97, 9)
    with acting(None, caller.at):
        staff = [*map(_person, range(IN_DIRECTORY)), LEFT]
        ids = [str(create(caller, _resource(*each)).uid) for each in staff]
        for name, members in ((CLINICIANS, ids[:NURSES_FROM]), (NURSES, ids[NURSES_FROM:])):
            create_group(caller, Group(display_name=name), members)


def _resource(identifier: str, given: str, family: str, *, active: bool = True) -> User:
    body = {
        "userName": identifier,
        "name": {"givenName": given, "familyName": family},
        "displayName": f"{given} {family}",
        "emails": [{"value": _address(given, family), "primary": True}],
        "active": active,
    }
    return User.model_validate(body)


def _leave(alder: Company) -> None:
    """One of the clinicians leaves; the directory says so the same evening."""
    caller = _caller(alder, LEFT_DAY, 18)
    with acting(None, caller.at):
        entry = people_of(caller.directory).get(user_name=LEFT[0])
        change(caller, entry, _resource(*LEFT, active=False))


def _import(alder: Company) -> None:
    """An officer imports who is in no directory: billing, a contractor, services, an agent."""
    rows = [
        ("user", identifier, f"{given} {family}", _address(given, family), "active", BILLING)
        for identifier, given, family in map(_person, range(IN_DIRECTORY, len(STAFF)))
    ]
    rows.append(("user", CONTRACTOR, "Nadia Fell (contractor)", "", "active", ""))
    rows += [("service", slug, name, "", "active", "") for slug, name in SERVICES]
    rows.append(("agent", AGENT, "Drafter of authorizations", "", "active", ""))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, *rows])
    at = alder.moment(-96, 10)
    with acting(alder.officer, at):
        import_principals(read_lines(text.getvalue().encode()), by=alder.officer, at=at)


def note_callers(at: dt.datetime) -> None:
    """Note who called for the first time, as a job does each minute."""
    with acting(None, at):
        note_actors(at)


STEPS = (Step(-97, _connect), Step(-96, _import), Step(LEFT_DAY, _leave, 18))
