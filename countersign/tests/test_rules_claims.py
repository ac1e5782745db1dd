import pytest
from hypothesis import given, settings

from countersign.rules import Facts, Policy
from countersign.rules.claims import claim, mildest
from countersign.rules.differences import compare
from countersign.rules.kinds import IDENTIFIERS
from countersign.rules.reach import unreachable
from countersign.tests.make_rules import (
    ALWAYS,
    ask,
    document,
    every,
    forbid,
    permit,
    policy,
    some,
    starter,
    transform,
)
from countersign.tests.test_rules_deciding import DAY, facts, finds, rule_lists

NAMES = ask("kind", "NAME")
EVERYTHING = transform("all", ALWAYS, "tokenize", "random")


def test_the_starter_supports_safe_harbor():
    assert claim(Policy.parse(starter())).kind == "safe_harbor"


@pytest.mark.parametrize("action", ["drop", "mask", "generalize"])
def test_removing_supports_safe_harbor(action):
    assert claim(policy(transform("all", ALWAYS, action))).kind == "safe_harbor"


def test_blocking_what_no_rule_names_supports_safe_harbor():
    assert claim(policy(transform("names", NAMES))).kind == "safe_harbor"


@pytest.mark.parametrize("scheme", ["hmac", "aes-siv", "ff1", "surrogate"])
def test_a_code_derived_from_the_value_is_limited(scheme):
    found = claim(policy(transform("coded", NAMES, "tokenize", scheme)))
    assert found.kind == "limited"
    assert [(why.rule_id, why.kinds) for why in found.whys] == [("coded", ("NAME",))]


def test_a_hash_is_limited():
    assert claim(policy(transform("hashed", NAMES, "hash"))).kind == "limited"


def test_a_permit_is_limited_where_nothing_stricter_always_matches():
    one = permit("let", every(NAMES, ask("purpose", "treatment")))
    assert claim(policy(one)).kind == "limited"
    assert claim(policy(one, EVERYTHING)).kind == "safe_harbor"
    sometimes = transform("some", every(NAMES, ask("vendor", "openai")))
    assert claim(policy(one, sometimes)).kind == "limited"


def test_a_stricter_rule_that_derives_spoils_it():
    """Hashing is stricter than a random token, and yet no Safe Harbor code."""
    spoiled = policy(EVERYTHING, transform("hashed", every(NAMES, ask("role", "nurse")), "hash"))
    assert claim(spoiled).kind == "limited"


def test_what_concerns_answers_or_other_kinds_alone_does_not_count():
    answers = permit("answers", ask("direction", "response"))
    secrets = permit("keys", ask("kind", "API_KEY"))
    assert claim(policy(EVERYTHING, answers, secrets)).kind == "safe_harbor"
    assert claim(policy(answers)).kind == "safe_harbor"


def test_images_that_pass_are_limited():
    found = claim(policy(EVERYTHING, defaults={"opaque": "allow"}))
    assert found.kind == "limited"
    assert found.whys[0].kinds == ("BIOMETRIC", "PHOTO")


def test_a_class_that_the_kind_has_for_sure_is_no_condition():
    assert claim(policy(transform("phi", ask("data_class", "phi")))).kind == "safe_harbor"
    assert mildest(policy(transform("phi", ask("data_class", "phi"))), "NAME") == "mask"


@settings(deadline=None)
@given(rule_lists, facts, finds)
def test_where_safe_harbor_is_claimed_every_identifier_is_removed(rules, at, find):
    found = Policy.parse(document(*rules))
    if claim(found).kind == "safe_harbor" and find.kind in IDENTIFIERS:
        chosen = found.action(at, find.kind, find.path, find.score, find.count)
        assert chosen.action in ("block", "drop", "mask", "generalize", "tokenize")
        assert chosen.action != "tokenize" or chosen.scheme == "random"


