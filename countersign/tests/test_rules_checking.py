"""A policy's own tests through the real engine, and what stands against saving it."""

import pytest

from countersign.rules.checking import check
from countersign.tests.make_rules import ALWAYS, ask, document, forbid, starter, transform

TEXT = "Patient Maria Sandoval, SSN 219-09-9999, seen for chest pain."


def case(test_id="t", text=TEXT, decision="send", **expect):
    return {"id": test_id, "text": text, "expect": {"decision": decision, **expect}}


def failures(*rules, tests):
    found = check(document(*rules, tests=tests))
    return {ran.test_id: ran.failures for ran in found.ran}


def test_the_starter_is_ready():
    found = check(starter())
    assert found.ready
    assert [ran.test_id for ran in found.ran if not ran.passed] == []
    assert found.claim.kind == "safe_harbor"


def test_what_does_not_come_out_as_it_says_is_told_by_number_and_not_by_words():
    masked = transform("all", ALWAYS, "mask")
    tests = [
        case("sent", decision="block"),
        case("gone", absent=["chest pain"], present=["219-09-9999"]),
        case("rules", hits=["never"], misses=["all"]),
    ]
    found = failures(masked, forbid("never", ask("role", "nobody")), tests=tests)
    assert found["sent"] == ("It was sent.",)
    assert found["gone"] == (
        "Text 1 of those that must not go out went out.",
        "Text 1 of those that must go out did not.",
    )
    assert found["rules"] == ("The rule never did not match.", "The rule all matched.")
    assert "Sandoval" not in repr(found)


def test_a_test_says_the_facts_of_its_call():
    rule = forbid("prod", ask("role", "contractor"))
    tests = [
        case("hit", decision="block", hits=["prod"]) | {"facts": {"role": "contractor"}},
        case("miss", misses=["prod"]) | {"facts": {"role": "nurse"}},
    ]
    assert check(document(rule, transform("all", ALWAYS), tests=tests)).ready


def test_a_body_is_read_by_its_shape():
    body = '{"messages":[{"role":"user","content":"SSN 219-09-9999"}]}'
    test = case("body", text=body, absent=["219-09-9999"], present=["messages"])
    test |= {"media_type": "application/json"}
    assert check(document(transform("all", ALWAYS), tests=[test])).ready


@pytest.mark.parametrize(
    ("tests", "hit", "miss"),
    [([], False, False), ([case(decision="block", hits=["no"])], True, False)],
)
def test_each_forbid_needs_a_test_that_hits_and_one_that_does_not(tests, hit, miss):
    found = check(document(forbid("no", ask("kind", "SSN")), tests=tests))
    assert not found.ready
    assert [(u.rule_id, u.hit, u.miss) for u in found.untested] == [("no", hit, miss)]


def test_a_rule_that_never_matters_stands_against_it():
    found = check(document(transform("one", ALWAYS, "drop"), transform("two", ALWAYS, "mask")))
    assert not found.ready
    assert [u.rule_id for u in found.unreachable] == ["two"]


def test_a_form_that_is_wrong_is_told_with_its_place():
    found = check({"v": 1})
    assert (found.policy, found.ready) == (None, False)
    assert found.errors[0][0] == "/defaults"


def test_a_pattern_that_is_none_is_told_too():
    pattern = {"id": "p", "kind": "own.badge", "pattern": "(", "score": 90}
    found = check(document(transform("all", ALWAYS), patterns=[pattern]))
    assert found.errors[0][0] == "/patterns"
