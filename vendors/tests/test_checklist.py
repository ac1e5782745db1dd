"""The catalogue of what a review asks."""

from vendors.checklist import ITEMS, SECTIONS, asked, unanswered
from vendors.models import Dimension, ReviewItem


def test_there_are_five_sections_and_no_code_twice():
    codes = [item.code for section in SECTIONS for item in section.items]
    assert [section.code for section in SECTIONS] == [
        "baa",
        "soc2",
        "residency",
        "encryption",
        "logging",
    ]
    assert len(codes) == len(set(codes)) == len(ITEMS) == 38


def test_each_item_says_why_and_by_what_source_and_fits_its_columns():
    for section, item in ITEMS.values():
        assert item.question.endswith("?")
        assert item.why
        assert item.source
        assert len(item.question) <= ReviewItem._meta.get_field("question").max_length
        assert len(item.code) <= ReviewItem._meta.get_field("code").max_length
        assert len(section.code) <= ReviewItem._meta.get_field("section").max_length


def test_what_an_item_looks_at_exists():
    known = {"baa", "dpa", "reports", "regions"} | {f"fact:{each}" for each in Dimension}
    assert {name for _, item in ITEMS.values() for name in item.looks_at} <= known


def test_the_seeds_questions_are_asked():
    """Every row of their tables and every pitfall, by the dimension or item that asks for it."""
    dimensions = {name for _, item in ITEMS.values() for name in item.looks_at}
    for dimension in Dimension:
        # The posture API is of no section there.
        assert f"fact:{dimension}" in dimensions or dimension == Dimension.POSTURE_API
    pitfalls = {"soc2-ours", "baa-deidentified", "log-reconstruct", "controls-first", "soc2-type2"}
    assert pitfalls | {"private-deployment", "log-before", "soc2-type1-plan"} <= set(ITEMS)


def test_an_item_of_each_service_is_asked_as_often_as_there_are_services():
    of_each = sum(item.each_service for _, item in ITEMS.values())
    once = len(ITEMS) - of_each
    assert len(asked([])) == once
    assert len(asked([1, 2, 3])) == once + 3 * of_each
    assert unanswered([1], asked([1])) == []
    assert unanswered([1, 2], asked([1]), "baa") == [("baa-plan", 2), ("baa-covers", 2)]