COVERED = [
    (forbid("b", every(NAMES, ask("role", "nurse"))), forbid("a", NAMES, 99)),
    (transform("b", NAMES), forbid("a", NAMES)),
    (
        permit("b", every(NAMES, ask("score", 90, ">="))),
        transform("a", ask("kind", ["NAME", "SSN"])),
    ),
    (transform("b", NAMES, "mask"), transform("a", ALWAYS, "drop")),
    (transform("b", NAMES, "mask"), transform("a", ALWAYS, "mask", priority=11)),
    (transform("b", NAMES, "tokenize", "ff1"), transform("a", NAMES, "tokenize", priority=11)),
    (permit("b", ask("path", "/a/b")), transform("a", ask("path", ["/a/*", "/c"]))),
    (permit("b", ask("model", "gpt-*")), transform("a", some(ask("model", "gpt-*"), NAMES))),
    (permit("b", ask("count", 5, ">=")), transform("a", ask("count", 3, ">="))),
    (permit("b", ask("vendor", ["x", "y"], "not")), transform("a", ask("vendor", "x", "not"))),
]
APART = [
    (transform("b", NAMES), forbid("a", every(NAMES, ask("role", "nurse")))),
    (transform("b", NAMES, "drop"), transform("a", ALWAYS, "mask")),
    (forbid("b", ask("direction", "response")), forbid("a", ALWAYS)),
    (transform("b", NAMES), permit("a", ALWAYS, priority=99)),
    (permit("b", ask("count", 2, ">=")), transform("a", ask("count", 3, ">="))),
    (transform("b", ask("path", "/a"), "mask"), transform("a", ALWAYS, "drop")),
    (permit("b", ask("vendor", "x", "not")), transform("a", ask("vendor", ["x", "y"], "not"))),
    (transform("b", ask("kind", "DATE"), "generalize"), transform("a", ask("role", "nurse"))),
]


@pytest.mark.parametrize("rules", COVERED)
def test_a_rule_that_a_stricter_one_covers_is_told(rules):
    found = unreachable(policy(*rules).rules)
    assert [(each.rule_id, each.why, each.by) for each in found] == [("b", "covered", "a")]


@pytest.mark.parametrize("rules", APART)
def test_a_rule_that_matters_somewhere_is_not(rules):
    assert unreachable(policy(*rules).rules) == ()


@pytest.mark.parametrize(
    "when",
    [
        every(ask("kind", "NAME"), ask("kind", "SSN")),
        every(ask("vendor", "x"), ask("vendor", "x", "not")),
        every(ask("data_class", "phi"), ask("data_class", "phi", "not")),
        every(ask("baa.in_force", value=True), ask("baa.in_force", value=False)),
        every(ask("model", "gpt-*"), ask("model", "claude")),
    ],
)
def test_a_rule_that_nothing_fits_is_told(when):
    found = unreachable(policy(forbid("a", when)).rules)
    assert [(each.rule_id, each.why) for each in found] == [("a", "nothing-fits")]


def test_the_starter_has_no_rule_too_many():
    assert unreachable(Policy.parse(starter()).rules) == ()


@settings(deadline=None)
@given(rule_lists, facts, finds)
def test_without_its_unreachable_rules_a_policy_decides_the_same(rules, at, find):
    found = Policy.parse(document(*rules))
    gone = {each.rule_id for each in unreachable(found.rules)}
    left = [rule for rule in rules if rule["id"] not in gone]
    if not gone or not left:
        return
    fewer = Policy.parse(document(*left))
    args = (at, find.kind, find.path, find.score, find.count)
    one, two = found.action(*args), fewer.action(*args)
    assert found.decide_call(at, {}).forbidden is fewer.decide_call(at, {}).forbidden
    if not found.decide_call(at, {}).forbidden:
        assert (one.action, one.scheme) == (two.action, two.scheme)


def test_versions_are_compared_by_entry_and_by_what_may_happen_to_each_kind():
    before = policy(forbid("a", ask("vendor", "x")), transform("b", ALWAYS, "mask"))
    after = policy(
        transform("b", ALWAYS, "hash"),
        permit("c", every(NAMES, ask("role", "nurse"))),
        defaults={"opaque": "drop"},
        keep=["/messages/**"],
    )
    found = compare(before, after)
    assert [(e.part, e.name, e.change) for e in found.entries] == [
        ("defaults", "opaque", "changed"),
        ("rules", "a", "removed"),
        ("rules", "b", "changed"),
        ("rules", "c", "added"),
        ("keep", "/messages/**", "added"),
    ]
    assert found.entries[2].members == ("then",)
    assert found.milder
    assert {(k.before, k.after) for k in found.kinds} == {("mask", "hash")}
    assert (found.claim_before, found.claim_after) == ("safe_harbor", "limited")
    assert compare(before, before).entries == ()
    assert not compare(after, before).milder


def test_a_permit_counts_by_what_it_lets_out():
    found = policy(permit("let", every(NAMES, ask("role", "nurse"))))
    assert mildest(found, "NAME") == "allow"
    assert mildest(found, "SSN") == "block"
    assert found.action(Facts(role="nurse", on=DAY), "NAME").action == "allow"
