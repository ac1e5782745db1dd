import pytest

from countersign.masking.outcomes import FieldSpan, Outcome, Refusal
from countersign.masking.shadowing import IDS, differences
from countersign.rules.reading import RULE_ID


def outcome(*actions, refused=False):
    spans = tuple(FieldSpan("/a", i, i + 1, "NAME", "A", "r", a) for i, a in enumerate(actions))
    refusal = Refusal("blocked-by-rule", ("r",)) if refused else None
    return Outcome(body=None if refused else b"{}", refusal=refusal, spans=spans)


@pytest.mark.parametrize(
    ("in_force", "shadow", "counts"),
    [
        (outcome(), outcome(), {"shadow:same": 1}),
        (outcome("mask"), outcome("mask"), {"shadow:same": 1}),
        (outcome("mask", "mask"), outcome("drop", "tokenize"), {"stricter": 1, "milder": 1}),
        (outcome("mask"), outcome(), {"shadow:milder": 1}),
        (outcome(), outcome("mask"), {"shadow:stricter": 1}),
        (outcome("mask"), outcome(refused=True), {"shadow:blocked": 1}),
        (outcome(refused=True), outcome("mask"), {"shadow:let-through": 1}),
        (outcome(refused=True), outcome(refused=True), {"shadow:same": 1}),
    ],
)
def test_a_shadow_is_told_by_counts(in_force, shadow, counts):
    expected = {name if ":" in name else f"shadow:{name}": n for name, n in counts.items()}
    assert differences(in_force, shadow) == expected


def test_no_rule_can_have_the_name_of_a_shadows_count():
    assert not any(RULE_ID.fullmatch(each) for each in IDS)
