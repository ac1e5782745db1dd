import datetime as dt
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.rules import ACTIONS, Facts, Find, Policy
from countersign.rules.conditions import UNKNOWN, compiled, possibly
from countersign.rules.reading import KINDS as ALL_KINDS
from countersign.rules.reading import Node, read_condition
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

DAY = dt.date(2027, 1, 15)
FACTS = Facts(integration="intake", vendor="openai", model="gpt-5-mini", on=DAY)
NAMES = ask("kind", "NAME")


def test_the_starter_hides_identifiers_and_forbids_secrets():
    found = Policy.parse(starter())
    assert found.action(FACTS, "NAME").action == "tokenize"
    assert found.action(FACTS, "NAME").scheme == "random"
    assert found.action(FACTS, "NAME").rule_ids == ("identifiers",)
    assert found.action(FACTS, "TOKEN").action == "block"
    assert not found.decide_call(FACTS, {"NAME": 3}).forbidden
    assert found.decide_call(FACTS, {"TOKEN": 1}).rule_ids == ("no-secrets",)


def test_what_no_rule_matches_is_blocked():
    found = policy(transform("names", NAMES))
    assert found.action(FACTS, "SSN").action == "block"
    assert found.action(FACTS, "SSN").rule_ids == ("unmatched",)


def test_a_forbid_wins_over_every_permit():
    found = policy(
        permit("let", ALWAYS, priority=900), forbid("never", ask("vendor", "openai"), priority=1)
    )
    decision = found.decide_call(FACTS, {})
    assert (decision.forbidden, decision.rule_ids, decision.reason) == (True, ("never",), "No.")
    assert found.action(FACTS, "NAME").action == "block"


@pytest.mark.parametrize(("stricter", "milder"), list(itertools.pairwise(ACTIONS[1:-1])))
def test_of_two_actions_the_stricter_is_done(stricter, milder):
    dates = ask("kind", "DATE")
    found = policy(
        transform("a", dates, milder, priority=900), transform("b", dates, stricter, priority=1)
    )
    assert found.action(FACTS, "DATE").action == stricter
    assert found.action(FACTS, "DATE").rule_ids == ("b",)


def test_of_rules_that_agree_the_higher_priority_gives_the_scheme():
    found = policy(
        transform("a", NAMES, "tokenize", "hmac", priority=1),
        transform("b", NAMES, "tokenize", "ff1", priority=2),
    )
    assert found.action(FACTS, "NAME").scheme == "ff1"
    assert found.action(FACTS, "NAME").rule_ids == ("b",)


def test_a_permit_ends_after_its_last_day():
    found = policy(permit("let", NAMES, expires="2027-01-15"))
    assert found.action(FACTS, "NAME").action == "allow"
    later = Facts(on=DAY + dt.timedelta(days=1))
    assert found.action(later, "NAME").action == "block"
    assert found.action(Facts(), "NAME").action == "block"
    assert found.ends(DAY) == DAY


def test_what_has_no_coarser_form_is_masked():
    found = policy(transform("all", ALWAYS, "generalize"))
    assert found.action(FACTS, "DATE").action == "generalize"
    assert found.action(FACTS, "NAME").action == "mask"


def test_a_forbid_by_count_asks_how_many_the_call_holds():
    many = every(ask("kind", "SSN"), ask("count", 10, ">="))
    found = policy(forbid("bulk", many), transform("rest", ALWAYS))
    assert not found.decide_call(FACTS, {"SSN": 9, "NAME": 50}).forbidden
    assert found.decide_call(FACTS, {"SSN": 10}).rule_ids == ("bulk",)


def test_a_class_is_that_of_the_find_or_that_of_the_call():
    found = policy(transform("phi", ask("data_class", "phi")))
    assert found.action(Facts(), "NAME").action == "mask"
    assert found.action(Facts(), "API_KEY").action == "block"
    assert found.action(Facts(data_classes=frozenset({"phi"})), "API_KEY").action == "mask"
    assert (
        policy(forbid("phi", ask("data_class", "phi"))).decide_call(Facts(), {"NAME": 1}).forbidden
    )


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/messages/*/content", "/messages/0/content", True),
        ("/messages/*/content", "/messages/0/content/1", False),
        ("/messages/**", "/messages/0/content/1", True),
        ("/messages/**", "/messages", True),
        ("/**/name", "/a/b/name", True),
        ("/**/name", "/name", True),
        ("/a.c", "/abc", False),
    ],
)
def test_paths_fit_by_step(pattern, path, fits):
    found = policy(transform("here", ask("path", pattern), "drop"))
    assert (found.action(FACTS, None, path).action == "drop") is fits


def test_a_whole_field_is_the_concern_of_rules_about_paths_alone():
    found = policy(transform("all", ALWAYS))
    assert found.action(FACTS, None, "/messages/0/content").action == "allow"


def test_a_score_is_asked_in_percent():
    found = policy(transform("sure", every(NAMES, ask("score", 29, ">="))))
    assert found.action(FACTS, "NAME", score=0.29).action == "mask"
    assert found.action(FACTS, "NAME", score=0.28).action == "block"


def test_what_is_not_known_of_a_find_is_answered_no():
    found = policy(forbid("elsewhere", ask("path", "/a", "not")))
    assert not found.decide_call(FACTS, {}).forbidden
    assert found.action(FACTS, "NAME", "/b").action == "block"


def test_only_fields_of_the_keep_list_go_out():
    found = policy(transform("all", ALWAYS), keep=["/messages/**", "/model"])
    assert found.kept("/messages/3/content")
    assert not found.kept("/user")
    assert policy(transform("all", ALWAYS)).kept("/user")


