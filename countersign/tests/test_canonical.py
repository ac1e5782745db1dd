import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.canonical import MAX_INTEGER, canonical, digest

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('abcdé€😀\n"\\'), inner),
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "x"]}, b'{"a":[true,null,"x"],"b":1}'),
        # RFC 8785, section 3.2.3: keys by UTF-16 code units, where an emoji comes before U+FB33.
        ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'.encode()),
        ({"\u20ac": 1, "\r": 2, "1": 3, "\u0080": 4}, '{"\\r":2,"1":3,"\u0080":4,"€":1}'.encode()),
        ('\u000f\n"\\/', b'"\\u000f\\n\\"\\\\/"'),
        (-0, b"0"),
    ],
)
def test_known_values_have_the_form_of_the_standard(value, expected):
    assert canonical(value) == expected


@given(VALUES)
def test_the_form_reads_back_as_the_same_value(value):
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(st.text("abc"), st.integers(-5, 5)))
def test_the_order_of_keys_does_not_matter(value):
    assert canonical(value) == canonical(dict(reversed(value.items())))


@pytest.mark.parametrize("value", [1.5, {"a": 0.1}, [b"x"], {1: "a"}, {"a": {2, 3}}])
def test_what_has_no_form_is_refused(value):
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", [MAX_INTEGER + 1, -MAX_INTEGER - 1])
def test_an_integer_that_other_languages_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match="beyond"):
        canonical(value)


def test_the_digest_is_the_sha_256_of_the_form():
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


def test_the_examples_of_the_standard_have_its_form():
    """RFC 8785, sections 3.2.2 and 3.2.3; of the first all but its floats, which have none here."""
    written = (
        r'{"string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/",'
        r' "literals": [null, true, false]}'
    )
    expected = r"""{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}"""
    assert canonical(json.loads(written)) == expected.encode()
    names = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(canonical(names)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]
