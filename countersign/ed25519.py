"""Ed25519 (RFC 8032): verifying in Python alone, and by `cryptography` where that is installed.

Both ways accept the same signatures: the number S below the group's order, the points in their one
canonical form, and no key of small order, for which a signature would fit any message. Signing
needs `cryptography`: arithmetic in Python takes a time that depends on the secret.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ed25519 as fast
except ImportError:
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

KEY_SIZE = 32
SIGNATURE_SIZE = 64

# X, Y, Z, T of extended coordinates: x = X/Z, y = Y/Z, x*y = T/Z (RFC 8032, section 5.1.4).
Point: TypeAlias = "tuple[int, int, int, int]"

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_NEUTRAL: Point = (0, 1, 1, 0)
_WINDOW_BITS = 4


class SigningNeedsCryptography(Exception):
    """Signing was asked for, and the package `cryptography` is not installed."""


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature (64 bytes) over the message is that of the key (32 bytes).

    Never raises for what it is given: a key or signature of another form is no valid one.
    """
    if HAS_CRYPTOGRAPHY:
        return verify_by_cryptography(public_key, signature, message)
    return verify_in_python(public_key, signature, message)


def verify_by_cryptography(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """`verify` by the package `cryptography`, which must be installed."""
    # OpenSSL takes keys of small order and y beyond the prime: what the other way refuses.
    if len(signature) != SIGNATURE_SIZE or not is_public_key(public_key):
        return False
    try:
        _loaded(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def verify_in_python(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """`verify` with nothing but Python, at about a thousand a second for one key."""
    if len(signature) != SIGNATURE_SIZE or not is_public_key(public_key):
        return False
    start, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= _ORDER:
        return False
    challenge = hashlib.sha512(start + public_key + message).digest()
    h = int.from_bytes(challenge, "little") % _ORDER
    # [S]B - [h]A must be R. Compared as bytes, so only R's canonical form is taken.
    at = _multiplied(_base_table(), s, _NEUTRAL)
    at = _multiplied(_negative_table(public_key), h, at)
    return _encoded(at) == start


@lru_cache(maxsize=64)
def _loaded(public_key: bytes) -> fast.Ed25519PublicKey:
    return fast.Ed25519PublicKey.from_public_bytes(public_key)


@lru_cache(maxsize=1024)
def is_public_key(public_key: bytes) -> bool:
    """Whether these are the 32 bytes of a point in canonical form, and not one of small order."""
    if len(public_key) != KEY_SIZE:
        return False
    point = _decoded(public_key)
    if point is None:
        return False
    for _ in range(3):
        point = _added(point, point)
    return point[0] % _P != 0  # eight times a point of small order is neutral: x = 0


def private_key(seed: bytes) -> Ed25519PrivateKey:
    """The key that signs, from its 32-byte seed.

    Raises: ValueError for another length; SigningNeedsCryptography.
    """
    if not HAS_CRYPTOGRAPHY:
        raise SigningNeedsCryptography(
            "signing needs the package cryptography: pip install 'countersign[signatures]'"
        )
    if len(seed) != KEY_SIZE:
        raise ValueError("the seed of a signing key is 32 bytes long")
    return fast.Ed25519PrivateKey.from_private_bytes(seed)


def _added(one: Point, two: Point) -> Point:
    """RFC 8032, section 5.1.4."""
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = two
    a = (y1 - x1) * (y2 - x2) % _P
    b = (y1 + x1) * (y2 + x2) % _P
    c = 2 * t1 * t2 * _D % _P
    d = 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _decoded(encoded: bytes) -> Point | None:
    """The point of 32 bytes; None if they are no point, or not its canonical form."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    above, below = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = above * pow(below, 3, _P) * pow(above * pow(below, 7, _P), (_P - 5) // 8, _P) % _P
    if (below * x * x + above) % _P == 0:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (below * x * x - above) % _P != 0 or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encoded(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _table(point: Point) -> list[list[Point]]:
    """For each window of a 256-bit number the multiples of the point: then a product only adds."""
    windows = []
    for _ in range(256 // _WINDOW_BITS):
        multiples = [_NEUTRAL]
        for _ in range((1 << _WINDOW_BITS) - 1):
            multiples.append(_added(multiples[-1], point))
        windows.append(multiples)
        point = _added(multiples[-1], point)
    return windows


def _multiplied(windows: list[list[Point]], number: int, onto: Point) -> Point:
    """`onto` plus `number` times the table's point."""
    mask = (1 << _WINDOW_BITS) - 1
    for multiples in windows:
        if number & mask:
            onto = _added(onto, multiples[number & mask])
        number >>= _WINDOW_BITS
    return onto


@lru_cache(maxsize=1)
def _base_table() -> list[list[Point]]:
    """RFC 8032, section 5.1: the base point has y = 4/5 and an even x."""
    base = _decoded((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    assert base is not None
    return _table(base)


@lru_cache(maxsize=16)
def _negative_table(public_key: bytes) -> list[list[Point]]:
    point = _decoded(public_key)
    assert point is not None  # is_public_key was asked
    x, y, z, t = point
    return _table((_P - x, y, z, _P - t))
