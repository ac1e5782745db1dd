"""What the client is told: by arguments, and for what those leave out by the environment."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, cast
from urllib.parse import urlsplit

from countersign import __version__, ed25519
from countersign.client.digesting import DigestKey
from countersign.keytext import ParsedKey, parse_key

Mode: TypeAlias = Literal["strict", "spool", "observe"]
Enforcement: TypeAlias = Literal["enforce", "monitor"]

# From the tightest to the loosest: a client may choose one further to the left than its bundle.
MODES: tuple[Mode, ...] = ("strict", "spool", "observe")
ENFORCEMENTS: tuple[Enforcement, ...] = ("enforce", "monitor")

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
_MISSING = {
    "url": "Give the portal's address: Portal(url) or COUNTERSIGN_URL.",
    "key": "Give the integration's key: Portal(key=...), COUNTERSIGN_KEY or COUNTERSIGN_KEY_FILE.",
    "integration": "Give the integration's slug: Portal(integration=...) or "
    "COUNTERSIGN_INTEGRATION.",
    "bundle_key": "Give the portal's public key for bundles, which the page of the integration "
    "shows: Portal(bundle_key=...) or COUNTERSIGN_BUNDLE_KEY.",
}


class SettingsError(ValueError):
    """Something that the client is told is missing or cannot be; quotes no value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. `timeout_s` is for one whole exchange with the portal, in seconds.

    `bundle_keys` are public Ed25519 keys of 32 bytes; more than one while the portal changes its
    key. `token_key` is the organisation's own secret of 32 bytes for the schemes that derive tokens
    from values (HMAC, AES-SIV, FF1); the portal never has it. `mode` and `enforcement` are what
    the client asks for, None for what the bundle says.
    """

    url: str
    key: str = field(repr=False)
    integration: str
    bundle_keys: tuple[bytes, ...]
    spool_dir: Path
    mode: Mode | None = None
    enforcement: Enforcement | None = None
    timeout_s: float = 5.0
    max_spool_bytes: int = 256 * 1024 * 1024
    ca_file: Path | None = None
    token_key: bytes | None = field(default=None, repr=False)
    client: str = f"countersign-py/{__version__}"

    @property
    def key_id(self) -> str:
        """The key's public part: it names the key and opens nothing."""
        return _checked_key(self.key).public_id

    @property
    def livemode(self) -> bool:
        """Whether the key writes to the log that counts."""
        return _checked_key(self.key).livemode

    def digest_key(self) -> DigestKey:
        """What digests of bodies are made with: derived from the key, never sent."""
        return DigestKey.derived(self.key, self.key_id)

    @classmethod
    def read(
        cls,
        url: str | None = None,
        key: str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        **given: object,
    ) -> Settings:
        """Settings from arguments, else from COUNTERSIGN_* variables. Raises: SettingsError.

        `given` may hold the names of the fields, and `bundle_key` (hex; several parted
        by commas) in place of `bundle_keys`.
        """
        told = _Told({"url": url, "key": key, **given}, environment)
        address = _checked_url(told.text("url"))
        secret = told.text("key")
        log = "live" if _checked_key(secret).livemode else "test"
        integration = told.text("integration")
        if not _SLUG.fullmatch(integration):
            raise SettingsError("The integration is named by its slug: a-z, 0-9, - and _.")
        folder = told.maybe("spool_dir")
        ca_file = told.maybe("ca_file")
        return cls(
            url=address,
            key=secret,
            integration=integration,
            bundle_keys=_bundle_keys(told.text("bundle_key")),
            spool_dir=Path(folder) if folder else _default_folder(address, integration, log),
            mode=cast("Mode | None", told.word("mode", MODES)),
            enforcement=cast("Enforcement | None", told.word("enforcement", ENFORCEMENTS)),
            timeout_s=told.number("timeout_s", 5.0, least=0.05, most=120.0),
            max_spool_bytes=int(told.number("max_spool_bytes", 2**28, least=2**20, most=2**40)),
            ca_file=Path(ca_file) if ca_file else None,
            token_key=_token_key(told.maybe("token_key")),
        )


