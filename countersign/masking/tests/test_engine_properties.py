"""What holds for every body: made up by Hypothesis from identifiers, words and encodings."""

import base64
import json
import random
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countersign.detection.hits import KnownValue
from countersign.masking.tests.applying import SHARED, STARTER, apply, engine
from countersign.masking.tokens import TOKEN, Session
from countersign.rules.policy import Policy
from countersign.tests.make_rules import starter

VALUES = {
    "123-45-6789": "SSN",
    "zq77@example.com": "EMAIL",
    "QX9931B": "MRN",
    "Quarkstone Zebulon": "NAME",
    "(401) 555-0133": "PHONE",
}
KNOWN = [KnownValue(value, kind) for value, kind in VALUES.items()]
WRITTEN = [
    str,
    str.upper,
    lambda text: base64.b64encode(f"it says {text} here".encode()).decode(),
    lambda text: quote(f"a b {text}", safe=""),
    lambda text: json.dumps({"inner": [text, 1]}),
    lambda text: "".join(f"&#{ord(sign)};" for sign in text),
]
VALUE = st.builds(lambda text, how: how(text), st.sampled_from([*VALUES]), st.sampled_from(WRITTEN))
WORDS = st.sampled_from(
    [
        "the dose is",
        "of",
        "glucose 5.6 mmol",
        "was seen",
        "\n",
        "- item",
        "{",
        "]",
        "\u00e9t\u00e9",
        "%",
        "=",
    ]
)
TEXT = st.lists(VALUE | WORDS, min_size=1, max_size=6).map(" ".join)
LEAF = TEXT | st.integers(-999, 999) | st.booleans() | st.none()
BODY = st.dictionaries(
    st.sampled_from(["a", "note", "text", "more", "list"]),
    st.recursive(
        LEAF,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["x", "y", "z"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    min_size=1,
    max_size=4,
)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def masked(body, session=None, by=SHARED):
    outcome = apply(body, session=session, known=KNOWN, by=by)
    assert outcome.refusal is None, outcome.refusal
    return outcome


@QUICK
@given(BODY)
def test_no_value_goes_out_and_the_shape_stays(body):
    outcome = masked(body)
    out = json.loads(outcome.body)
    assert shape(out) == shape(body)
    plain = TOKEN.sub("", "\n".join(every_reading(out))).lower()
    for value in VALUES:
        assert value.lower() not in plain
    if any(value in "\n".join(every_reading(body)) for value in VALUES):
        assert outcome.counts


def shape(value):
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value)


def every_reading(value):
    """All texts of a value, and what base64 in them says."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from every_reading(each)
    elif isinstance(value, str):
        yield value
        for word in value.split():
            try:
                yield base64.b64decode(word, validate=True).decode()
            except ValueError:
                continue


@QUICK
@given(BODY)
def test_what_is_masked_is_not_masked_again(body):
    session = Session()
    once = masked(body, session)
    twice = masked(once.body, session)
    assert json.loads(twice.body) == json.loads(once.body)
    assert not twice.masked


@QUICK
@given(BODY)
def test_a_value_has_one_token_and_comes_back(body):
    session = Session()
    outcome = masked({"text": list(every_reading(body))[:3]}, session)
    shown = session.reveal(json.loads(outcome.body)["text"][0] if body else "").text
    assert not TOKEN.search(shown)


@QUICK
@given(BODY, st.randoms(use_true_random=False))
def test_the_order_of_fields_never_matters(body, chance):
    assert kinds(masked(body)) == kinds(masked(shuffled(body, chance)))


def shuffled(value, chance):
    if not isinstance(value, dict):
        return value
    items = [(name, shuffled(each, chance)) for name, each in value.items()]
    chance.shuffle(items)
    return dict(items)


def kinds(outcome):
    """Everything but the numbers of tokens, which are drawn."""
    return (
        sorted((s.path, s.start, s.end, s.kind, s.rule, s.action) for s in outcome.spans),
        outcome.counts,
        outcome.masked,
    )


RULES = [
    {
        "id": "a",
        "priority": 3,
        "effect": "transform",
        "when": {"fact": "kind", "in": ["SSN", "NAME"]},
        "then": {"action": "drop"},
    },
    {
        "id": "b",
        "priority": 9,
        "effect": "transform",
        "when": {"all": []},
        "then": {"action": "mask"},
    },
    {
        "id": "c",
        "priority": 3,
        "effect": "transform",
        "when": {"fact": "path", "equals": "/note"},
        "then": {"action": "tokenize", "scheme": "random"},
    },
    {
        "id": "d",
        "priority": 3,
        "effect": "transform",
        "when": {"fact": "kind", "equals": "SSN"},
        "then": {"action": "drop"},
    },
]


@QUICK
@given(BODY, st.integers(0, 23))
def test_the_order_of_rules_never_matters(body, seed):
    rules = RULES[:]
    random.Random(seed).shuffle(rules)  # noqa: S311  # an order to try, no secret
    outcomes = [
        masked(body, by=engine(Policy.parse({**starter(), "rules": each, "tests": []})))
        for each in (RULES, rules)
    ]
    assert kinds(outcomes[0]) == kinds(outcomes[1])


@QUICK
@given(
    st.binary(max_size=200),
    st.sampled_from(
        [
            "application/json",
            "text/plain",
            "application/xml",
            "text/csv",
            "application/hl7-v2",
            "",
            "application/x-www-form-urlencoded",
            "text/event-stream",
            "multipart/form-data; boundary=b",
        ]
    ),
)
def test_any_bytes_are_answered_and_nothing_is_raised(body, media):
    outcome = apply(body, media=media)
    assert outcome.ok is (outcome.body is not None)
    assert outcome.refusal is None or outcome.refusal.reason != "engine-error"


@QUICK
@given(st.text(max_size=300))
def test_any_text_is_answered(text):
    outcome = apply({"messages": [{"role": "user", "content": text}]}, shape="openai.chat")
    assert outcome.refusal is None or outcome.refusal.reason in (
        "blocked-by-rule",
        "nested-too-deep",
        "opaque-content",
    )
    assert STARTER.digest
