"""What a client needs to decide by itself for one integration, signed by the portal.

    body      = canonical JSON {"bundle": content, "issued_at": moment, "key": id, "signature": hex}
    signed    = "countersign-bundle-v1\\n" + canonical JSON {"bundle": content, "issued_at": moment}
    bundle id = "b-" + 32 hex of the SHA-256 of the content, a policy's document by its digest

`issued_at` is rounded down to `SLOT_S`, so that a bundle that says the same has the same bytes for
some minutes, and a client that has them is told so (304). Content, and so the id, does not change
by being issued again. See docs/decisions/0021.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias, cast

from countersign import ed25519
from countersign.canonical import Json, canonical
from countersign.rules import Direction, Facts, Policy, PolicyError

VERSION = 1
CONTEXT = b"countersign-bundle-v1\n"
FRESH_FOR_S = 900
SLOT_S = 300
MAX_BYTES = 4 * 1024 * 1024
# How far the portal's clock may be ahead of the client's.
CLOCK_SKEW = dt.timedelta(seconds=120)

Mode: TypeAlias = Literal["strict", "spool", "observe"]
Enforcement: TypeAlias = Literal["enforce", "monitor"]
Code: TypeAlias = Literal[
    "malformed", "unknown-key", "forged", "wrong-integration", "stale", "ahead-of-clock"
]
SENTENCES: Mapping[Code, str] = {
    "malformed": "What came is no bundle of a form that this version of countersign knows.",
    "unknown-key": "The bundle is signed by another key than the one that is pinned here: compare "
    "COUNTERSIGN_BUNDLE_KEY with the integration's page in the portal.",
    "forged": "The bundle's signature is not good: it was changed on its way, or is not the "
    "portal's.",
    "wrong-integration": "The bundle is for another integration, or for keys of the other mode "
    "(test or live).",
    "stale": "The bundle is too old: the portal could not be asked for a newer one.",
    "ahead-of-clock": "The bundle was issued in the future: the clock of this machine is wrong.",
}


class BundleError(Exception):
    """A bundle that must not be used: `code` says why, the text says it in a sentence."""

    def __init__(self, code: Code) -> None:
        super().__init__(SENTENCES[code])
        self.code: Code = code


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """An officer let calls go on without the portal until a moment (UTC); `event` names it."""

    until: dt.datetime
    event: int


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """A policy version in a bundle."""

    slug: str
    version: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class Terms:
    """What the portal knows of the integration; `valid_until` is the last day it holds."""

    vendor: str
    service: str
    provider: str
    deployment: str
    region: str
    purpose: str
    models: tuple[str, ...]
    data_classes: tuple[str, ...]
    hosts: tuple[str, ...]
    phi: bool
    baa_in_force: bool
    soc2_current: bool
    zero_retention: bool
    known_actors_only: bool
    deidentification: str
    valid_until: dt.date | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose signature was good. Moments are UTC."""

    id: str
    integration: str
    livemode: bool
    mode: Mode
    enforcement: Enforcement
    in_force: PolicyRef | None
    shadow: PolicyRef | None
    break_glass: BreakGlass | None
    terms: Terms
    issued_at: dt.datetime
    fresh_for_s: int
    content: Mapping[str, Json] = field(repr=False)

    @property
    def policy(self) -> Policy | None:
        """The rules in force; None where the integration has none."""
        return self.in_force.policy if self.in_force else None

    @property
    def fresh_until(self) -> dt.datetime:
        """The moment from which on it is stale."""
        return self.issued_at + dt.timedelta(seconds=self.fresh_for_s)

    def fresh(self, now: dt.datetime) -> bool:
        """Whether it may be relied on at `now`; never where it was issued after it."""
        return self.issued_at - CLOCK_SKEW <= now < self.fresh_until

    def mode_at(self, now: dt.datetime) -> Mode:
        """How strictly a call is recorded at `now`: broken glass makes strict into spool."""
        open_ = self.break_glass is not None and now < self.break_glass.until
        return "spool" if open_ and self.mode == "strict" else self.mode

    @property
    def facts(self) -> Mapping[str, Json]:
        """The terms as they stand in the bundle, by name."""
        return cast("Mapping[str, Json]", self.content["facts"])

    def call_facts(
        self,
        *,
        on: dt.date,
        model: str = "",
        role: str = "",
        purpose: str = "",
        direction: Direction = "request",
        data_classes: Iterable[str] = (),
    ) -> Facts:
        """What the rules may ask of one call; where it names no classes, those approved."""
        terms = self.terms
        holds = terms.valid_until is None or on <= terms.valid_until
        return Facts(
            integration=self.integration,
            vendor=terms.vendor,
            model=model,
            deployment=terms.deployment,
            region=terms.region,
            baa_in_force=terms.baa_in_force and holds,
            soc2_current=terms.soc2_current and holds,
            zero_retention=terms.zero_retention and holds,
            role=role,
            purpose=purpose or terms.purpose,
            direction=direction,
            data_classes=frozenset(data_classes) or frozenset(terms.data_classes),
            on=on,
        )


def bundle_id(content: Mapping[str, Json]) -> str:
    """The name that a call's record carries: the same for the same content."""
    stated = dict(content)
    for name in ("policy", "shadow"):
        part = stated.get(name)
        if isinstance(part, Mapping):
            stated[name] = {key: part[key] for key in part if key != "document"}
    return "b-" + hashlib.sha256(canonical(stated)).hexdigest()[:32]


