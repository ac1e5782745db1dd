"""People as a directory creates, changes and ends them; every change is one transaction."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from portal.models import Directory, DirectoryEvent, DirectoryPerson
from portal.scim.accounts import is_address
from portal.scim.callers import Caller
from portal.scim.errors import Refusal, invalid, taken
from portal.scim.keepers import keeper
from portal.scim.resources import User

Kind = DirectoryEvent.Kind

# Each column and where the resource has it.
COLUMNS = {
    "user_name": ("user_name",),
    "external_id": ("external_id",),
    "display_name": ("display_name",),
    "formatted_name": ("name", "formatted"),
    "given_name": ("name", "given_name"),
    "family_name": ("name", "family_name"),
}


def people_of(directory: Directory) -> QuerySet[DirectoryPerson]:
    """The people whom this directory keeps now; those of another are not there."""
    return DirectoryPerson.objects.filter(directory=directory, deleted_at=None).select_related(
        "user", "principal"
    )


def begin(caller: Caller) -> None:
    """Let one change of a directory follow another: a group and its people change together."""
    if caller.holds_directory:
        return
    Directory.objects.select_for_update(no_key=True).get(pk=caller.directory.pk)


def completed(body: object) -> object:
    """A User as it was sent, with what directories leave out: active, and the address.

    Entra ID sends no e-mails of who has no mailbox; the user name then is the address.
    """
    if not isinstance(body, dict):
        return body
    names = {str(key).lower(): key for key in body}
    whole: dict[Any, Any] = dict(body)
    if whole.get(names.get("active")) is None:
        whole[names.get("active", "active")] = True
    user_name = whole.get(names.get("username"))
    if not whole.get(names.get("emails")) and isinstance(user_name, str) and is_address(user_name):
        whole[names.get("emails", "emails")] = [{"value": user_name, "primary": True}]
    return whole


def _value(resource: User, path: tuple[str, ...]) -> str:
    found: Any = resource
    for name in path:
        found = getattr(found, name, None)
    return str(found or "")


def _emails(resource: User) -> list[dict[str, object]]:
    found = []
    for email in resource.emails or ():
        address = (email.value or "").strip().lower()
        if not is_address(address):
            raise invalid("An e-mail address is not one.")
        kind = {"type": email.type.lower()} if email.type else {}
        first = {} if email.primary is None else {"primary": email.primary}
        found.append({"value": address, **kind, **first})
    return found


def _said(resource: User) -> dict[str, Any]:
    """What the resource says, by column. Raises: Refusal."""
    said: dict[str, Any] = {name: _value(resource, path) for name, path in COLUMNS.items()}
    if any("\x00" in text for text in said.values()):
        raise invalid("Text holds no null characters.")
    return said | {"emails": _emails(resource), "active": resource.active is not False}


def differs(entry: DirectoryPerson, resource: User) -> bool:
    """Whether the resource says anything that the entry does not say yet. Raises: Refusal."""
    return _is_new(entry, _said(resource))


def _is_new(entry: DirectoryPerson, said: dict[str, Any]) -> bool:
    return any(getattr(entry, name) != value for name, value in said.items())


def fill(entry: DirectoryPerson, resource: User) -> bool:
    """Write what the resource says into the entry, unsaved. Returns: whether that is a change.

    Raises: Refusal.
    """
    said = _said(resource)
    changed = _is_new(entry, said)
    for name, value in said.items():
        setattr(entry, name, value)
    return changed


def store(entry: DirectoryPerson) -> None:
    """Save the entry, as the last thing of a transaction that a refusal undoes.

    Raises: Refusal with 409 if its user name is taken.
    """
    try:
        entry.save()
    except IntegrityError:
        raise taken("Another person of this directory has this user name.") from None


@transaction.atomic(savepoint=False)
def create(caller: Caller, resource: User) -> DirectoryPerson:
    """Make a person of this directory, or take over the account of the same address.

    Raises: Refusal.
    """
    begin(caller)
    entry = DirectoryPerson(directory=caller.directory, created_at=caller.at, changed_at=caller.at)
    fill(entry, resource)
    # A user name that is taken, `store` tells of: nobody asks for it before.
    keeper(caller).link(entry, caller)
    store(entry)
    caller.note(Kind.ADDED, person=entry)
    return entry


@transaction.atomic(savepoint=False)
def change(caller: Caller, entry: DirectoryPerson, resource: User) -> DirectoryPerson:
    """Make the person what the resource says, its end or return included.

    Raises: Refusal.
    """
    was_active = entry.active
    if not fill(entry, resource):
        return entry
    if was_active != entry.active:
        keeper(caller).follow_active(entry, caller)
    keeper(caller).follow_name(entry, caller)
    entry.version += 1
    entry.changed_at = caller.at
    store(entry)
    kinds = {(True, False): Kind.ENDED, (False, True): Kind.RETURNED}
    caller.note(kinds.get((was_active, entry.active), Kind.CHANGED), person=entry)
    return entry


@transaction.atomic(savepoint=False)
def delete(caller: Caller, entry: DirectoryPerson) -> None:
    """End the person's access and let go of the entry; people are never deleted.

    Raises: Refusal.
    """
    if entry.active:
        entry.active = False
        keeper(caller).follow_active(entry, caller)
    for group in entry.groups.filter(deleted_at=None):
        group.version += 1
        group.changed_at = caller.at
        group.save()
    entry.groups.clear()
    entry.deleted_at = entry.changed_at = caller.at
    entry.version += 1
    entry.save()
    caller.note(Kind.DELETED, person=entry)


def found(caller: Caller, uid: uuid.UUID | None, *, lock: bool = False) -> DirectoryPerson:
    """The person with this id in this directory. Raises: Refusal with 404."""
    people = people_of(caller.directory)
    if lock:
        people = people.select_for_update(of=("self",))
    entry = people.filter(uid=uid).first() if uid else None
    if entry is None:
        raise Refusal(404, "No such person in this directory.")
    return entry
