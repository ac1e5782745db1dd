import datetime as dt
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign import bundles
from countersign.bundles import BundleError, parse_bundle, sign_bundle
from countersign.canonical import canonical
from countersign.tests.make_bundles import (
    NOON,
    PUBLIC_KEY,
    SEED,
    body,
    content,
    facts,
    policy_part,
)

KEYS = [PUBLIC_KEY]


def parsed(raw, **given):
    return parse_bundle(raw, KEYS, **({"now": NOON} | given))


def test_a_bundle_comes_back_as_it_was_signed():
    bundle = parsed(body(), integration="intake-summariser", livemode=True)
    assert bundle.policy.digest == policy_part()["digest"]
    assert (bundle.mode, bundle.enforcement, bundle.break_glass) == ("strict", "enforce", None)
    assert bundle.terms.valid_until == dt.date(2027, 3, 31)
    assert bundle.content == content()
    assert (bundle.in_force.slug, bundle.in_force.version) == ("starter", 1)


def test_the_id_stands_for_the_content_and_not_for_the_moment():
    later = NOON + dt.timedelta(minutes=5)
    one, two = parsed(body()), parsed(body(at=later), now=later)
    assert one.id == two.id == bundles.bundle_id(content())
    assert one.issued_at != two.issued_at
    assert len(one.id) == 34
    assert parsed(body(mode="spool")).id != one.id
    assert parsed(body(policy=policy_part(version=2))).id != one.id


def test_the_same_bytes_are_made_within_a_slot():
    moments = [NOON, NOON + dt.timedelta(seconds=299)]
    assert len({sign_bundle(content(), SEED, issued_at=bundles.slot(m)) for m in moments}) == 1
    assert bundles.slot(NOON + dt.timedelta(seconds=300)) == NOON + dt.timedelta(seconds=300)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("wrong-integration", {"integration": "other"}),
        ("wrong-integration", {"livemode": False}),
        ("stale", {"now": NOON + dt.timedelta(seconds=900)}),
        ("ahead-of-clock", {"now": NOON - dt.timedelta(seconds=121)}),
    ],
)
def test_a_bundle_that_does_not_fit_is_refused(code, given):
    with pytest.raises(BundleError) as refused:
        parsed(body(), **given)
    assert refused.value.code == code


def test_a_bundle_is_good_until_its_last_second():
    assert parsed(body(), now=NOON + dt.timedelta(seconds=899)).fresh(NOON)
    assert parsed(body(), now=NOON - dt.timedelta(seconds=120))


def test_who_judges_its_age_elsewhere_reads_an_old_one():
    with pytest.raises(BundleError):
        parsed(body(), now=NOON + dt.timedelta(days=9))
    assert parsed(body(), now=None).facts["vendor"] == "openai"


def test_a_portal_cannot_make_a_bundle_last_longer_than_a_quarter_of_an_hour():
    assert parsed(body(fresh_for_s=86400)).fresh_for_s == 900


def test_another_key_is_not_believed():
    with pytest.raises(BundleError) as refused:
        parsed(body(seed=bytes(32)))
    assert refused.value.code == "unknown-key"
    # One that says it was signed by the pinned key and was not.
    envelope = json.loads(body(seed=bytes(32))) | {"key": bundles.key_id(PUBLIC_KEY)}
    with pytest.raises(BundleError) as refused:
        parsed(canonical(envelope))
    assert refused.value.code == "forged"


@pytest.mark.parametrize("change", ["mode", "issued_at", "policy", "facts"])
def test_a_changed_bundle_is_forged(change):
    envelope = json.loads(body())
    if change == "issued_at":
        envelope["issued_at"] = "2027-01-15T12:10:00Z"
    elif change == "mode":
        envelope["bundle"]["mode"] = "observe"
    elif change == "policy":
        envelope["bundle"]["policy"] = None
    else:
        envelope["bundle"]["facts"]["baa_in_force"] = False
    with pytest.raises(BundleError) as refused:
        parsed(canonical(envelope))
    assert refused.value.code == "forged"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_byte_of_a_bundle_can_be_changed(data):
    raw = bytearray(body())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        bundle = parsed(bytes(raw))
    except BundleError:
        return
    # Only in how hex digits are written.
    assert bundle == parsed(body())


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"null", b"{}", b"\xff", b'{"bundle":1.5}', b"[" * 100_000, b"x" * 5_000_000],
    ids=["empty", "list", "null", "object", "no-utf8", "fraction", "deep", "large"],
)
def test_what_is_no_bundle_is_malformed(raw):
    with pytest.raises(BundleError) as refused:
        parsed(raw)
    assert refused.value.code == "malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"mode": "loose"},
        {"enforcement": "off"},
        {"livemode": 1},
        {"facts": facts(phi="yes")},
        {"facts": {}},
        {"break_glass": {"until": "soon", "event": 1}},
        {"policy": {**policy_part(), "digest": "0" * 64}},
        {"policy": {**policy_part(), "document": {"v": 1}}},
    ],
    ids="-".join,
)
def test_a_signed_bundle_of_another_form_is_malformed(changes):
    with pytest.raises(BundleError) as refused:
        parsed(body(**changes))
    assert refused.value.code == "malformed"


def test_broken_glass_makes_strict_into_spool_for_its_time():
    until = NOON + dt.timedelta(hours=1)
    glass = {"until": "2027-01-15T13:00:00Z", "event": 7}
    bundle = parsed(body(break_glass=glass))
    assert bundle.mode_at(NOON) == "spool"
    assert bundle.mode_at(until) == "strict"
    assert parsed(body(break_glass=glass, mode="observe")).mode_at(NOON) == "observe"


def test_facts_of_a_call_come_from_the_terms_and_end_with_them():
    bundle = parsed(body())
    held = bundle.call_facts(on=dt.date(2027, 3, 31), model="gpt-5-mini", role="nurse")
    assert (held.vendor, held.purpose, held.baa_in_force) == ("openai", "treatment", True)
    assert held.data_classes == {"phi"}
    late = bundle.call_facts(on=dt.date(2027, 4, 1), data_classes=["internal"], purpose="payment")
    assert (late.baa_in_force, late.soc2_current) == (False, False)
    assert (late.data_classes, late.purpose) == ({"internal"}, "payment")


def test_keys_are_pinned_as_hex():
    assert bundles.parsed_keys(f" {PUBLIC_KEY.hex()} ,{PUBLIC_KEY.hex()}") == (PUBLIC_KEY,) * 2
    for wrong in ("", "zz", "00" * 32, PUBLIC_KEY.hex()[:-2]):
        with pytest.raises(ValueError, match=r"hex|bundle key"):
            bundles.parsed_keys(wrong)


def test_nothing_of_a_policy_stands_in_the_repr_of_a_bundle():
    assert "Sandoval" not in repr(parsed(body()))
