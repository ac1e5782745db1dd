import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from vendors.models import Agreement, CoveredScope
from vendors.services.agreements import amend_agreement, record_agreement, terminate_agreement
from vendors.services.saving import save_checked
from vendors.tests import make
from vendors.tests.make import TODAY, YEAR, person

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)


def draft(vendor, **fields) -> Agreement:
    fields = {
        "kind": "baa",
        "reference": "BAA-1",
        "counterparty": "Vendor Inc.",
        "starts_on": TODAY,
        "ends_on": TODAY + YEAR,
        **fields,
    }
    return Agreement(vendor=vendor, **fields)


def test_an_agreement_is_stored_with_what_it_covers():
    service, officer = make.service(), person()
    scope = CoveredScope(service=service, model_pattern="gpt-*")
    stored = record_agreement(draft(service.vendor), [scope], by=officer)
    assert stored.recorded_by == officer
    assert [s.model_pattern for s in stored.scopes.all()] == ["gpt-*"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ends_on": TODAY - DAY}, "The last day is before the first."),
        ({"reference": "no spaces please"}, "without spaces"),
        ({"kind": "nda"}, "not a valid choice"),
        ({"counterparty": ""}, "cannot be blank"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(change, message):
    with pytest.raises(ValidationError, match=message):
        record_agreement(draft(make.vendor(), **change), [], by=None)
    assert not Agreement.objects.exists()


def test_two_of_a_kind_cannot_hold_on_the_same_day():
    vendor = make.vendor()
    record_agreement(draft(vendor), [], by=None)
    with pytest.raises(ValidationError, match="overlaps an agreement of the same kind"):
        record_agreement(draft(vendor, reference="BAA-2", starts_on=TODAY + YEAR), [], by=None)


@pytest.mark.parametrize(
    "change",
    [
        {"starts_on": TODAY + YEAR + DAY, "ends_on": None},
        {"kind": "dpa", "our_role": "controller"},
        {"account": "org-2"},
    ],
    ids=["the day after", "another kind", "another account"],
)
def test_what_does_not_overlap_is_let_in(change):
    vendor = make.vendor()
    record_agreement(draft(vendor), [], by=None)
    record_agreement(draft(vendor, reference="BAA-2", **change), [], by=None)
    assert vendor.agreements.count() == 2


def test_an_agreement_covers_services_of_its_own_vendor_only():
    other = make.service()
    with pytest.raises(ValidationError, match="its own vendor"):
        record_agreement(draft(make.vendor()), [CoveredScope(service=other)], by=None)
    assert not Agreement.objects.exists()


def test_a_scope_named_twice_leaves_nothing_stored():
    service = make.service()
    twice = [CoveredScope(service=service), CoveredScope(service=service)]
    with pytest.raises(ValidationError, match="listed already"):
        record_agreement(draft(service.vendor), twice, by=None)
    assert not Agreement.objects.exists()


def test_a_new_version_takes_over_on_its_first_day():
    service = make.service()
    old = make.baa(service.vendor)
    new = draft(service.vendor, starts_on=TODAY + 30 * DAY, ends_on=None)
    amend_agreement(old, new, [CoveredScope(service=service)], by=None)
    old.refresh_from_db()
    assert (new.reference, new.version, new.amends) == (old.reference, 2, old)
    assert old.last_day() == TODAY + 29 * DAY
    assert list(Agreement.objects.in_force(TODAY + 29 * DAY)) == [old]
    assert list(Agreement.objects.in_force(TODAY + 30 * DAY)) == [new]


def test_a_version_that_starts_with_the_old_one_takes_its_place_altogether():
    old = make.baa(make.vendor())
    new = amend_agreement(old, draft(old.vendor, starts_on=old.starts_on), [], by=None)
    assert list(Agreement.objects.in_force(old.starts_on)) == [new]


def test_a_refused_amendment_leaves_the_old_version_as_it_was():
    old = make.baa(make.vendor())
    with pytest.raises(ValidationError):
        amend_agreement(old, draft(old.vendor, ends_on=TODAY - DAY), [], by=None)
    old.refresh_from_db()
    assert old.superseded_on is None


def test_only_the_newest_version_that_stands_is_amended():
    old = make.baa(make.vendor())
    new = amend_agreement(old, draft(old.vendor), [], by=None)
    with pytest.raises(ValidationError, match="newer version"):
        amend_agreement(old, draft(old.vendor), [], by=None)
    terminate_agreement(new, on=TODAY + DAY, reason="Replaced.")
    with pytest.raises(ValidationError, match="was terminated"):
        amend_agreement(new, draft(old.vendor, starts_on=TODAY + 9 * DAY), [], by=None)


def test_a_termination_holds_from_its_day_on():
    baa = terminate_agreement(make.baa(make.vendor()), on=TODAY, reason="Vendor left.")
    assert not Agreement.objects.in_force(TODAY).exists()
    assert list(Agreement.objects.in_force(TODAY - DAY)) == [baa]
    assert list(Agreement.objects.ended(TODAY)) == [baa]


@pytest.mark.parametrize("on", [TODAY - 2 * YEAR, TODAY + 2 * YEAR])
def test_a_termination_falls_on_a_day_in_force(on):
    with pytest.raises(ValidationError):
        terminate_agreement(make.baa(make.vendor()), on=on, reason="Wrong day.")


def test_what_ended_counts_until_something_is_in_its_place():
    old = make.baa(make.vendor(), ends_on=TODAY - DAY)
    assert list(Agreement.objects.ended(TODAY)) == [old]
    record_agreement(draft(old.vendor), [], by=None)
    assert not Agreement.objects.ended(TODAY).exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda: Agreement.objects.update(ends_on=None),
        lambda: run("DELETE FROM vendors_agreement"),
        lambda: CoveredScope.objects.update(region=""),
        lambda: run("UPDATE vendors_agreement SET counterparty = 'x'"),
        lambda: run("TRUNCATE vendors_agreement CASCADE"),
    ],
    ids=["update", "delete", "scope", "raw update", "truncate"],
)
def test_a_stored_agreement_keeps_its_words(change):
    make.baa(make.service().vendor)
    with (
        pytest.raises(IntegrityError, match=r"append-only|keeps its versions"),
        transaction.atomic(),
    ):
        change()
    assert Agreement.objects.get().ends_on == TODAY + YEAR


def test_an_overlap_that_slips_past_the_check_is_the_same_error_and_quotes_nothing(monkeypatch):
    vendor = make.vendor()
    record_agreement(draft(vendor), [], by=None)
    late = draft(vendor, reference="BAA-2", counterparty="Jane Doe")
    monkeypatch.setattr(late, "full_clean", lambda: None)
    with pytest.raises(ValidationError, match="overlaps an agreement") as refused:
        save_checked(late)
    assert "Jane" not in str(refused.value)
    assert refused.value.__cause__ is None
