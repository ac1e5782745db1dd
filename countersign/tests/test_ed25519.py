from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign import ed25519

# RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc).
# Seed, public key, message and signature in hex.
EXAMPLES = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
            "1cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
            "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
            "984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
            "a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c6"
            "6431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
WAYS = [ed25519.verify, ed25519.verify_in_python, ed25519.verify_by_cryptography]

needs_cryptography = pytest.mark.skipif(
    not ed25519.HAS_CRYPTOGRAPHY, reason="cryptography is not installed"
)
pytestmark = needs_cryptography


@pytest.mark.parametrize("verify", WAYS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_rfc_verify(verify, example):
    seed, key, message, signature = map(bytes.fromhex, example)
    assert verify(key, signature, message)
    assert not verify(key, signature, message + b"\0")
    assert ed25519.private_key(seed).sign(message) == signature
    assert ed25519.private_key(seed).public_key().public_bytes_raw() == key


@pytest.mark.parametrize("verify", WAYS)
def test_a_second_form_of_a_signature_is_refused(verify):
    """S and S plus the order of the group solve the same equation; only the smaller is taken."""
    _, key, message, signature = map(bytes.fromhex, EXAMPLES[1])
    s = int.from_bytes(signature[32:], "little")
    for other in (s + ORDER, s + 2 * ORDER, ORDER, 2**256 - 1):
        forged = signature[:32] + other.to_bytes(32, "little")
        assert not verify(key, forged, message)


def point(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


@pytest.mark.parametrize("verify", WAYS)
@pytest.mark.parametrize(
    "key",
    [
        point(1),  # neutral
        point(PRIME - 1),  # of order 2
        point(0),  # of order 4
        point(1, 1),  # x = 0 with the sign of an odd x
        point(PRIME),  # y beyond the prime: 0 in another form
        point(PRIME + 1),  # 1 in another form
        point(2),  # no point has this y
        b"",
        bytes(31),
        bytes(33),
    ],
)
def test_a_key_of_small_order_or_another_form_verifies_nothing(verify, key):
    # For the neutral key this is a signature of every message: R = [S]B with S = 0.
    assert not ed25519.is_public_key(key)
    assert not verify(key, point(1) + bytes(32), b"anything")
    assert not verify(key, bytes(64), b"anything")


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.data())
def test_both_ways_agree_on_good_and_on_broken_signatures(seed, message, data):
    private = ed25519.private_key(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert ed25519.verify_in_python(key, signature, message)
    assert ed25519.verify_by_cryptography(key, signature, message)
    at, bit = data.draw(st.integers(0, 63)), data.draw(st.integers(0, 7))
    broken = bytearray(signature)
    broken[at] ^= 1 << bit
    assert not ed25519.verify_in_python(key, bytes(broken), message)
    assert not ed25519.verify_by_cryptography(key, bytes(broken), message)
    assert not ed25519.verify_in_python(key, signature[:-1], message)
    assert not ed25519.verify_by_cryptography(key, signature + b"\0", message)


def test_without_cryptography_verifying_goes_on_and_signing_says_what_to_install(monkeypatch):
    monkeypatch.setattr(ed25519, "HAS_CRYPTOGRAPHY", False)
    seed, key, message, signature = map(bytes.fromhex, EXAMPLES[2])
    assert ed25519.verify(key, signature, message)
    with pytest.raises(ed25519.SigningNeedsCryptography, match="pip install"):
        ed25519.private_key(seed)


def test_a_seed_of_another_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        ed25519.private_key(b"short")
