"""Keys: their form, their life, and what is never stored of them."""

import datetime as dt
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.keytext import parse_key
from policies.models import Integration, IntegrationKey
from policies.services.keys import (
    KeyTerms,
    issue_key,
    make_secret,
    revoke_key,
    rotate_key,
)
from policies.services.lifecycle import Refused
from policies.services.secret_texts import hash_secret
from policies.tests import make
from policies.tests.make import NOON

HOUR = dt.timedelta(hours=1)
YEAR = dt.timedelta(days=365)


def approved():
    made = make.integration()
    make.approve(made)
    made.state = Integration.State.APPROVED
    made.save()
    return made


@pytest.mark.parametrize("livemode", [True, False])
def test_a_key_tells_its_id_and_mode_without_asking_anybody(livemode):
    secret = make_secret("Abc123Def456", livemode=livemode)
    assert len(secret) == 59
    assert secret.startswith("csk_live_" if livemode else "csk_test_")
    parsed = parse_key(secret)
    assert (parsed.public_id, parsed.livemode) == ("Abc123Def456", livemode)


@given(st.integers(0, 58), st.sampled_from(string.ascii_letters + string.digits + "_- "))
def test_one_wrong_character_is_recognised(place, character):
    secret = make_secret("Abc123Def456", livemode=True)
    wrong = secret[:place] + character + secret[place + 1 :]
    assert (parse_key(wrong) is None) is (wrong != secret)


@pytest.mark.parametrize("text", ["", "csk_live_", "Bearer x", "csk_live_" + "a" * 50, "é" * 59])
def test_what_is_no_key_is_none(text):
    assert parse_key(text) is None


def test_two_keys_are_never_alike():
    assert len({make_secret("Abc123Def456", livemode=True) for _ in range(1000)}) == 1000


def test_only_the_digest_of_a_key_is_stored(db):
    key, secret = issue_key(approved(), KeyTerms("server"), by=None, at=NOON)
    stored = " ".join(
        str(v) for v in IntegrationKey.objects.filter(pk=key.pk).values().get().values()
    )
    assert secret not in stored
    assert secret[-38:-6] not in stored
    assert key.secret_sha256 == hash_secret(secret)
    assert parse_key(secret).public_id == key.public_id
    events = key.integration.events.values_list("note", flat=True)
    assert not any(secret[21:] in note for note in events)


def test_a_key_ends_after_a_year_unless_sooner(db):
    integration = approved()
    key, _ = issue_key(integration, KeyTerms("a"), by=None, at=NOON)
    assert key.expires_at == NOON + YEAR
    key, _ = issue_key(integration, KeyTerms("b", expires_at=NOON + HOUR), by=None, at=NOON)
    assert key.usable_at(NOON)
    assert not key.usable_at(NOON + HOUR)


BAD_TERMS = [
    (KeyTerms("  "), "Name"),
    (KeyTerms("a", scopes=()), "scope"),
    (KeyTerms("a", scopes=("root",)), "scope"),
    (KeyTerms("a", cidrs=("10.0.0.1/8",)), "network"),
    (KeyTerms("a", cidrs=("Mr Smith",)), "network"),
    (KeyTerms("a", expires_at=NOON), "year"),
    (KeyTerms("a", expires_at=NOON + YEAR + HOUR), "year"),
]


@pytest.mark.parametrize(("terms", "says"), BAD_TERMS)
def test_bad_terms_get_a_sentence_and_no_key(db, terms, says):
    integration = approved()
    with pytest.raises(Refused, match=says) as refusal:
        issue_key(integration, terms, by=None, at=NOON)
    assert "Smith" not in str(refusal.value)
    assert not integration.keys.exists()
    integration.refresh_from_db()
    assert integration.state == Integration.State.APPROVED


def test_networks_are_kept_in_their_plain_form(db):
    terms = KeyTerms("a", cidrs=(" 10.20.0.0/16", "2001:DB8::/32"))
    key, _ = issue_key(approved(), terms, by=None, at=NOON)
    assert key.cidrs == ["10.20.0.0/16", "2001:db8::/32"]


def test_a_test_key_is_made_before_the_approval_and_activates_nothing(db):
    integration = make.integration()
    key, secret = issue_key(integration, KeyTerms("laptop", livemode=False), by=None, at=NOON)
    integration.refresh_from_db()
    assert integration.state == Integration.State.DRAFT
    assert not parse_key(secret).livemode
    assert not key.livemode


@pytest.mark.parametrize("grace", [0, 24, 72])
def test_rotation_leaves_the_old_key_its_grace(db, grace):
    integration = approved()
    old, _ = issue_key(integration, KeyTerms("a", cidrs=("10.0.0.0/8",)), by=None, at=NOON)
    later = NOON + 10 * HOUR
    new, secret = rotate_key(old, by=None, at=later, grace_hours=grace)
    old.refresh_from_db()
    assert (new.replaces, new.cidrs, new.scopes) == (old, old.cidrs, old.scopes)
    assert new.secret_sha256 == hash_secret(secret) != old.secret_sha256
    assert old.usable_at(later) is (grace > 0)
    assert not old.usable_at(later + grace * HOUR)
    with pytest.raises(Refused):
        rotate_key(old, by=None, at=later)


@pytest.mark.parametrize("grace", [-1, 73])
def test_the_grace_is_three_days_at_most(db, grace):
    old, _ = issue_key(approved(), KeyTerms("a"), by=None, at=NOON)
    with pytest.raises(Refused, match="72"):
        rotate_key(old, by=None, at=NOON, grace_hours=grace)


def test_a_key_rotated_in_the_moment_it_was_made_ends_at_once(db):
    old, _ = issue_key(approved(), KeyTerms("a"), by=None, at=NOON)
    rotate_key(old, by=None, at=NOON, grace_hours=0)
    old.refresh_from_db()
    assert not old.usable_at(NOON + HOUR)


def test_revocation_is_at_once_and_once(db):
    key, _ = issue_key(approved(), KeyTerms("a"), by=None, at=NOON)
    key = revoke_key(key, by=make.person("engineer"), at=NOON + HOUR)
    assert not key.usable_at(NOON + HOUR)
    assert not IntegrationKey.objects.usable(NOON + HOUR).exists()
    with pytest.raises(Refused, match="already"):
        revoke_key(key, by=None, at=NOON + HOUR)
    with pytest.raises(Refused, match="ended"):
        rotate_key(key, by=None, at=NOON + HOUR)


def test_keys_that_end_soon_and_have_no_successor_are_found(db):
    integration = approved()
    soon, _ = issue_key(
        integration, KeyTerms("soon", expires_at=NOON + 20 * 24 * HOUR), by=None, at=NOON
    )
    issue_key(integration, KeyTerms("late"), by=None, at=NOON)
    assert list(IntegrationKey.objects.expiring(NOON, within_days=30)) == [soon]
    assert not IntegrationKey.objects.expiring(NOON, within_days=19).exists()
    rotate_key(soon, by=None, at=NOON)
    later = NOON + HOUR
    assert not IntegrationKey.objects.expiring(later, within_days=18).exists()
