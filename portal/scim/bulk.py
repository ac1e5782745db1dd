"""Many changes in one request (RFC 7644, section 3.7), each done or refused by itself.

Operations go in the order in which they were sent, but one that names another by `bulkId:` goes
after it. Some of them are stored by one transaction with one batch in the ledger, each in a
savepoint of its own: one that is refused undoes nothing but itself. Every answer is about what is
stored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from pydantic import ValidationError
from scim2_models import BulkResponse, SCIMException

from audits.api.limits import BUCKETS
from portal.models import Directory, DirectoryEvent, DirectoryGroup, DirectoryPerson
from portal.scim import people, writes
from portal.scim.accounts import absent
from portal.scim.answers import answer, etag, location
from portal.scim.asking import BUSY, NOT_TAKEN, door, sent
from portal.scim.callers import BELOW_TOKENS, Caller, TooFast
from portal.scim.errors import Refusal, error_of, invalid
from portal.scim.filters import read_id
from portal.scim.patching import member
from vendors.services.saving import raise_epoch_at_commit

logger = logging.getLogger(__name__)

MOST_OPERATIONS = 1_000
# How many one transaction stores: others who change people wait no longer than for these.
AT_ONCE = 100
LONGEST_ID = 100
# Of references that go round in a circle no more is followed.
MOST_DEEP = 20
REFERENCE = "bulkId:"

Row = DirectoryPerson | DirectoryGroup
CREATE: dict[str, Callable[..., Row]] = {"Users": writes.create_user, "Groups": writes.create_group}
CHANGE: dict[tuple[str, str], Callable[..., Row | None]] = {
    ("PUT", "Users"): writes.replace_user,
    ("PATCH", "Users"): writes.patch_user,
    ("DELETE", "Users"): writes.delete_user,
    ("PUT", "Groups"): writes.replace_group,
    ("PATCH", "Groups"): writes.patch_group,
    ("DELETE", "Groups"): writes.delete_group,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `kind` is Users or Groups, `uid` the resource, empty for a new one.

    `wrong` says why it cannot be tried at all.
    """

    method: str
    kind: str
    uid: str
    bulk_id: str
    known: frozenset[str]
    data: object
    wrong: Refusal | None = None

    @property
    def refers_to(self) -> frozenset[str]:
        """The operations that go before it: whom it changes, and the members that it names."""
        found = set(_references(self.data)) if self.kind == "Groups" else set()
        return frozenset(found | set(_names([self.uid])))


@dataclass(slots=True)
class Result:
    """What became of an operation: `row` where it was done and is still there."""

    operation: Operation
    status: int
    row: Row | None = None
    error: dict[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """As the standard answers it; of an error our own words alone."""
        done = self.operation
        body: dict[str, Any] = {"method": done.method} if done.method else {}
        if done.bulk_id:
            body["bulkId"] = done.bulk_id
        if self.row is not None:
            body |= {"version": etag(self.row), "location": location(done.kind[:-1], self.row.uid)}
        elif done.kind and read_id(done.uid):
            body["location"] = location(done.kind[:-1], done.uid.lower())
        elif done.method != "POST":
            body["location"] = location(done.kind[:-1] or "User", "")
        body["status"] = str(self.status)
        return body | ({"response": self.error} if self.error else {})


@dataclass(slots=True)
class Job:
    """The operations of a request, and what became of them so far."""

    operations: list[Operation]
    errors_left: int
    results: list[Result] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)

    def counted(self, result: Result) -> None:
        """Keep a result, and what was made for those who name it."""
        self.results.append(result)
        if result.error:
            self.errors_left -= 1
        elif result.row is not None and result.operation.bulk_id:
            self.made[result.operation.bulk_id] = str(result.row.uid)


