"""The checklist of clauses, and what is stored of a reading."""

import pytest
from django.core.exceptions import ValidationError

from vendors.clauses import BAA, DPA, LISTS, Wish, checklist, completeness, concern
from vendors.models import Agreement, AgreementClause
from vendors.services.agreements import amend_agreement
from vendors.services.clauses import (
    ClauseAnswer,
    agreements_with_concerns,
    clause_sums,
    read_clauses,
)
from vendors.tests import make
from vendors.tests.make import TODAY, YEAR

BY_CODE = {clause.code: clause for clause in (*BAA, *DPA)}


def test_every_clause_of_the_law_is_on_the_list_with_its_source():
    sources = " ".join(clause.source for clause in BAA)
    for letter in "ABCDEFGHIJ":
        assert f"164.504(e)(2)(ii)({letter})" in sources
    for section in ("164.410", "164.308(b)(2)", "164.314(a)(2)", "164.524", "164.526", "164.528"):
        assert section in sources
    articles = " ".join(clause.source for clause in DPA)
    assert all(f"28(3)({letter})" in articles for letter in "abcdefgh")


@pytest.mark.parametrize("kind", LISTS)
def test_codes_name_one_clause_each_and_texts_fit_their_columns(kind):
    codes = [clause.code for clause in checklist(kind)]
    assert len(set(codes)) == len(codes)
    assert not {c.code for c in BAA} & {c.code for c in DPA}
    assert all(len(code) <= AgreementClause._meta.get_field("code").max_length for code in codes)


@pytest.mark.parametrize(
    ("code", "reading", "kind"),
    [
        ("books", "present", ""),
        ("books", "weak", "soon"),
        ("books", "absent", "bad"),
        ("offshore", "absent", ""),
        ("deidentification", "absent", ""),
        ("deidentification", "weak", "soon"),
        ("deidentification", "present", "soon"),
    ],
)
def test_what_counts_against_a_paper(code, reading, kind):
    assert concern(BY_CODE[code], reading) == kind


def test_completeness_counts_what_was_read_and_puts_the_worst_first():
    found = completeness(
        "baa", [("deidentification", "present"), ("books", "absent"), ("x", "weak")]
    )
    assert (found.read, found.total) == (2, len(BAA))
    assert [each.clause.code for each in found.concerns] == ["books", "deidentification"]
    assert not found.complete
    assert completeness("dpa", [(c.code, "present") for c in DPA]).complete


@pytest.fixture
def baa(db):
    return make.baa(make.service().vendor)


def read(agreement, *answers, on=TODAY):
    return read_clauses(agreement, answers, by=make.person(), on=on)


def test_a_reading_is_stored_with_its_reader_and_day(baa):
    assert read(baa, ClauseAnswer("breach_notice", "present", "7", 30)) == 1
    row = baa.clauses.get()
    assert (row.reading, row.page, row.days, row.read_on) == ("present", "7", 30, TODAY)
    assert row.read_by is not None
    assert clause_sums([baa])[baa.pk].read == 1


def test_the_same_reading_again_keeps_its_first_reader(baa):
    read(baa, ClauseAnswer("books", "present", "3"))
    first = baa.clauses.get().read_by
    assert read(baa, ClauseAnswer("books", "present", "3"), on=TODAY + YEAR) == 0
    assert baa.clauses.get().read_by == first


def test_a_reading_can_be_taken_back(baa):
    read(baa, ClauseAnswer("books", "present"))
    assert read(baa, ClauseAnswer("books")) == 1
    assert not baa.clauses.exists()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (ClauseAnswer("breach_notice", "present", days=61), "at most 60 days"),
        (ClauseAnswer("instructions", "present"), "not on the list"),
        (ClauseAnswer("books", page="4"), "present, weak or absent"),
        (ClauseAnswer("books", "maybe"), "not a valid choice"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(baa, answer, message):
    with pytest.raises(ValidationError, match=message):
        read(baa, ClauseAnswer("access", "present"), answer)
    assert not baa.clauses.exists()


def test_too_many_days_are_recorded_as_weak(baa):
    read(baa, ClauseAnswer("breach_notice", "weak", days=90))
    assert [c.clause.code for c in clause_sums([baa])[baa.pk].concerns] == ["breach_notice"]


def test_readings_of_the_old_version_are_proposals_in_the_new_one(baa):
    read(baa, ClauseAnswer("books", "absent", "9"), ClauseAnswer("access", "present", "4"))
    new = Agreement(counterparty=baa.counterparty, starts_on=TODAY)
    amend_agreement(baa, new, [], by=None)
    carried = {row.code: row for row in new.clauses.all()}
    assert {code: row.reading for code, row in carried.items()} == {
        "books": "absent",
        "access": "present",
    }
    assert all(row.proposed for row in carried.values())
    assert clause_sums([new])[new.pk].read == 0
    untouched = ClauseAnswer("books", "absent", "9", confirmed=False)
    assert read(new, untouched, ClauseAnswer("access", "present", "4", confirmed=True)) == 1
    assert [row.code for row in new.clauses.confirmed()] == ["access"]
    assert baa.clauses.confirmed().count() == 2


def test_a_changed_proposal_is_confirmed_by_the_change(baa):
    read(baa, ClauseAnswer("books", "absent"))
    new = amend_agreement(
        baa, Agreement(counterparty=baa.counterparty, starts_on=TODAY), [], by=None
    )
    read(new, ClauseAnswer("books", "present", "12", confirmed=False))
    assert clause_sums([new])[new.pk].concerns == ()


def test_agreements_with_required_clauses_missing_are_found(baa):
    other = make.baa(make.service().vendor)
    read(baa, ClauseAnswer("books", "absent"), ClauseAnswer("subcontractors", "weak"))
    read(other, ClauseAnswer("deidentification", "present"), ClauseAnswer("offshore", "absent"))
    found = agreements_with_concerns([baa, other])
    assert found == [(baa, ["Books open to HHS absent", "Subcontractors weak"])]
    assert clause_sums([other])[other.pk].concerns[0].clause.wish is Wish.UNWELCOME
