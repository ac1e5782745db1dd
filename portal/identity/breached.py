"""Passwords of known breaches, looked up in a file on this machine; nothing is asked outside.

The file is a list of SHA-1 hashes in order, a line each: 40 hexadecimal digits, then anything, such
as a colon and a count. That is what Have I Been Pwned gives out (about 40 GB, docs/sources.md), or
a shorter list of one's own. It is searched where it lies: some forty reads, no memory.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

LINE = re.compile(rb"([0-9A-Fa-f]{40})(?:[^0-9A-Fa-f].*)?", re.DOTALL)

logger = logging.getLogger(__name__)


class NotAList(ValueError):
    """The file is none of hashes in order."""


def is_listed(path: Path, password: str) -> bool:
    """Whether the list holds the password, as it was typed.

    Raises: OSError if the file cannot be read; NotAList if what is read of it are no hashes.
    """
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with path.open("rb") as file:
        # The line, if there is one, begins at `low` or later, and before `high`.
        low, high = 0, file.seek(0, io.SEEK_END)
        while low < high:
            middle = (low + high) // 2
            found = _line_from(file, middle)
            if found is None or (begins := found[0]) >= high:
                high = middle
            elif found[1] == wanted:
                return True
            elif found[1] < wanted:
                low = begins + 1
            else:
                high = middle
    return False


def check_list(path: Path) -> None:
    """Look at the ends and the middle of the list. Raises: OSError, NotAList."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        marks = [_line_from(file, size * part // 64) for part in range(64)]
    hashes = [mark[1] for mark in marks if mark]
    if not hashes or hashes != sorted(hashes):
        raise NotAList("Its hashes are not in order.")


def _line_from(file: BinaryIO, place: int) -> tuple[int, bytes] | None:
    """Where the first line that begins at `place` or later begins, and its hash; None after all."""
    file.seek(max(place - 1, 0))
    if place:
        file.readline(4096)  # the rest of the line before
    begins = file.tell()
    line = file.readline(4096).rstrip(b"\r\n")
    if not line:
        return None
    match = LINE.fullmatch(line)
    if match is None:
        raise NotAList("A line of it is no hash.")
    return begins, match[1].upper()


class BreachedValidator:
    """None that PASSWORD_BREACHED_FILE holds; without that setting it asks nothing."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raises: ValidationError, which never repeats the password."""
        if not settings.PASSWORD_BREACHED_FILE:
            return
        try:
            listed = is_listed(Path(settings.PASSWORD_BREACHED_FILE), password)
        except (OSError, NotAList) as trouble:
            logger.error(
                "the list of breached passwords cannot be read: %s", type(trouble).__name__
            )
            raise ValidationError(
                "The list of breached passwords cannot be read, so no password is taken now. Tell "
                "who runs this portal.",
                code="password_not_checked",
            ) from None
        if listed:
            raise ValidationError(
                "This password is in a list of passwords that leaked elsewhere; it will be tried.",
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return "Nothing that leaked elsewhere." if settings.PASSWORD_BREACHED_FILE else ""
