"""Scopes of two versions compared, and scopes compared with what a service offers."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.scopes import ScopeWords, overlap, scope_changes, scope_doubts

WHOLE = ScopeWords("Chat")


def test_a_version_that_names_another_model_covers_what_the_old_did_not():
    old = [WHOLE, ScopeWords("Batch", model_pattern="gpt-4*")]
    new = [WHOLE, ScopeWords("Batch", model_pattern="gpt-5*")]
    changes = scope_changes(old, new)
    assert changes.kept == (WHOLE,)
    assert [s.model_pattern for s in changes.added] == ["gpt-5*"]
    assert [s.model_pattern for s in changes.removed] == ["gpt-4*"]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("gpt-4*", "gpt-*", True),
        ("gpt-*", "gpt-4.1", True),
        ("gpt-4.1", "gpt-4.1", True),
        ("gpt-4*", "claude-*", False),
        ("a*c", "ab*", True),
        ("a*b", "c*b", False),
        ("*", "anything", True),
        ("gpt-4", "gpt-4-turbo", False),
    ],
)
def test_patterns_overlap_where_a_name_fits_both(one, other, found):
    assert overlap(one, other) is found
    assert overlap(other, one) is found


patterns = st.text("ab*", max_size=6)


@given(patterns, patterns, st.text("ab", max_size=6))
def test_a_name_that_fits_both_patterns_proves_the_overlap(one, other, name):
    if fnmatch.fnmatchcase(name, one) and fnmatch.fnmatchcase(name, other):
        assert overlap(one, other)


def test_a_scope_that_names_what_is_not_offered_is_doubted():
    scope = ScopeWords("Chat", model_pattern="gpt-5*", region="eu-west-1")
    doubts = scope_doubts(scope, models=["gpt-4*"], regions=["us-east-1"])
    assert doubts == (
        "No model that Chat offers fits gpt-5*.",
        "Chat does not run in eu-west-1.",
    )
    assert scope_doubts(scope, models=["gpt-*"], regions=["eu-west-1"]) == ()
    assert scope_doubts(scope, models=[], regions=[]) == ()
    assert scope_doubts(WHOLE, models=["gpt-4*"], regions=["us-east-1"]) == ()