def key_id(public_key: bytes) -> str:
    """Sixteen hex characters that tell signing keys apart."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def slot(at: dt.datetime) -> dt.datetime:
    """The moment of issue that a bundle asked for at `at` carries."""
    seconds = int(at.timestamp())
    return dt.datetime.fromtimestamp(seconds - seconds % SLOT_S, dt.UTC)


def sign_bundle(content: Mapping[str, Json], seed: bytes, *, issued_at: dt.datetime) -> bytes:
    """The body that `parse_bundle` reads, signed by the key of this 32-byte seed.

    Raises: ValueError for a bad seed, SigningNeedsCryptography.
    """
    key = ed25519.private_key(seed)
    stated: dict[str, Json] = {"bundle": content, "issued_at": _moment_text(issued_at)}
    signature = key.sign(CONTEXT + canonical(stated)).hex()
    public = key_id(key.public_key().public_bytes_raw())
    return canonical({**stated, "key": public, "signature": signature})


def parsed_keys(text: str) -> tuple[bytes, ...]:
    """The public keys of a setting: 64 hex characters each, a comma between. Raises: ValueError."""
    keys = tuple(bytes.fromhex(part.strip()) for part in text.split(","))
    if not all(ed25519.is_public_key(key) for key in keys):
        raise ValueError("a bundle key is the 64 hex characters that the portal shows")
    return keys


def parse_bundle(
    body: bytes,
    keys: Sequence[bytes],
    *,
    now: dt.datetime | None,
    integration: str | None = None,
    livemode: bool | None = None,
) -> Bundle:
    """The bundle of a body, if one of the public keys signed it and it is fresh at `now`.

    With `integration` and `livemode` it must be that integration's, for keys of that mode. Without
    `now` its age is the caller's to judge.
    Raises: BundleError; nothing of what came is quoted.
    """
    stated = _verified(body, keys)
    bundle = _read(stated)
    if integration not in (None, bundle.integration) or livemode not in (None, bundle.livemode):
        raise BundleError("wrong-integration")
    if now is None:
        return bundle
    if bundle.issued_at - CLOCK_SKEW > now:
        raise BundleError("ahead-of-clock")
    if not bundle.fresh(now):
        raise BundleError("stale")
    return bundle


def _verified(body: bytes, keys: Sequence[bytes]) -> dict[str, Any]:
    """What was signed. Nothing of it is looked into before its signature is known to be good."""
    if len(body) > MAX_BYTES:
        raise BundleError("malformed")
    try:
        envelope = json.loads(body, object_pairs_hook=_unique, parse_float=_refuse)
        if envelope.keys() != {"bundle", "issued_at", "key", "signature"}:
            raise BundleError("malformed")
        signature = bytes.fromhex(envelope["signature"])
        stated = {"bundle": envelope["bundle"], "issued_at": envelope["issued_at"]}
        message = CONTEXT + canonical(stated)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise BundleError("malformed") from None
    known = [key for key in keys if key_id(key) == envelope["key"]]
    if not known:
        raise BundleError("unknown-key")
    if not any(ed25519.verify(key, signature, message) for key in known):
        raise BundleError("forged")
    return stated


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _refuse(text: str) -> float:
    raise ValueError("a fraction stands in it")


def _read(stated: dict[str, Any]) -> Bundle:
    content = stated["bundle"]
    try:
        if content["v"] != VERSION:
            raise BundleError("malformed")
        glass = content["break_glass"]
        return Bundle(
            id=bundle_id(content),
            integration=_word(content["integration"]),
            livemode=_flag(content["livemode"]),
            mode=cast("Mode", _among(content["mode"], ("strict", "spool", "observe"))),
            enforcement=cast("Enforcement", _among(content["enforcement"], ("enforce", "monitor"))),
            in_force=_policy(content["policy"]),
            shadow=_policy(content["shadow"]),
            break_glass=BreakGlass(_moment(glass["until"]), int(glass["event"])) if glass else None,
            terms=_terms(content["facts"]),
            issued_at=_moment(stated["issued_at"]),
            fresh_for_s=min(int(content["fresh_for_s"]), FRESH_FOR_S),
            content=content,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BundleError("malformed") from None


def _policy(part: Any) -> PolicyRef | None:
    if part is None:
        return None
    policy = _parsed(part["digest"], canonical(part["document"]))
    return PolicyRef(_word(part["slug"]), int(part["version"]), policy)


@lru_cache(maxsize=8)
def _parsed(digest: str, document: bytes) -> Policy:
    """Kept, for the same policy comes with every refresh. Raises: ValueError."""
    if hashlib.sha256(document).hexdigest() != digest:
        raise ValueError("the digest is not that of the document")
    try:
        return Policy.parse(json.loads(document))
    except PolicyError:
        raise ValueError("the document is no policy") from None


def _terms(facts: Mapping[str, Any]) -> Terms:
    until = facts["valid_until"]
    words = ("vendor", "service", "provider", "deployment", "region", "purpose", "deidentification")
    lists = ("models", "data_classes", "hosts")
    flags = ("phi", "baa_in_force", "soc2_current", "zero_retention", "known_actors_only")
    members: dict[str, Any] = {
        **{name: _word(facts[name]) for name in words},
        **{name: tuple(map(_word, facts[name])) for name in lists},
        **{name: _flag(facts[name]) for name in flags},
    }
    return Terms(valid_until=dt.date.fromisoformat(until) if until else None, **members)


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is needed")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false is needed")
    return value


def _among(value: Any, choices: Sequence[str]) -> str:
    if value not in choices:
        raise ValueError("none of the choices")
    return cast("str", value)


def _moment_text(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: Any) -> dt.datetime:
    return dt.datetime.strptime(_word(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
