"""Recovery codes: shown once to their person, kept as salted hashes of a password's kind alone.

allauth keeps a seed that all codes can be made of again. Here nothing that is kept says a code: who
has the database and the key that seals it has a hash of Argon2id to guess 12 random digits by
(NIST SP 800-63B-4, 3.1.2.2). Until the page has shown them, new codes wait in their person's
session, sealed.
"""

from __future__ import annotations

import json
import re
import secrets

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from portal.identity.envelope import CannotOpen
from portal.identity.factor_secrets import seal, unseal

HASHES = "hashes"
WAITING = "recovery_codes_to_show"


def new_codes() -> list[str]:
    """Codes of MFA_RECOVERY_CODE_DIGITS random digits each (12: 39 bits)."""
    digits = app_settings.RECOVERY_CODE_DIGITS
    return [
        f"{secrets.randbelow(10**digits):0{digits}}"
        for _ in range(app_settings.RECOVERY_CODE_COUNT)
    ]


def kept_of(codes: list[str]) -> dict[str, list[str]]:
    """What is kept of `codes`: a hash of each with a salt of its own, sealed."""
    return {HASHES: [seal(make_password(code)) for code in codes]}


def renew(row: Authenticator) -> list[str]:
    """Put new codes in the place of whatever `row` holds. Returns: them; nothing else says them."""
    codes = new_codes()
    row.data = kept_of(codes)
    row.save(update_fields=["data"])
    return codes


def left(row: Authenticator) -> int:
    """How many codes have not been used."""
    return len(row.data[HASHES])


@transaction.atomic
def use_code(row: Authenticator, typed: str) -> bool:
    """Use up the code that was typed, spaces and dashes or not; False if it is none that is left.

    Under the lock of its row: of two requests with one code the second finds it gone.
    """
    code = re.sub(r"[\s-]", "", typed)
    if not re.fullmatch(rf"[0-9]{{{app_settings.RECOVERY_CODE_DIGITS}}}", code):
        return False  # no hash is worked out for what cannot be one
    locked = Authenticator.objects.select_for_update().filter(pk=row.pk).first()
    if locked is None:
        return False  # taken away meanwhile
    for sealed in locked.data[HASHES]:
        if check_password(code, unseal(sealed)):
            locked.data[HASHES].remove(sealed)
            locked.save(update_fields=["data"])
            row.data = locked.data
            return True
    return False


def keep_to_show(session: SessionBase, codes: list[str]) -> None:
    """Let new codes wait for the page that shows them."""
    session[WAITING] = seal(json.dumps(codes))


def take_to_show(session: SessionBase) -> list[str]:
    """The codes that wait to be shown, once; none if they were shown."""
    waiting = session.pop(WAITING, None)
    try:
        codes: list[str] = json.loads(unseal(waiting)) if waiting else []
    except CannotOpen:
        return []
    return codes
