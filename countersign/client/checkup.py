"""What `python -m countersign doctor` looks at; nothing is recorded, and no secret is shown."""

from __future__ import annotations

import datetime as dt
import email.utils
import importlib.metadata
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from countersign import __version__, ed25519, problems
from countersign.bundles import Bundle, BundleError, parse_bundle
from countersign.client import draining, recovering
from countersign.client.http import Answer, PortalHttp, Unreachable
from countersign.client.journal import SENTENCES, Journal, JournalFailed
from countersign.client.settings import Settings, effective_enforcement, effective_mode

State: TypeAlias = Literal["ok", "warn", "fail"]

SKEW_WARN_S, SKEW_FAIL_S = 5.0, 120.0
LITTLE_ROOM_BYTES = 512 * 1024 * 1024
# What guard() knows, and what makes more of the rules work.
SDKS = (
    "openai",
    "anthropic",
    "google-genai",
    "cohere",
    "mistralai",
    "langchain-openai",
    "httpx",
    "httpx2",
    "boto3",
)
EXTRAS = {
    "google-re2": "own patterns of officers: pip install 'countersign[rules]'",
    "cryptography": "fast signatures: pip install 'countersign[signatures]'",
}
_WHY = {
    "timeout": "The portal does not answer in time.",
    "certificate-refused": "The portal's certificate is not one that this machine trusts for the "
    "name; COUNTERSIGN_CA_FILE names a file of your own authority.",
    "tls-failed": "No TLS connection to the portal comes about.",
    "name-not-found": "The portal's name is not found.",
    "connection-refused": "Nobody listens at the portal's address.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, in a sentence and in figures."""

    name: str
    state: State
    sentence: str
    facts: Mapping[str, object] = field(default_factory=dict)


def checked(settings: Settings) -> list[Check]:
    """All checks, in the order in which one needs the other."""
    http = PortalHttp(settings)
    try:
        return [
            _library(),
            *_portal(settings, http),
            _spool(settings),
            *_packages(),
        ]
    finally:
        http.close()


def _library() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check(
        "library",
        "ok",
        f"countersign {__version__} on Python {version}.",
        {"version": __version__, "python": version},
    )


def _portal(settings: Settings, http: PortalHttp) -> Iterator[Check]:
    try:
        answer = http.ready()
    except Unreachable as error:
        why = _WHY.get(error.code, "No whole answer came from the portal.")
        yield Check("portal", "fail", why, {"code": error.code})
        return
    if answer.status == 200:
        yield Check("portal", "ok", "The portal answers and can store a record.")
    else:
        sentence = f"The portal answers {answer.status}: it cannot store a record now."
        yield Check("portal", "fail", sentence, {"status": answer.status})
    yield _clock(answer)
    for each in (_key, _bundle):
        try:
            yield each(settings, http)
        except Unreachable as error:
            name = each.__name__.lstrip("_")
            yield Check(name, "fail", "No whole answer came.", {"code": error.code})


def _clock(answer: Answer) -> Check:
    try:
        told = email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
    except (TypeError, ValueError):
        return Check("clock", "warn", "The portal does not say what time it is.")
    if told.tzinfo is None:
        told = told.replace(tzinfo=dt.UTC)
    skew_s = round((dt.datetime.now(dt.UTC) - told).total_seconds(), 1)
    state: State = "ok"
    if abs(skew_s) > SKEW_WARN_S:
        state = "warn" if abs(skew_s) <= SKEW_FAIL_S else "fail"
    side = "ahead of" if skew_s > 0 else "behind"
    sentence = f"This clock is {abs(skew_s):g} s {side} the portal's."
    if abs(skew_s) < 2:  # the header has whole seconds
        sentence = "This clock goes with the portal's."
    return Check("clock", state, sentence, {"skew_s": skew_s})


def _key(settings: Settings, http: PortalHttp) -> Check:
    """An empty call is refused for its form, and only a key that may write gets that far."""
    answer = http.post("/calls", b"{}")
    code = draining.problem_code(answer)
    facts = {"key_id": settings.key_id, "log": "live" if settings.livemode else "test"}
    if answer.status == 400 and code == "invalid-body":
        log = "the log that counts" if settings.livemode else "the log of test keys"
        return Check("key", "ok", f"The key {settings.key_id} may write to {log}.", facts)
    return Check("key", "fail", _refusal(answer.status, code), {**facts, "code": code})


def _refusal(status: int, code: str) -> str:
    found = problems.PROBLEMS.get(code)
    return found.detail if found else f"The portal answers {status}, which is not expected here."


def _bundle(settings: Settings, http: PortalHttp) -> Check:
    answer = http.get(f"/integrations/{settings.integration}/bundle")
    if answer.status != 200:
        code = draining.problem_code(answer)
        return Check("bundle", "fail", _refusal(answer.status, code), {"code": code})
    try:
        bundle = parse_bundle(
            answer.body,
            settings.bundle_keys,
            now=None,
            integration=settings.integration,
            livemode=settings.livemode,
        )
    except BundleError as error:
        return Check("bundle", "fail", str(error), {"code": error.code})
    return _mode(settings, bundle)


def _mode(settings: Settings, bundle: Bundle) -> Check:
    now = dt.datetime.now(dt.UTC)
    mode = effective_mode(settings.mode, bundle.mode_at(now))
    enforcement = effective_enforcement(settings.enforcement, bundle.enforcement)
    rules = bundle.in_force
    named = f"policy {rules.slug} version {rules.version}" if rules else "no policy"
    broken = bundle.break_glass is not None and now < bundle.break_glass.until
    facts = {
        "id": bundle.id,
        "issued_at": bundle.issued_at.isoformat(),
        "policy": rules.slug if rules else None,
        "policy_version": rules.version if rules else None,
        "mode": mode,
        "signed_mode": bundle.mode,
        "enforcement": enforcement,
        "break_glass": broken,
    }
    sentence = f"Signed by the pinned key: {named}, mode {mode}, {enforcement}."
    if broken:
        return Check("bundle", "warn", sentence + " The glass is broken.", facts)
    return Check("bundle", "ok" if rules else "warn", sentence, facts)


def _spool(settings: Settings) -> Check:
    folder = settings.spool_dir
    try:
        Journal.new(folder, {}, settings.max_spool_bytes).close()
        facts: dict[str, object] = dict(recovering.waiting(folder))
        free = shutil.disk_usage(folder).free
    except JournalFailed as failed:
        facts = {"code": failed.code, "folder": str(folder)}
        return Check("spool", "fail", SENTENCES[failed.code], facts)
    except OSError:
        return Check("spool", "fail", SENTENCES["not-writable"], {"folder": str(folder)})
    refused = folder / draining.REFUSED
    facts |= {"folder": str(folder), "free_bytes": free, "refused": refused.exists()}
    troubles = []
    if facts["broken"]:
        troubles.append(f"{facts['broken']} files whose chain does not hold are kept (.broken).")
    if facts["refused"]:
        troubles.append(f"{draining.REFUSED} holds lines that the portal refused, with reasons.")
    if free < min(LITTLE_ROOM_BYTES, settings.max_spool_bytes):
        troubles.append("Little room is left on the disk.")
    said = f"{facts['pending']} lines wait to be delivered, {facts['open']} calls are open."
    sentence = " ".join(["The spool folder can be written.", said, *troubles])
    return Check("spool", "warn" if troubles else "ok", sentence, facts)


def _packages() -> Iterator[Check]:
    found = {name: version for name in SDKS if (version := _version(name))}
    named = ", ".join(f"{name} {version}" for name, version in found.items())
    sentence = f"guard() knows: {named}." if named else "No SDK that guard() knows is installed."
    yield Check("sdks", "ok" if found else "warn", sentence, found)
    missing = [f"{name} ({why})" for name, why in EXTRAS.items() if not _version(name)]
    sentence = "All extras are installed."
    if missing:
        sentence = f"Not installed: {'; '.join(missing)}."
    yield Check("extras", "ok", sentence, {"ed25519_fast": ed25519.HAS_CRYPTOGRAPHY})


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