class _Told:
    """What was given, by its name, or the environment's COUNTERSIGN_<NAME>."""

    def __init__(self, given: Mapping[str, object], environment: Mapping[str, str] | None) -> None:
        self._environment = os.environ if environment is None else environment
        self._given = {name: value for name, value in given.items() if value is not None}
        unknown = set(given) - _NAMES
        if unknown:
            raise SettingsError(f"There is no setting {', '.join(sorted(unknown))}.")

    def maybe(self, name: str) -> str:
        value = self._given.get(name)
        if value is not None:
            return str(value)
        variable = f"COUNTERSIGN_{name.upper()}"
        if found := self._environment.get(variable, ""):
            return found.strip()
        if path := self._environment.get(f"{variable}_FILE", ""):
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise SettingsError(
                    f"The file that {variable}_FILE names cannot be read."
                ) from None
        return ""

    def text(self, name: str) -> str:
        found = self.maybe(name)
        if not found:
            raise SettingsError(_MISSING[name])
        return found

    def word(self, name: str, words: tuple[str, ...]) -> str | None:
        found = self.maybe(name)
        if found and found not in words:
            raise SettingsError(f"{name} is one of {', '.join(words)}.")
        return found or None

    def number(self, name: str, usual: float, *, least: float, most: float) -> float:
        found = self.maybe(name)
        if not found:
            return usual
        try:
            value = float(found)
        except ValueError:
            value = -1.0
        if not least <= value <= most:
            raise SettingsError(f"{name} is a number from {least:g} to {most:g}.")
        return value


_NAMES = {
    "url",
    "key",
    "integration",
    "bundle_key",
    "mode",
    "enforcement",
    "spool_dir",
    "timeout_s",
    "max_spool_bytes",
    "ca_file",
    "token_key",
}


def effective_mode(asked: Mode | None, signed: Mode) -> Mode:
    """The tighter of what the client asks for and what the bundle says."""
    return MODES[min(MODES.index(asked or signed), MODES.index(signed))]


def effective_enforcement(asked: Enforcement | None, signed: Enforcement) -> Enforcement:
    """The tighter of both, likewise."""
    return ENFORCEMENTS[min(ENFORCEMENTS.index(asked or signed), ENFORCEMENTS.index(signed))]


def _checked_key(key: str) -> ParsedKey:
    parsed = parse_key(key)
    if parsed is None:
        raise SettingsError(
            "The key is not one: it reads csk_live_... or csk_test_..., with a checksum at its end."
        )
    return parsed


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError("The portal's address cannot be read.") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0:
        raise SettingsError("The portal's address begins with https:// and names a host.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError("The portal's address has no user, query or fragment in it.")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise SettingsError("The key is sent over https:// alone; http:// is for this machine.")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bundle_keys(text: str) -> tuple[bytes, ...]:
    found = tuple(_public_key(part.strip()) for part in text.split(",") if part.strip())
    if not found:
        raise SettingsError(_MISSING["bundle_key"])
    return found


def _token_key(text: str) -> bytes | None:
    if text and not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise SettingsError("The key for tokens is 64 hex digits: openssl rand -hex 32.")
    return bytes.fromhex(text) if text else None


def _public_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if not ed25519.is_public_key(key):
        raise SettingsError("The portal's key for bundles is an Ed25519 key of 64 hex digits.")
    return key


def _default_folder(url: str, integration: str, log: str) -> Path:
    """A folder of its own for each portal, integration and log: what lies there belongs to one."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path("~/.local/state")
    host = re.sub(r"[^a-z0-9.-]", "_", urlsplit(url).netloc.lower())
    return base / "countersign" / f"{host}-{integration}-{log}"
