"""People, their tokens, sessions and directories; one module a subject."""

from portal.models.directories import (
    Directory,
    DirectoryEvent,
    DirectoryGroup,
    DirectoryMember,
    DirectoryPerson,
    DirectoryToken,
)
from portal.models.people import PersonalToken, User, UserManager
from portal.models.sessions import PersonSession

__all__ = [
    "Directory",
    "DirectoryEvent",
    "DirectoryGroup",
    "DirectoryMember",
    "DirectoryPerson",
    "DirectoryToken",
    "PersonSession",
    "PersonalToken",
    "User",
    "UserManager",
]