def test_a_field_is_dropped_where_the_keep_list_lacks_it():
    found = policy(
        transform("notes", ask("path", "/notes"), "mask"), transform("all", ALWAYS), keep=["/a"]
    )
    assert found.field(FACTS, "/a") is None
    assert found.field(FACTS, "/b").action == "drop"
    assert found.field(FACTS, "/notes").rule_ids == ("notes",)


def test_answers_are_the_concern_of_rules_that_ask_for_the_direction():
    going_out = policy(transform("all", ALWAYS), forbid("never", NAMES))
    answer = Facts(direction="response")
    assert not going_out.reads_answers
    assert going_out.action(answer, "SSN").action == "allow"
    assert not going_out.decide_call(answer, {"NAME": 1}).forbidden
    both = policy(transform("in", every(NAMES, ask("direction", ["response", "request"]))))
    assert both.reads_answers
    assert both.action(answer, "NAME").action == "mask"
    assert both.action(answer, "SSN").action == "allow"
    assert not policy(transform("out", ask("direction", "request"))).reads_answers


def test_a_field_can_be_said_to_hold_a_kind():
    found = policy(transform("all", ALWAYS), fields=[{"path": "/patient/name", "kind": "NAME"}])
    assert found.field_kind("/patient/name") == "NAME"
    assert found.field_kind("/patient") is None


words = st.sampled_from(["openai", "anthropic", "azure"])
asks = st.one_of(
    st.builds(lambda v, o: ask("vendor", v, o), words, st.sampled_from(["equals", "not"])),
    st.builds(
        lambda v: ask("kind", v),
        st.lists(st.sampled_from(["NAME", "SSN", "DATE"]), min_size=1, unique=True),
    ),
    st.builds(lambda v: ask("data_class", v, "not"), st.sampled_from(["phi", "internal"])),
    st.builds(lambda v: ask("baa.in_force", v), st.booleans()),
    st.builds(lambda v: ask("path", v), st.sampled_from(["/a/*", "/a/b", "/**"])),
    st.builds(lambda v: ask("count", v, ">="), st.integers(0, 4)),
    st.builds(lambda v: ask("score", v, ">="), st.integers(0, 100)),
    st.builds(lambda v: ask("model", v), st.sampled_from(["gpt-*", "gpt-5-mini", "claude"])),
)
conditions = st.recursive(
    asks,
    lambda inner: st.one_of(
        st.builds(lambda parts: every(*parts), st.lists(inner, max_size=3)),
        st.builds(lambda parts: some(*parts), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=5,
)
effects = st.one_of(
    st.builds(lambda w, p: forbid("r", w, p), conditions, st.integers(0, 5)),
    st.builds(
        lambda w, a, p: transform("r", w, a, priority=p),
        conditions,
        st.sampled_from(ACTIONS[1:-1]),
        st.integers(0, 5),
    ),
    st.builds(lambda w, p: permit("r", w, priority=p), conditions, st.integers(0, 5)),
)
rule_lists = st.lists(effects, min_size=1, max_size=6).map(
    lambda rules: [rule | {"id": f"r{i}"} for i, rule in enumerate(rules)]
)
facts = st.builds(
    Facts,
    vendor=words,
    model=st.sampled_from(["gpt-5-mini", "claude", ""]),
    baa_in_force=st.booleans(),
    data_classes=st.frozensets(st.sampled_from(["phi", "internal"])),
    on=st.just(DAY),
)
finds = st.builds(
    Find,
    kind=st.sampled_from(["NAME", "SSN", "API_KEY", None]),
    path=st.sampled_from(["/a/b", "/c", None]),
    score=st.sampled_from([0.3, 0.9, None]),
    count=st.sampled_from([1, 5, None]),
)


def asked_of(found, at, find):
    chosen = found.action(at, find.kind, find.path, find.score, find.count)
    return chosen, found.decide_call(at, {find.kind: find.count or 0} if find.kind else {})


@settings(deadline=None)
@given(rule_lists, st.randoms(), facts, finds)
def test_the_order_of_rules_never_matters(rules, random, at, find):
    shuffled = list(rules)
    random.shuffle(shuffled)
    one, two = Policy.parse(document(*rules)), Policy.parse(document(*shuffled))
    assert asked_of(one, at, find) == asked_of(two, at, find)


@settings(deadline=None)
@given(rule_lists, effects, facts, finds)
def test_one_more_rule_never_makes_a_decision_milder_where_one_matched(rules, more, at, find):
    before = Policy.parse(document(*rules))
    after = Policy.parse(document(*rules, more | {"id": "more"}))
    old, new = before.action(at, *_of(find)), after.action(at, *_of(find))
    if old.rule_ids != ("unmatched",):
        assert ACTIONS.index(new.action) <= ACTIONS.index(old.action)
    calls = [p.decide_call(at, {}).forbidden for p in (before, after)]
    assert calls[0] <= calls[1]


def _of(find):
    return find.kind, find.path, find.score, find.count


@settings(deadline=None)
@given(conditions, facts, finds, st.sets(st.sampled_from(["vendor", "kind", "path", "count"])))
def test_what_is_said_without_all_facts_holds_with_them(raw, at, find, hidden):
    condition = read_condition(Node(raw), ALL_KINDS)
    classes = at.data_classes | ({"phi"} if find.kind in ("NAME", "SSN") else set())
    classes |= {"credentials"} if find.kind == "API_KEY" else set()
    known = {
        "vendor": at.vendor,
        "kind": find.kind,
        "path": find.path,
        "count": find.count,
        "score": find.score,
        "model": at.model,
        "baa.in_force": at.baa_in_force,
        "data_class": frozenset(classes),
    }
    truth = compiled(condition)(at, find)
    assert possibly(condition, known) is truth
    some_hidden = {k: UNKNOWN if k in hidden else v for k, v in known.items()}
    assert possibly(condition, some_hidden) in (truth, None)
