"""The strict tier, officers' own patterns, keyed schemes and surrogates, through the engine."""

import re

import pytest

from countersign.detection.hits import KnownValue
from countersign.masking.keys import Keys
from countersign.masking.tests.applying import apply, engine, sent
from countersign.masking.tokens import TOKEN, Session
from countersign.rules.actions import SCHEMES
from countersign.rules.policy import Policy
from countersign.tests.make_rules import document, transform

KEYS = Keys(b"k" * 32, "tenant")
BODY = {"note": "SSN 219-09-9999, DOB 12/19/1950, ZIP 02878-1234, mail zq77@example.com"}


def by(*rules, defaults=None, **members):
    return engine(Policy.parse(document(*rules, defaults=defaults, **members)), keys=KEYS)


def test_the_strict_tier_masks_each_word_that_it_does_not_know():
    text = {"note": "The patient Xqzrtv was seen, dose 10 mg daily."}
    rules = [transform("all", {"all": []}, "mask")]
    lax, strict = by(*rules), by(*rules, defaults={"strict": True})
    assert "Xqzrtv" not in sent(text, by=strict)["note"]
    assert "10 mg daily" in sent(text, by=strict)["note"]
    assert len(TOKEN.findall(sent(text, by=strict)["note"])) >= len(
        TOKEN.findall(sent(text, by=lax)["note"])
    )


def test_an_officers_own_pattern_masks_in_whatever_is_encoded():
    pytest.importorskip("re2")
    pattern = {"id": "case", "kind": "own.case-no", "pattern": r"CN-\d{4}-[A-Z]{2}", "score": 90}
    rules = by(transform("all", {"all": []}, "mask"), patterns=[pattern])
    out = sent({"a": "see CN-2231-QX", "b": "https://x.test/CN%2D2231%2DQX"}, by=rules)
    assert out["a"] == "see [[OWN_CASE_NO]]"
    assert "2231" not in out["b"]


@pytest.mark.parametrize(
    ("action", "scheme"),
    [("mask", None), ("drop", None), ("generalize", None)]
    + [(action, scheme) for action, schemes in SCHEMES.items() for scheme in schemes],
)
def test_no_scheme_lets_a_value_out(action, scheme):
    if scheme in ("aes-siv", "ff1"):
        pytest.importorskip("cryptography")
    rules = by(transform("all", {"all": []}, action, scheme))
    outcome = apply(BODY, by=rules)
    if not outcome.ok:  # a value that the scheme cannot take: nothing goes
        assert scheme == "ff1"
        assert outcome.refusal.reason == "engine-error"
        return
    shown = outcome.body.decode()
    for value in ("219-09-9999", "12/19/1950", "02878-1234", "zq77"):
        assert value not in shown


def test_a_keyed_scheme_without_keys_refuses():
    rules = Policy.parse(document(transform("all", {"all": []}, "hash", "hmac")))
    outcome = apply(BODY, by=engine(rules))
    assert outcome.refusal.reason == "engine-error"
    assert outcome.body is None


def test_a_keyed_token_is_the_same_in_every_session_and_left_alone_the_next_time():
    rules = by(transform("all", {"all": []}, "hash", "hmac"))
    first, second = (sent(BODY, by=rules, session=Session()) for _ in range(2))
    assert first == second
    assert sent(first, by=rules) == first


def test_a_general_form_stays_general():
    rules = by(transform("all", {"all": []}, "generalize"))
    once = sent({"dob": "1950-12-19", "zip": "02878"}, by=rules)
    assert re.fullmatch(r"19\d\d|\[\[DATE\]\]", once["dob"])
    assert once["zip"] == "028"
    assert sent(once, by=rules)["dob"] == once["dob"]


def test_a_surrogate_is_the_same_in_a_session_and_comes_back():
    rules = by(transform("all", {"all": []}, "tokenize", "surrogate"))
    session = Session()
    known = [KnownValue("Zebulon Quarkstone", "NAME")]
    text = {"a": "Zebulon Quarkstone rests.", "b": "Is Zebulon Quarkstone well?"}
    out = sent(text, by=rules, session=session, known=known)
    assert "Quarkstone" not in str(out)
    assert "Zebulon Quarkstone" in session.reveal(out["b"]).text