def _names(values: Sequence[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and value.startswith(REFERENCE):
            yield value.removeprefix(REFERENCE)


def _references(data: object) -> Iterator[str]:
    """The operations that are named as a `value`, however deep."""
    if isinstance(data, dict):
        for name, value in data.items():
            if str(name).lower() == "value":
                yield from _names(value if isinstance(value, list) else [value])
            yield from _references(value)
    elif isinstance(data, list):
        for each in data:
            yield from _references(each)


def _resolved(data: Any, made: dict[str, str]) -> Any:
    """The same with the ids of what was made instead of the names of the operations."""
    if isinstance(data, dict):
        return {name: _resolved(value, made) for name, value in data.items()}
    if isinstance(data, list):
        return [_resolved(each, made) for each in data]
    if isinstance(data, str) and data.startswith(REFERENCE):
        return made.get(data.removeprefix(REFERENCE), data)
    return data


def _text(one: object, name: str) -> str:
    value = member(one, name)
    return value if isinstance(value, str) else ""


def _operation(one: object) -> Operation:
    """An operation as it was sent, with what is wrong with its envelope."""
    method = _text(one, "method").upper()
    kind, _, uid = _text(one, "path").removeprefix("/").partition("/")
    bulk_id, version = _text(one, "bulkid"), _text(one, "version")
    wrong: Refusal | None = None
    if method not in ("POST", "PUT", "PATCH", "DELETE"):
        method, wrong = "", invalid("An operation is POST, PUT, PATCH or DELETE.")
    elif kind not in CREATE or (method == "POST") != (not uid):
        wrong = Refusal(400, "The path is /Users or /Groups, with the id but for POST.", "noTarget")
    elif len(bulk_id) > LONGEST_ID or (method == "POST" and not bulk_id):
        words = f"A POST has a bulkId, of {LONGEST_ID} characters at most."
        wrong = Refusal(400, words, "invalidValue")
    elif method != "DELETE" and not isinstance(member(one, "data"), dict):
        wrong = Refusal(400, "A POST, PUT or PATCH has data.", "invalidSyntax")
    known = frozenset([version] if version else [])
    bulk_id = bulk_id[:LONGEST_ID]
    kind = kind if kind in CREATE else ""
    return Operation(method, kind, uid, bulk_id, known, member(one, "data"), wrong)


def read_job(body: object) -> Job:
    """The operations of a request, in the order in which they go. Raises: Refusal."""
    listed, most_errors = member(body, "operations"), member(body, "failonerrors")
    if not isinstance(listed, list) or not listed:
        raise Refusal(400, "A bulk has operations.", "invalidSyntax")
    if len(listed) > MOST_OPERATIONS:
        raise Refusal(413, f"A bulk has {MOST_OPERATIONS} operations at most (maxOperations).")
    if most_errors is None:
        most_errors = len(listed)
    if isinstance(most_errors, bool) or not isinstance(most_errors, int) or most_errors < 1:
        raise Refusal(400, "failOnErrors is a whole number from 1 on.", "invalidValue")
    read = [_operation(one) for one in listed]
    ids = [each.bulk_id for each in read if each.bulk_id]
    if len(set(ids)) < len(ids):
        raise Refusal(400, "Two operations have the same bulkId.", "invalidValue")
    return Job(ordered(read), most_errors)


def ordered(read: Sequence[Operation]) -> list[Operation]:
    """The operations so that each follows those that it names; otherwise as they came."""
    by_id = {each.bulk_id: number for number, each in enumerate(read) if each.bulk_id}
    placed: set[int] = set()
    found: list[Operation] = []

    # A group names people, who name nobody: no chain is longer than two.
    def place(number: int, before: Collection[int]) -> None:
        if number in placed:
            return
        for name in sorted(read[number].refers_to & by_id.keys()):
            if by_id[name] not in before and len(before) < MOST_DEEP:
                place(by_id[name], {*before, number})
        if number not in placed:
            placed.add(number)
            found.append(read[number])

    for number in range(len(read)):
        place(number, {number})
    return found


def bulk(caller: Caller, request: HttpRequest) -> HttpResponse:
    job = read_job(sent(request))
    # The request itself was counted when it came.
    limit, more = settings.SCIM_REQUESTS_PER_MINUTE, len(job.operations) - 1
    allowance = BUCKETS.take(BELOW_TOKENS - caller.token.pk, limit, more)
    if more and allowance.wait_seconds:
        raise TooFast(allowance.wait_seconds)
    for first in range(0, len(job.operations), AT_ONCE):
        if job.errors_left <= 0:
            break
        _store(caller, job, job.operations[first : first + AT_ONCE])
    results = [each.body() for each in job.results]
    return answer({"schemas": [str(BulkResponse.__schema__)], "Operations": results})


def _store(caller: Caller, job: Job, operations: Sequence[Operation]) -> None:
    """Do these in one transaction, until there were as many errors as the caller takes."""
    tried = replace(job, results=[], made=dict(job.made))
    try:
        with transaction.atomic():
            raise_epoch_at_commit()
            people.begin(caller)
            events: list[DirectoryEvent] = []
            inside = replace(caller, events=events, absent=_absent(caller, operations))
            for each in operations:
                if tried.errors_left > 0:
                    tried.counted(_done(inside, each, tried.made))
            DirectoryEvent.objects.bulk_create(events)
    except OperationalError:
        # Nothing of these is stored: each of them may be sent again.
        logger.error(NOT_TAKEN)
        for each in operations:
            job.counted(_refused(each, BUSY))
        return
    job.results += tried.results
    job.made, job.errors_left = tried.made, tried.errors_left


def _refused(operation: Operation, raised: SCIMException | ValidationError) -> Result:
    error = error_of(raised)
    return Result(operation, error.status or 400, error=error.model_dump())


def _absent(caller: Caller, operations: Sequence[Operation]) -> set[str]:
    """The addresses of new people that nobody has: asked once, not once for each."""
    if caller.directory.kind != Directory.Kind.PEOPLE:
        return set()
    new = [each.data for each in operations if (each.method, each.kind) == ("POST", "Users")]
    found = [member(data, "username") for data in new]
    for data in new:
        emails = member(data, "emails")
        found += [member(each, "value") for each in emails] if isinstance(emails, list) else []
    return absent({text.strip().lower() for text in found if isinstance(text, str)})


def _done(caller: Caller, operation: Operation, made: dict[str, str]) -> Result:
    assert caller.events is not None  # as `_store` gives it
    noted = len(caller.events)
    try:
        return _tried(caller, operation, made)
    except (SCIMException, ValidationError) as raised:
        # What it noted is undone with it.
        del caller.events[noted:]
        result = _refused(operation, raised)
        if result.status in (400, 403, 409):
            caller.note(DirectoryEvent.Kind.REFUSED)
        return result


def _tried(caller: Caller, operation: Operation, made: dict[str, str]) -> Result:
    """Raises: SCIMException, ValidationError."""
    if operation.wrong is not None:
        raise operation.wrong
    if not operation.refers_to <= made.keys():
        raise Refusal(409, "It names an operation that is not there or was not done.")
    data = operation.data
    if operation.kind == "Groups":
        data = _resolved(data, made)
    if operation.method == "POST":
        return Result(operation, 201, CREATE[operation.kind](caller, data))
    change = CHANGE[operation.method, operation.kind]
    uid = _resolved(operation.uid, made)
    if operation.method == "DELETE":
        change(caller, uid, known=operation.known)
        return Result(operation, 204)
    return Result(operation, 200, change(caller, uid, data, known=operation.known))


bulk_view = door({"POST": bulk})
