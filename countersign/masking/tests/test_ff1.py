"""FF1 is that of NIST's samples, keeps the shape, and refuses what is too small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.masking.ff1 import SMALLEST_DOMAIN, decrypt, encrypt, ff1, ff1_value
from countersign.masking.keys import Keys, SchemeRefused

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
KEY = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94"
TWEAK, LONG_TWEAK = "39383736353433323130", "3737373770717273373737"
KEYS = Keys(b"\x02" * 32, "tenant-a")

# NIST, "FF1 samples" to SP 800-38G: bytes of the key, radix, tweak, text, its encryption.
SAMPLES = [
    (16, 10, "", "0123456789", "2433477484"),
    (16, 10, TWEAK, "0123456789", "6124200773"),
    (16, 36, LONG_TWEAK, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (24, 10, "", "0123456789", "2830668132"),
    (24, 10, TWEAK, "0123456789", "2496655549"),
    (24, 36, LONG_TWEAK, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (32, 10, "", "0123456789", "6657667009"),
    (32, 10, TWEAK, "0123456789", "1001623463"),
    (32, 36, LONG_TWEAK, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]


@pytest.mark.parametrize(("size", "radix", "tweak", "text", "encrypted"), SAMPLES)
def test_ff1_is_that_of_nists_samples(size, radix, tweak, text, encrypted):
    key, salt = bytes.fromhex(KEY)[:size], bytes.fromhex(tweak)
    out = encrypt(key, radix, salt, [ALPHABET.index(c) for c in text])
    assert "".join(ALPHABET[n] for n in out) == encrypted
    back = decrypt(key, radix, salt, out)
    assert "".join(ALPHABET[n] for n in back) == text


@given(
    st.integers(2, 62).flatmap(
        lambda radix: st.tuples(
            st.just(radix), st.lists(st.integers(0, radix - 1), min_size=20, max_size=60)
        )
    ),
    st.binary(max_size=20),
)
def test_every_text_comes_back(case, tweak):
    radix, numerals = case
    out = encrypt(b"k" * 32, radix, tweak, numerals)
    assert len(out) == len(numerals) and all(0 <= n < radix for n in out)
    assert decrypt(b"k" * 32, radix, tweak, out) == numerals


def test_fewer_than_a_million_texts_are_refused():
    assert SMALLEST_DOMAIN == 1_000_000
    assert len(encrypt(b"k" * 16, 10, b"", [0] * 6)) == 6
    for radix, size in [(10, 5), (36, 3), (2, 19), (62, 3), (10, 0)]:
        with pytest.raises(SchemeRefused, match="1,000,000"):
            encrypt(b"k" * 16, radix, b"", [0] * size)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("SSN", "123-45-6789"),
        ("PHONE", "+1 (617) 555-0123"),
        ("MRN", "MRN-0012345"),
        ("MRN", "ab-120045"),
        ("UNIQUE_ID", "aB3x-99Z"),
        ("CARD", "4111 1111 1111 1111"),
        ("CARD", "4111 1111 1111 1112"),
    ],
)
def test_a_field_keeps_its_shape_and_comes_back(kind, value):
    made = ff1(KEYS, kind, value)
    assert made != value and made == ff1(KEYS, kind, value)
    assert [shape(c) for c in made if not c.isalnum()] == [
        shape(c) for c in value if not c.isalnum()
    ]
    assert {shape(c) for c in made} <= {shape(c) for c in value} | {"0"}
    assert luhn(made) == luhn(value) or kind != "CARD"
    assert ff1_value(KEYS, kind, made) == value
    assert ff1(Keys(b"\x02" * 32, "tenant-b"), kind, value) != made
    assert ff1(KEYS, "own.other", value) != made


@pytest.mark.parametrize("value", ["12345", "A12", "", "--", "١٢٣٤٥٦٧", "Ärztin-1234"])
def test_what_has_no_domain_is_refused_without_being_told(value):
    with pytest.raises(SchemeRefused) as refused:
        ff1(KEYS, "MRN", value)
    assert not value or value not in str(refused.value)


@given(st.from_regex(r"[A-Z0-9a-z]{6,16}", fullmatch=True))
def test_every_field_comes_back(value):
    assert ff1_value(KEYS, "MRN", ff1(KEYS, "MRN", value)) == value


def shape(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character


def luhn(value: str) -> bool:
    digits = [int(c) for c in reversed(value) if c.isdigit()]
    return (
        sum(d if at % 2 == 0 else sum(divmod(2 * d, 10)) for at, d in enumerate(digits)) % 10 == 0
    )
