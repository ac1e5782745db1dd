"""What an action puts in the place of a value: one function for engine, portal and client."""

from __future__ import annotations

from countersign.masking.ff1 import ff1
from countersign.masking.generalizing import general
from countersign.masking.keys import Keys, SchemeRefused, hmac_token, siv_token
from countersign.masking.surrogates import surrogate
from countersign.masking.tokens import Session, label
from countersign.rules.actions import SCHEMES

# Actions that put the value itself, or nothing, in its place.
PLAIN = frozenset({"allow", "drop"})
KEYED = frozenset({"hmac", "aes-siv", "ff1"})
# What can be put back: by the session, or by whoever has the keys.
REVERSIBLE = frozenset({"random", "surrogate", "aes-siv", "ff1"})


def replacement(
    action: str,
    scheme: str | None,
    kind: str,
    value: str,
    session: Session,
    keys: Keys | None = None,
) -> str:
    """What goes out instead of `value`; `scheme` None or empty is the action's default.

    The same for the same session, kind and value. A kind without a general form is masked by its
    label instead, which says less. Raises: SchemeRefused (its text holds no value) for an action
    that replaces nothing, a scheme of another action, a keyed one without keys, or a value that
    the scheme cannot take; UnknownKind.
    """
    schemes = SCHEMES.get(action, ())
    if scheme and scheme not in schemes:
        raise SchemeRefused("this action has no such scheme")
    if schemes:
        return _by_scheme(scheme or schemes[0], kind, value, session, keys)
    if action == "generalize":
        return general(kind, value, on=session.started_on) or masked(kind)
    if action == "mask":
        return masked(kind)
    if action not in PLAIN:
        raise SchemeRefused("this action puts nothing in the place of a value")
    return value if action == "allow" else ""


def masked(kind: str) -> str:
    """The label that hides a value for good, such as `[[NAME]]`. Raises: UnknownKind."""
    return f"[[{label(kind)}]]"


def _by_scheme(scheme: str, kind: str, value: str, session: Session, keys: Keys | None) -> str:
    if scheme == "random":
        return session.token(kind, value)
    if scheme == "surrogate":
        return surrogate(session, kind, value)
    if keys is None:
        raise SchemeRefused("this scheme needs the tenant's keys, and there are none here")
    return {"hmac": hmac_token, "aes-siv": siv_token, "ff1": ff1}[scheme](keys, kind, value)
