"""Each action puts in the place of a value what the policy says, and says no where it cannot."""

from __future__ import annotations

import datetime as dt
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.detection.kinds import KINDS
from countersign.masking.generalizing import RESTRICTED_PREFIXES, age, year, zip_prefix
from countersign.masking.keys import (
    Keys,
    SchemeRefused,
    _bytes,
    _siv,
    hkdf,
    hmac_token,
    siv_token,
    siv_value,
)
from countersign.masking.schemes import KEYED, replacement
from countersign.masking.tokens import TOKEN, Session
from countersign.rules.actions import ACTIONS, SCHEMES

TODAY = dt.date(2026, 11, 21)
KEYS = Keys(b"\x01" * 32, "tenant-a")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1987-05-04", "1987"),
        ("05/04/1987", "1987"),
        ("May 4, 1987", "1987"),
        ("4 May 1987", "1987"),
        ("19870504", "1987"),
        ("198705041230", "1987"),
        ("05041987", "1987"),
        ("1987-05-04T20:15:00Z", "1987"),
        ("1987-05", "1987"),
        ("May 4", None),
        ("5/4/87", None),
        ("2019-01-02 to 2020-03-04", None),
        ("1937-01-01", "1937"),
        ("1936-01-01", None),
        ("12345", None),
        ("", None),
    ],
)
def test_of_a_date_the_year_is_left_unless_it_tells_an_age_over_89(value, expected):
    assert year(value, on=TODAY) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("02139", "021"),
        ("02139-4307", "021"),
        ("021394307", "021"),
        ("03601", "000"),
        ("20301", "000"),
        ("83001", "000"),
        ("77201", "000"),
        ("K1A 0B1", None),
        ("2139", None),
        ("021390", None),
    ],
)
def test_of_a_zip_three_digits_are_left_or_none(value, expected):
    assert zip_prefix(value) == expected


def test_every_prefix_of_either_census_is_restricted():
    assert len(RESTRICTED_PREFIXES) == 23
    assert all(zip_prefix(f"{prefix}99") == "000" for prefix in RESTRICTED_PREFIXES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("93", "90+"),
        ("aged 101", "aged 90+"),
        ("90-year-old", "90+-year-old"),
        ("89", "89"),
        ("ninety", None),
    ],
)
def test_an_age_over_89_is_90_or_more(value, expected):
    assert age(value) == expected


