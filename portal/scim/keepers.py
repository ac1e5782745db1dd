"""Which module keeps what stands behind a directory's people: accounts, or principals."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from portal.models import Directory, DirectoryGroup, DirectoryPerson
from portal.scim import accounts, principals
from portal.scim.callers import Caller

People = Collection[DirectoryPerson]


class Keeper(Protocol):
    """What is done behind a directory's people and groups, each raising Refusal."""

    def link(self, entry: DirectoryPerson, caller: Caller, /) -> None: ...
    def follow_active(self, entry: DirectoryPerson, caller: Caller, /) -> None: ...
    def follow_name(self, entry: DirectoryPerson, caller: Caller, /) -> None: ...
    def group_made(self, group: DirectoryGroup, joined: People, caller: Caller, /) -> None: ...
    def group_changed(
        self, group: DirectoryGroup, joined: People, left: People, caller: Caller, /
    ) -> None: ...
    def group_gone(self, group: DirectoryGroup, gone: People, caller: Caller, /) -> None: ...


KEEPERS: dict[str, Keeper] = {
    Directory.Kind.PEOPLE: accounts,
    Directory.Kind.PRINCIPALS: principals,
}


def keeper(caller: Caller) -> Keeper:
    """What keeps the people of the directory that asks."""
    return KEEPERS[caller.directory.kind]
