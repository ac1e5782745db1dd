"""FF1, format-preserving encryption (NIST SP 800-38G), over AES from the package `cryptography`.

A number stays a number of the same length, so that fields which check their shape still take it.
FF3 is not here: NIST took it out of the revision (SP 800-38G Rev. 1, second draft, February 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from countersign.masking.keys import FF1_KEY_BYTES, Keys, SchemeRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

_Run: TypeAlias = Callable[[bytes, int, bytes, Sequence[int]], list[int]]

# SP 800-38G Rev. 1 asks for it: a smaller domain can be searched.
SMALLEST_DOMAIN = 1_000_000
LONGEST = 4096
ROUNDS = 10
BLOCK = 16
DIGITS = "0123456789"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()
# Walking stays inside the values of one shape; this many steps are never needed by chance.
MOST_STEPS = 10_000


def encrypt(key: bytes, radix: int, tweak: bytes, numerals: Sequence[int]) -> list[int]:
    """FF1.Encrypt (algorithm 7) of numerals below `radix`; `key` has 16, 24 or 32 bytes.

    Raises: SchemeRefused for fewer than 1,000,000 possible texts, or without `cryptography`.
    """
    return _rounds(key, radix, tweak, numerals, range(ROUNDS))


def decrypt(key: bytes, radix: int, tweak: bytes, numerals: Sequence[int]) -> list[int]:
    """FF1.Decrypt (algorithm 8): the way back of `encrypt`."""
    return _rounds(key, radix, tweak, numerals, range(ROUNDS - 1, -1, -1))


def ff1(keys: Keys, kind: str, value: str) -> str:
    """`value` with its ASCII letters and digits encrypted, everything else where it was.

    Digits alone stay digits; capitals or small letters stay such; a card number that passes its
    check (ISO/IEC 7812-1) passes it afterwards.

    Raises: SchemeRefused for other letters, or too few characters.
    """
    return _shaped(keys, kind, value, encrypt)


def ff1_value(keys: Keys, kind: str, value: str) -> str:
    """The value that `ff1` made `value` of."""
    return _shaped(keys, kind, value, decrypt)


def _shaped(keys: Keys, kind: str, value: str, run: _Run) -> str:
    places = [at for at, character in enumerate(value) if character.isalnum()]
    text = "".join(value[at] for at in places)
    if not text.isascii():
        raise SchemeRefused("FF1 takes ASCII letters and digits alone")
    shape = _shape(kind, text)
    key = keys.derived("ff1", kind, FF1_KEY_BYTES)
    out = text
    # Cycle walking: again, until the text has the shape it had; a permutation of that shape.
    for _ in range(MOST_STEPS):
        numerals = run(key, len(shape[0]), kind.encode(), [shape[0].index(c) for c in out])
        out = "".join(shape[0][numeral] for numeral in numerals)
        if _shape(kind, out) == shape:
            break
    else:
        raise SchemeRefused("FF1 found no text of the same shape")
    characters = list(value)
    for at, character in zip(places, out, strict=True):
        characters[at] = character
    return "".join(characters)


def _shape(kind: str, text: str) -> tuple[str, bool]:
    """The alphabet of a text, by what it holds, and whether a card's check digit fits."""
    upper, lower = any(c in _UPPER for c in text), any(c in _LOWER for c in text)
    alphabet = DIGITS + _UPPER * upper + _LOWER * lower
    return alphabet, kind == "CARD" and alphabet == DIGITS and _passes_luhn(text)


def _passes_luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if at % 2 else 1) for at, d in enumerate(reversed(digits))]
    return sum(n - 9 * (n > 9) for n in doubled) % 10 == 0


def _rounds(
    key: bytes, radix: int, tweak: bytes, numerals: Sequence[int], order: range
) -> list[int]:
    size = len(numerals)
    if size > LONGEST:
        raise SchemeRefused("the text is too long for FF1")
    if radix**size < SMALLEST_DOMAIN:
        raise SchemeRefused("FF1 needs at least 1,000,000 possible values: this has fewer")
    forward = order.step > 0
    u = size // 2
    v = size - u
    left, right = _number(radix, numerals[:u]), _number(radix, numerals[u:])
    if not forward:
        left, right = right, left
    width = ((radix**v - 1).bit_length() + 7) // 8
    wide = 4 * ((width + 3) // 4) + 4
    sizes = bytes([ROUNDS, u % 256]) + size.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    padding = bytes((-len(tweak) - width - 1) % BLOCK)
    head = b"\x01\x02\x01" + radix.to_bytes(3, "big") + sizes + tweak + padding
    cipher = _aes(key)
    for i in order:
        modulus = radix ** (u if i % 2 == 0 else v)
        y = int.from_bytes(
            _stretched(cipher, head + bytes([i]) + right.to_bytes(width, "big"), wide), "big"
        )
        left, right = right, (left + y if forward else left - y) % modulus
    if not forward:
        left, right = right, left
    return _numerals(radix, left, u) + _numerals(radix, right, v)


def _stretched(cipher: Cipher[CBC], message: bytes, length: int) -> bytes:
    """The PRF of the message (algorithm 6), and more blocks of it until `length` bytes."""
    first = _cbc(cipher, message)[-BLOCK:]
    number = int.from_bytes(first, "big")
    more = (
        _cbc(cipher, (number ^ j).to_bytes(BLOCK, "big")) for j in range(1, -(-length // BLOCK))
    )
    return b"".join([first, *more])[:length]


def _cbc(cipher: Cipher[CBC], message: bytes) -> bytes:
    encryptor = cipher.encryptor()
    return encryptor.update(message) + encryptor.finalize()


def _aes(key: bytes) -> Cipher[CBC]:
    """AES in CBC from a zero vector: over whole blocks, its last one is the PRF."""
    try:
        from cryptography.hazmat.primitives import ciphers  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415
            algorithms,
            modes,
        )
    except ImportError:
        raise SchemeRefused(
            "FF1 needs the package cryptography: pip install 'countersign[signatures]'"
        ) from None
    return ciphers.Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK)))


def _number(radix: int, numerals: Sequence[int]) -> int:
    number = 0
    for numeral in numerals:
        number = number * radix + numeral
    return number


def _numerals(radix: int, number: int, size: int) -> list[int]:
    out = []
    for _ in range(size):
        number, numeral = divmod(number, radix)
        out.append(numeral)
    return out[::-1]
