"""How passwords are kept, and which ones are taken: by length and by what is guessed first.

NIST SP 800-63B-4, 3.1.1.2: 15 characters where a password may stand alone, every character taken,
no rule of composition, no change by the calendar, none that lists of leaked passwords hold.
"""

from __future__ import annotations

import re
import string

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

# The order in which fingers and children go.
ROWS = (
    string.ascii_lowercase,
    "01234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)
FEWEST_CHARACTERS = 6  # different ones
SHORTEST_PIECE = 4
OF_THE_PLACE = ("countersign", "compliance", "portal", "password", "passwort", "hipaa", "soc2")
MARGIN = string.digits + string.punctuation + string.whitespace


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id, 46 MiB, two passes, one lane: twice the work of OWASP's first recommendation.

    Django's own parameters take 240 ms of a processor, eight lanes at once, so that a few people
    who sign in together wait for one another (`benchmarks/signin.py`). What was hashed with
    others is hashed anew at the next sign-in.
    """

    time_cost = 2
    memory_cost = 47_104  # KiB
    parallelism = 1


class LengthValidator:
    """At least `minimum` characters, at most `maximum`; every character counts."""

    def __init__(self, minimum: int = 15, maximum: int = 256) -> None:
        self.minimum = minimum
        self.maximum = maximum

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raises: ValidationError."""
        if len(password) < self.minimum:
            raise ValidationError(
                f"It needs at least {self.minimum} characters.", code="password_too_short"
            )
        if len(password) > self.maximum:
            raise ValidationError(
                f"It may have {self.maximum} characters at most.", code="password_too_long"
            )

    def get_help_text(self) -> str:
        return (
            f"At least {self.minimum} characters; spaces count. Four or five words that nobody "
            "else would join are good."
        )


class GuessableValidator(CommonPasswordValidator):
    """Nothing of the bundled list, alone, repeated, or with digits and signs around it.

    The list: 19,640 passwords by Royce Williams, which Django ships (docs/sources.md). Its words
    are short; it is by repeating them and by counting up behind them that people reach a length.
    """

    def __init__(self) -> None:
        super().__init__()

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raises: ValidationError, which never repeats the password."""
        plain = password.casefold()
        known = {*OF_THE_PLACE, *_words_of(settings.ORGANIZATION_NAME), *_words_about(user)}
        if (
            len(set(plain)) < FEWEST_CHARACTERS
            or _runs_along(plain)
            or self._is_known(plain, known)
            or self._is_known(_unit(plain), known)
        ):
            raise ValidationError(
                "This is among the first that would be tried: a common password, one repeated or "
                "with digits behind it, a run of keys, or a name that belongs to this place.",
                code="password_too_common",
            )

    def get_help_text(self) -> str:
        return "Nothing from the list of common passwords, no name of this place or yours."

    def _is_known(self, plain: str, known: set[str]) -> bool:
        core = plain.strip(MARGIN)
        letters = re.sub(r"[^a-z]", "", plain)
        return any(
            word in self.passwords or word in known
            for word in (plain, core, _unit(core), letters, _unit(letters))
            if word
        ) or (len(core) < SHORTEST_PIECE)


def _unit(text: str) -> str:
    """The shortest piece that `text` repeats, the last time perhaps cut off; else `text`."""
    for length in range(1, len(text) // 2 + 1):
        if (text[:length] * (len(text) // length + 1)).startswith(text):
            return text[:length]
    return text


def _runs_along(text: str) -> bool:
    """Whether three quarters of it follow a row of keys or the alphabet, either way."""
    pairs = {row[i : i + 2] for row in ROWS for i in range(len(row) - 1)}
    pairs |= {pair[::-1] for pair in pairs} | {char * 2 for char in text}
    steps = [text[i : i + 2] for i in range(len(text) - 1)]
    return bool(steps) and sum(step in pairs for step in steps) >= 0.75 * len(steps)


def _words_of(text: str) -> set[str]:
    plain = re.sub(r"[^a-z0-9]+", " ", text.casefold())
    return {
        plain.replace(" ", ""),
        *(word for word in plain.split() if len(word) >= SHORTEST_PIECE),
    }


def _words_about(user: AbstractBaseUser | None) -> set[str]:
    if user is None:
        return set()
    name = str(getattr(user, "full_name", ""))
    local, _, domain = str(getattr(user, "email", "")).partition("@")
    return _words_of(name) | _words_of(local) | _words_of(domain) | _words_of(f"{local}{domain}")
