"""The pure rules of questions: what is shown, what fits, what is missing, what becomes a fact."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.questions import (
    YES_NO,
    Asked,
    Condition,
    Proposal,
    Unfit,
    faults,
    fit,
    missing,
    proposals,
    visible,
)

OWN = Path(__file__).resolve().parent.parent / "questionnaires" / "ai_vendor.json"


def yes_no(code: str, when: tuple[str, ...] = (), **fields) -> Asked:
    condition = Condition(when[0], frozenset(when[1:])) if when else None
    return Asked(code, "yes_no", shown_if=condition, **fields)


def own_set() -> list[Asked]:
    found = []
    for entry in json.loads(OWN.read_text())["questions"]:
        when = entry["shown_if"]
        found.append(
            Asked(
                entry["code"],
                entry["kind"],
                entry["required"],
                tuple((value, label) for value, label in entry["choices"]),
                Condition(when["code"], frozenset(when["values"])) if when else None,
                entry["dimension"],
                entry["mapping"],
            )
        )
    return found


OWN_SET = own_set()


@st.composite
def trees(draw):
    """Questions by yes and no, each shown always or by an answer of an earlier one."""
    count = draw(st.integers(1, 12))
    found = []
    for number in range(count):
        when = ()
        if number and draw(st.booleans()):
            parent = draw(st.integers(0, number - 1))
            when = (f"Q{parent}", draw(st.sampled_from(["yes", "no"])))
        found.append(
            yes_no(
                f"Q{number}",
                when,
                required=draw(st.booleans()),
                dimension="gdpr_dpa",
                mapping={"yes": "yes"},
            )
        )
    return found


values = st.dictionaries(
    st.sampled_from([f"Q{n}" for n in range(12)]), st.sampled_from(["yes", "no"])
)


@given(trees(), values, st.data())
def test_neither_the_order_of_questions_nor_of_answers_matters(questions, answers, data):
    mixed = data.draw(st.permutations(questions))
    items = data.draw(st.permutations(list(answers.items())))
    assert visible(mixed, dict(items)) == visible(questions, answers)
    assert set(missing(mixed, dict(items))) == set(missing(questions, answers))


@given(trees(), values, st.sampled_from(["yes", "no"]))
def test_the_answer_of_a_hidden_question_never_counts(questions, answers, other):
    shown = visible(questions, answers)
    hidden = [each.code for each in questions if each.code not in shown]
    changed = {**answers, **dict.fromkeys(hidden, other)}
    assert visible(questions, changed) == shown
    assert missing(questions, changed) == missing(questions, answers)
    assert proposals(questions, changed) == proposals(questions, answers)


@given(trees(), values)
def test_complete_means_that_every_shown_required_question_has_an_answer(questions, answers):
    shown = visible(questions, answers)
    wanted = {each.code for each in questions if each.required and each.code in shown}
    assert set(missing(questions, answers)) == wanted - set(answers)
    assert {each.code for each in proposals(questions, answers)} <= shown


@given(trees(), values)
def test_a_question_is_shown_only_where_what_shows_it_is(questions, answers):
    shown = visible(questions, answers)
    for each in questions:
        if each.shown_if and each.code in shown:
            assert each.shown_if.code in shown
            assert answers[each.shown_if.code] in each.shown_if.values


def test_a_chain_that_leads_back_to_itself_is_hidden_and_cannot_be_published():
    ring = [yes_no("A", ("C", "yes")), yes_no("B", ("A", "yes")), yes_no("C", ("B", "yes"))]
    always = {"A": "yes", "B": "yes", "C": "yes"}
    assert visible(ring, always) == frozenset()
    assert any("leads back to itself" in fault for fault in faults(ring))


def test_what_any_of_several_answers_shows():
    several = Asked("M", "multiple", choices=(("a", "A"), ("b", "B"), ("c", "C")))
    child = yes_no("N", ("M", "b"))
    assert "N" in visible([several, child], {"M": ["a", "b"]})
    assert "N" not in visible([several, child], {"M": ["a"]})


CHOICE = Asked("C", "choice", choices=(("1.2", "TLS 1.2"), ("none", "None at all")))
SEVERAL = Asked("M", "multiple", choices=(("a", "Apples"), ("b", "Pears")))


@pytest.mark.parametrize(
    ("question", "raw", "value"),
    [
        (yes_no("Q"), " Yes ", "yes"),
        (yes_no("Q"), True, "yes"),
        (CHOICE, "tls 1.2", "1.2"),
        (CHOICE, 1.2, "1.2"),
        (SEVERAL, "pears; APPLES", ["a", "b"]),
        (SEVERAL, ["b"], ["b"]),
        (SEVERAL, [], None),
        (Asked("N", "number"), "30", 30),
        (Asked("N", "number"), 30.0, 30),
        (Asked("D", "date"), "2026-02-28", "2026-02-28"),
        (Asked("D", "date"), dt.date(2026, 2, 28), "2026-02-28"),
        (Asked("T", "text"), "  two\r\nlines ", "two\nlines"),
        (Asked("T", "text"), "   ", None),
        (Asked("F", "file"), None, None),
    ],
)
def test_what_fits(question, raw, value):
    assert fit(question, raw) == value


@pytest.mark.parametrize(
    ("question", "raw"),
    [
        (yes_no("Q"), "perhaps"),
        (yes_no("Q"), ["yes"]),
        (CHOICE, "1.9"),
        (SEVERAL, "apples; plums"),
        (SEVERAL, 7),
        (Asked("N", "number"), "-1"),
        (Asked("N", "number"), "1.5"),
        (Asked("N", "number"), "\u0663"),
        (Asked("N", "number"), "9999999"),
        (Asked("N", "number"), "=1+1"),
        (Asked("D", "date"), "2026-02-30"),
        (Asked("D", "date"), "30.1.2026"),
        (Asked("T", "text"), "a" * 4001),
        (Asked("T", "text"), "bell\x07"),
        (Asked("F", "file"), "report.pdf"),
    ],
)
def test_what_does_not_fit_is_told_without_repeating_it(question, raw):
    with pytest.raises(Unfit) as refused:
        fit(question, raw)
    assert str(raw) not in str(refused.value)


def test_a_file_answers_a_question_for_a_file_alone():
    question = Asked("F", "file")
    assert missing([question], {"F": "words"}) == ["F"]
    assert missing([question], {}, {"F"}) == []


@pytest.mark.parametrize(
    ("question", "value", "proposal"),
    [
        (
            Asked(
                "R",
                "choice",
                choices=(("no", "No"), ("days", "Days")),
                dimension="retention_days",
                mapping={"no": "days:0"},
            ),
            "no",
            ("days", 0),
        ),
        (Asked("N", "number", dimension="retention_days", mapping={"*": "days"}), 30, ("days", 30)),
        (yes_no("Y", dimension="gdpr_dpa", mapping={"no": "no"}), "no", ("no", None)),
        (yes_no("Y", dimension="gdpr_dpa", mapping={"no": "no"}), "yes", None),
        (yes_no("Y", dimension="gdpr_dpa", mapping={"no": "no"}), None, None),
    ],
)
def test_what_an_answer_says_of_a_service(question, value, proposal):
    wanted = [Proposal(question.code, question.dimension, *proposal)] if proposal else []
    assert proposals([question], {question.code: value}) == wanted


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([], "no question"),
        ([yes_no("A"), yes_no("A")], "same code"),
        ([Asked("A", "choice", choices=(("a", "A"),))], "fewer than two"),
        ([Asked("A", "choice", choices=(("a", "A"), ("a", "B")))], "same answer twice"),
        ([yes_no("A", ("B", "yes"))], "does not exist"),
        ([Asked("B", "text"), yes_no("A", ("B", "yes"))], "without answers"),
        ([yes_no("B"), yes_no("A", ("B", "maybe"))], "not offered"),
        ([yes_no("B"), yes_no("A", ("B",))], "not offered"),
        ([yes_no("A", mapping={"yes": "no"})], "no dimension"),
        ([yes_no("A", dimension="gdpr_dpa")], "no answer of it"),
        ([yes_no("A", dimension="gdpr_dpa", mapping={"maybe": "no"})], "not offered"),
        ([yes_no("A", dimension="gdpr_dpa", mapping={"yes": "blue"})], "does not have"),
        ([yes_no("A", dimension="gdpr_dpa", mapping={"yes": "yes:3"})], "does not have"),
        ([Asked("A", "text", dimension="gdpr_dpa", mapping={"*": "yes"})], "do not become facts"),
        ([Asked("A", "number", dimension="gdpr_dpa", mapping={"*": "days"})], "does not have"),
    ],
)
def test_what_keeps_a_questionnaire_from_being_published(questions, words):
    assert any(words in fault for fault in faults(questions))


def test_our_own_set_can_be_published_and_is_of_a_size_that_gets_answered():
    assert faults(OWN_SET) == []
    assert 40 <= len(OWN_SET) <= 60
    first = [each for each in OWN_SET if each.shown_if is None]
    assert len(first) < len(OWN_SET) * 0.7


def test_our_own_set_asks_for_what_the_gate_decides_on():
    dimensions = {each.dimension for each in OWN_SET if each.dimension}
    assert {"training_use", "retention_days", "tls_minimum", "encryption_at_rest"} <= dimensions
    assert len(dimensions) == 14
    assert YES_NO[0][0] == "yes"