# RFC 4231, section 4.2 to 4.4, and RFC 5869, appendix A.1 to A.3.
@pytest.mark.parametrize(
    ("key", "message", "digest"),
    [
        (
            "0b" * 20,
            b"Hi There".hex(),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe".hex(),
            b"what do ya want for nothing?".hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ],
)
def test_hmac_is_that_of_the_rfc(key, message, digest):
    assert hmac.digest(bytes.fromhex(key), bytes.fromhex(message), "sha256").hex() == digest


@pytest.mark.parametrize(
    ("secret", "salt", "info", "length", "out"),
    [
        (
            "0b" * 22,
            bytes(range(13)).hex(),
            bytes(range(0xF0, 0xFA)).hex(),
            42,
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            82,
            (
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
        ),
        (
            "0b" * 22,
            "",
            "",
            42,
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_hkdf_is_that_of_the_rfc(secret, salt, info, length, out):
    made = hkdf(bytes.fromhex(secret), bytes.fromhex(salt), bytes.fromhex(info), length)
    assert made.hex() == out


# RFC 5297, appendix A.1 and A.2: key, associated data, text, sealed.
SIV = [
    (
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        ["101112131415161718191a1b1c1d1e1f2021222324252627"],
        "112233445566778899aabbccddee",
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c",
    ),
    (
        "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
        [
            "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            "102030405060708090a0",
            "09f911029d74e35bd84156c5635688c0",
        ],
        "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553",
        (
            "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17"
            "dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d"
        ),
    ),
]


@pytest.mark.parametrize(("key", "associated", "text", "sealed"), SIV, ids=["A.1", "A.2"])
def test_aes_siv_is_that_of_the_rfc(monkeypatch, key, associated, text, sealed):
    """Through our own function: the vector's key and data in the place of the derived ones."""
    monkeypatch.setattr("countersign.masking.keys.Keys.derived", lambda *_: bytes.fromhex(key))
    monkeypatch.setattr(
        "countersign.masking.keys._associated", lambda *_: [bytes.fromhex(a) for a in associated]
    )
    plain = bytes.fromhex(text).decode("utf-8", "surrogateescape")
    if plain.isascii():
        token = siv_token(KEYS, "MRN", plain)
        assert unsealed(token) == sealed
        assert siv_value(KEYS, "MRN", token) == plain
    else:
        data = [bytes.fromhex(a) for a in associated]
        assert _siv(KEYS, "MRN").encrypt(bytes.fromhex(text), data).hex() == sealed


def unsealed(token: str) -> str:
    return _bytes(token.rpartition(":")[2].rstrip("]")).hex()


def test_tokens_of_keys_are_the_same_for_a_tenant_and_kind_alone():
    other = Keys(b"\x01" * 32, "tenant-b")
    for make in (hmac_token, siv_token):
        token = make(KEYS, "MRN", "A-1")
        assert TOKEN.fullmatch(token) and token == make(KEYS, "MRN", "A-1")
        assert (
            len(
                {
                    token,
                    make(other, "MRN", "A-1"),
                    make(KEYS, "SSN", "A-1"),
                    make(KEYS, "MRN", "A-2"),
                }
            )
            == 4
        )
    token = siv_token(KEYS, "MRN", "Ä-1")
    assert siv_value(KEYS, "MRN", token.upper()) == "Ä-1"
    for keys, kind, changed in [
        (other, "MRN", token),
        (KEYS, "SSN", token),
        (KEYS, "MRN", token[:-4] + "a" * 2 + "]]"),
        (KEYS, "MRN", "[[MRN:siv:1]]"),
        (KEYS, "MRN", "A-1"),
    ]:
        with pytest.raises(SchemeRefused) as refused:
            siv_value(keys, kind, changed)
        assert "A-1" not in str(refused.value) and "Ä-1" not in str(refused.value)


def test_keys_show_nothing_and_need_32_bytes():
    assert repr(KEYS) == "Keys(tenant='tenant-a')"
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(b"short", "a")


@given(st.text(min_size=1, max_size=50))
def test_any_value_comes_back_from_aes_siv(value):
    assert siv_value(KEYS, "UNIQUE_ID", siv_token(KEYS, "UNIQUE_ID", value)) == value


def test_every_action_and_scheme_has_an_answer():
    session = Session(started_on=TODAY)
    for action in set(ACTIONS) - {"block"}:
        for scheme in (None, "", *SCHEMES.get(action, ())):
            made = replacement(action, scheme, "MRN", "12345678", session, KEYS)
            assert made == replacement(action, scheme, "MRN", "12345678", session, KEYS)
            assert ("12345678" in made) == (action == "allow")
    assert replacement("drop", None, "NAME", "Maria", session) == ""
    assert replacement("mask", None, "NAME", "Maria", session) == "[[NAME]]"
    assert replacement("generalize", None, "NAME", "Maria", session) == "[[NAME]]"
    assert replacement("generalize", None, "DATE", "1987-05-04", session) == "1987"
    token = replacement("tokenize", None, "NAME", "Maria", session)
    assert session.reveal(token).text == "Maria"


@pytest.mark.parametrize(
    ("action", "scheme"), [("block", None), ("erase", None), ("mask", "ff1"), ("hash", "random")]
)
def test_what_makes_no_sense_is_refused_without_the_value(action, scheme):
    with pytest.raises(SchemeRefused) as refused:
        replacement(action, scheme, "NAME", "Maria", Session(), KEYS)
    assert "Maria" not in str(refused.value)


@pytest.mark.parametrize("scheme", sorted(KEYED))
def test_a_scheme_with_keys_is_refused_without_them(scheme):
    action = "hash" if scheme == "hmac" else "tokenize"
    with pytest.raises(SchemeRefused, match="keys"):
        replacement(action, scheme, "MRN", "12345678", Session())


@given(st.sampled_from(sorted(KINDS)), st.text(min_size=1, max_size=30))
def test_the_general_form_never_holds_more_than_it_may(kind, value):
    made = replacement("generalize", None, kind, value, Session(started_on=TODAY))
    if kind not in {"DATE", "GEO_ZIP", "AGE90"}:
        assert made == f"[[{kind}]]"
    elif not TOKEN.fullmatch(made) and kind == "GEO_ZIP":
        assert len(made) == 3 and made not in RESTRICTED_PREFIXES
    elif not TOKEN.fullmatch(made) and kind == "DATE":
        assert len(made) == 4 and TODAY.year - int(made) <= 89
