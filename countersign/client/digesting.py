"""Digests of what was sent: keyed, since a short clinical text can be guessed from a bare one."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

_PURPOSE = b"countersign-digest-v1"


def hkdf_sha256(secret: bytes, purpose: bytes, length: int = 32) -> bytes:
    """HKDF with SHA-256, no salt, `purpose` as info; at most 255 * 32 bytes. Source: RFC 5869."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    made, block, number = b"", b"", 1
    while len(made) < length:
        block = hmac.digest(extracted, block + purpose + bytes([number]), "sha256")
        made, number = made + block, number + 1
    return made[:length]


@dataclass(frozen=True, slots=True)
class DigestKey:
    """A key for digests, and the name under which the portal stores them."""

    id: str
    secret: bytes = field(repr=False)
    _begun: hmac.HMAC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Begun once and copied: taking in the key costs more than most bodies do.
        object.__setattr__(self, "_begun", hmac.new(self.secret, digestmod=hashlib.sha256))

    @classmethod
    def derived(cls, api_key: str, key_id: str) -> DigestKey:
        """The key that belongs to an integration's key; who holds that can check a digest."""
        return cls(key_id, hkdf_sha256(api_key.encode(), _PURPOSE))

    def digest(self, body: bytes) -> str:
        """`hmac-sha256:<key id>:<hex>` of the whole body."""
        running = self.running()
        running.update(body)
        return running.text()

    def running(self) -> RunningDigest:
        """The same of a body that comes in parts."""
        return RunningDigest(self.id, self._begun.copy())


class RunningDigest:
    """A digest of parts."""

    __slots__ = ("_id", "_made")

    def __init__(self, key_id: str, begun: hmac.HMAC) -> None:
        self._id = key_id
        self._made = begun

    def update(self, part: bytes) -> None:
        """Take in the next part."""
        self._made.update(part)

    def text(self) -> str:
        """The digest of all parts so far, as `DigestKey.digest` writes it."""
        return f"hmac-sha256:{self._id}:{self._made.hexdigest()}"
