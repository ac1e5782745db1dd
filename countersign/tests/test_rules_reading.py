import copy

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.rules import Policy, PolicyError
from countersign.tests.make_rules import (
    ALWAYS,
    SCHEMA,
    ask,
    document,
    every,
    forbid,
    permit,
    policy,
    starter,
    transform,
)

VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def rule(**members):
    return transform("a", ALWAYS) | members


WRONG = {
    "another version": ("/v", document(rule()) | {"v": 2}),
    "a member nobody knows": ("", document(rule(), more=1)),
    "no rule": ("/rules", document()),
    "rules that are no list": ("/rules", document(rule()) | {"rules": {}}),
    "an effect nobody knows": ("/rules/0/effect", document(rule(effect="maybe"))),
    "a priority that is no number": ("/rules/0/priority", document(rule(priority=True))),
    "an id with a space": ("/rules/0/id", document(rule(id="a b"))),
    "a condition about nothing": ("/rules/0/when/fact", document(rule(when={}))),
    "two operators": (
        "/rules/0/when",
        document(rule(when={"fact": "vendor", "equals": "a", "in": ["b"]})),
    ),
    "a number asked by equals": ("/rules/0/when/equals", document(rule(when=ask("count", 3)))),
    "a word asked by >=": ("/rules/0/when/>=", document(rule(when=ask("vendor", 3, ">=")))),
    "a flag asked by in": ("/rules/0/when/in", document(rule(when=ask("zero_retention", [True])))),
    "an empty any": ("/rules/0/when/any", document(rule(when={"any": []}))),
    "a pattern in a vendor": ("/rules/0/when/equals", document(rule(when=ask("vendor", "o*")))),
    "a direction nobody knows": (
        "/rules/0/when/equals",
        document(rule(when=ask("direction", "up"))),
    ),
    "a path without its slash": ("/rules/0/when/equals", document(rule(when=ask("path", "a")))),
    "an action nobody knows": ("/rules/0/then/action", document(rule(then={"action": "eat"}))),
    "a transform that allows": ("/rules/0/then/action", document(rule(then={"action": "allow"}))),
    "a scheme of another action": (
        "/rules/0/then/scheme",
        document(rule(then={"action": "mask", "scheme": "ff1"})),
    ),
    "a forbid without a reason": ("/rules/0/then/reason", document(rule(effect="forbid", then={}))),
    "a permit without an end": (
        "/rules/0/then/expires",
        document(rule(effect="permit", then={"justification": "Because it is so."})),
    ),
    "unmatched that allows": (
        "/defaults/unmatched",
        document(rule(), defaults={"unmatched": "allow"}),
    ),
    "a score that is a fraction": (
        "/defaults/min_score",
        document(rule(), defaults={"min_score": 0.5}),
    ),
    "a keep-list of nothing": ("/keep", document(rule(), keep=[])),
}
# What the schema cannot say: it knows no other places of the document, and no calendar.
BEYOND_THE_SCHEMA = {
    "an id twice": ("/rules/1/id", document(rule(), rule())),
    "the word for what no rule matches": ("/rules/0/id", document(rule(id="unmatched"))),
    "a kind nobody knows": ("/rules/0/when/equals", document(rule(when=ask("kind", "SHOE")))),
    "a kind of one's own without a pattern": (
        "/rules/0/when/equals",
        document(rule(when=ask("kind", "own.badge"))),
    ),
    "a day that is none": (
        "/rules/0/then/expires",
        document(permit("a", ALWAYS, expires="2027-02-30")),
    ),
    "a test of a rule that is not there": (
        "/tests/0/expect/hits/0",
        document(
            rule(),
            tests=[{"id": "t", "text": "", "expect": {"decision": "send", "hits": ["b"]}}],
        ),
    ),
}


def depth(levels):
    when = ask("vendor", "a")
    for _ in range(levels):
        when = every(when)
    return when


@pytest.mark.parametrize("name", WRONG | BEYOND_THE_SCHEMA)
def test_what_is_no_policy_is_refused_with_its_place(name):
    pointer, wrong = (WRONG | BEYOND_THE_SCHEMA)[name]
    with pytest.raises(PolicyError) as refused:
        Policy.parse(wrong)
    assert refused.value.pointer == pointer
    assert VALIDATOR.is_valid(wrong) is (name in BEYOND_THE_SCHEMA)


def test_conditions_are_not_nested_without_end():
    Policy.parse(document(rule(when=depth(6))))
    with pytest.raises(PolicyError, match="nested"):
        Policy.parse(document(rule(when=depth(2000))))


def test_the_starter_and_every_member_fit_the_schema():
    whole = document(
        transform("a", ask("path", "/a/*"), "tokenize", "ff1"),
        forbid("b", ask("own.x" and "kind", "own.badge")),
        permit("c", every(ask("score", 3, ">="), ask("baa.in_force", value=True))),
        patterns=[{"id": "p", "kind": "own.badge", "pattern": "B[0-9]{6}", "score": 90}],
        fields=[{"path": "/patient/name", "kind": "NAME"}],
        keep=["/messages/**"],
    )
    for each in (starter(), whole):
        VALIDATOR.validate(each)
        Policy.parse(each)


def test_a_refusal_quotes_nothing_of_the_document():
    wrong = document(rule(), tests=[{"id": "t", "text": "Mr Smith", "expect": "Mr Smith"}])
    with pytest.raises(PolicyError) as refused:
        Policy.parse(wrong)
    assert "Smith" not in str(refused.value)
    fine = starter()
    assert "Sandoval" not in repr(Policy.parse(fine)) + repr(Policy.parse(fine).tests)


def test_the_digest_is_that_of_the_document_however_it_is_written():
    one = starter()
    two = {key: one[key] for key in reversed(one)}
    assert Policy.parse(one).digest == Policy.parse(two).digest
    two["defaults"] = {**two["defaults"], "min_score": 51}
    assert Policy.parse(one).digest != Policy.parse(two).digest


def test_an_unknown_rule_is_a_key_error():
    with pytest.raises(KeyError):
        policy(rule()).rule("b")


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def places(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, dict | list):
        for key, child in children:
            yield from (
                places(child, (*path, key)) if isinstance(child, dict | list) else [(*path, key)]
            )


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_reader_and_schema_agree_on_what_is_no_policy(data):
    """What the schema refuses is refused; nothing but PolicyError ever comes of a document."""
    changed = copy.deepcopy(starter())
    path = data.draw(st.sampled_from([p for p in places(changed) if p]))
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = data.draw(anything)
    try:
        Policy.parse(changed)
    except PolicyError:
        return
    assert VALIDATOR.is_valid(changed)
