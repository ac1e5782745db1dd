"""Agreements before their signature, and what happens to data after their end."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from vendors.lifecycle import REQUEST_STEPS
from vendors.models import Agreement, AgreementRequest, Document
from vendors.services.agreements import (
    amend_agreement,
    ask_return,
    confirm_return,
    record_agreement,
    terminate_agreement,
)
from vendors.services.requests import move_request, save_request
from vendors.tests import make
from vendors.tests.make import TODAY, YEAR

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def agreement(vendor, **fields) -> Agreement:
    fields = {
        "kind": "baa",
        "reference": "BAA-9",
        "counterparty": "x",
        "starts_on": TODAY,
        **fields,
    }
    return Agreement(vendor=vendor, **fields)


def proof() -> Document:
    return Document.objects.create(
        file="proof.pdf", name="proof.pdf", sha256="1" * 64, size_bytes=4, content_type="x"
    )


@pytest.mark.parametrize("state", REQUEST_STEPS)
@pytest.mark.parametrize("to", REQUEST_STEPS)
def test_a_request_takes_the_steps_that_are_allowed_and_no_others(state, to):
    asked = make.agreement_request(make.vendor(), state="needed")
    if state == "signed":
        record_agreement(agreement(asked.vendor), [], by=None, closes=asked)
    else:
        AgreementRequest.objects.filter(pk=asked.pk).update(state=state)
    if to in REQUEST_STEPS[state]:
        assert move_request(asked, to).state == to
    else:
        with pytest.raises(ValidationError, match="cannot follow"):
            move_request(asked, to)


def test_recording_the_agreement_closes_the_request():
    asked = make.agreement_request(make.vendor())
    stored = record_agreement(agreement(asked.vendor), [], by=None, closes=asked)
    asked.refresh_from_db()
    assert (asked.state, asked.agreement) == ("signed", stored)
    assert not AgreementRequest.objects.open().exists()


def test_a_renewal_is_closed_by_the_new_version():
    old = make.baa(make.vendor())
    asked = make.agreement_request(old.vendor, renews=old)
    new = amend_agreement(
        old, Agreement(counterparty="x", starts_on=TODAY), [], by=None, closes=asked
    )
    asked.refresh_from_db()
    assert asked.agreement == new


@pytest.mark.parametrize("change", [{"kind": "dpa"}, {"state": "dropped"}])
def test_a_request_that_does_not_fit_stores_no_agreement(change):
    asked = make.agreement_request(make.vendor(), **change)
    with pytest.raises(ValidationError):
        record_agreement(agreement(asked.vendor), [], by=None, closes=asked)
    assert not Agreement.objects.exists()


def test_a_request_names_services_and_agreements_of_its_own_vendor():
    service, other = make.service(), make.service()
    asked = AgreementRequest(vendor=service.vendor, kind="baa", opened_on=TODAY)
    save_request(asked, [service])
    assert list(asked.services.all()) == [service]
    with pytest.raises(ValidationError, match="its own vendor"):
        save_request(asked, [other])
    asked.renews = make.baa(other.vendor)
    with pytest.raises(ValidationError, match="its own vendor and kind"):
        save_request(asked, [service])


def test_an_agreement_has_one_renewal_under_way():
    old = make.baa(make.vendor())
    make.agreement_request(old.vendor, renews=old, state="dropped")
    make.agreement_request(old.vendor, renews=old)
    again = AgreementRequest(vendor=old.vendor, kind="baa", renews=old, opened_on=TODAY)
    with pytest.raises(ValidationError, match="renewal of this agreement is under way"):
        save_request(again, [])


def test_the_database_refuses_a_signed_request_without_its_agreement():
    asked = make.agreement_request(make.vendor())
    with pytest.raises(IntegrityError), transaction.atomic():
        AgreementRequest.objects.filter(pk=asked.pk).update(state="signed")


def test_open_requests_are_due_until_they_end():
    asked = make.agreement_request(make.vendor(), due_on=TODAY)
    assert list(AgreementRequest.objects.due(TODAY)) == [asked]
    assert not AgreementRequest.objects.due(TODAY - DAY).exists()
    move_request(asked, "dropped")
    assert not AgreementRequest.objects.due(TODAY).exists()


def test_the_notice_of_an_agreement_is_due_until_a_renewal_begins():
    baa = make.baa(make.vendor(), ends_on=TODAY + 40 * DAY, notice_days=30)
    due = Agreement.objects.notice_due
    assert [each.notice_on for each in due(TODAY, until=TODAY + 10 * DAY)] == [TODAY + 10 * DAY]
    assert not due(TODAY, until=TODAY + 9 * DAY).exists()
    asked = make.agreement_request(baa.vendor, renews=baa)
    assert not due(TODAY, until=TODAY + YEAR).exists()
    move_request(asked, "dropped")
    assert due(TODAY, until=TODAY + YEAR).exists()
    make.baa(baa.vendor, starts_on=TODAY + 41 * DAY, ends_on=None)
    assert not due(TODAY, until=TODAY + YEAR).exists()


@pytest.mark.parametrize("change", [{"notice_days": 0}, {"ends_on": None}])
def test_without_a_notice_or_an_end_no_notice_is_due(change):
    make.baa(make.vendor(), **{"notice_days": 30, "ends_on": TODAY + 9 * DAY, **change})
    assert not Agreement.objects.notice_due(TODAY, until=TODAY + YEAR).exists()


@pytest.fixture
def ended():
    return terminate_agreement(
        make.baa(make.vendor()), on=TODAY, reason="Left.", return_due_on=TODAY + 30 * DAY
    )


def test_a_termination_asks_for_the_proof(ended):
    assert (ended.return_state, ended.return_due_on) == ("pending", TODAY + 30 * DAY)
    assert list(Agreement.objects.to_return(TODAY + 30 * DAY)) == [ended]
    assert not Agreement.objects.to_return(TODAY + 29 * DAY).exists()


def test_a_proof_before_the_end_makes_no_sense():
    with pytest.raises(ValidationError, match="after the last day"):
        terminate_agreement(
            make.baa(make.vendor()), on=TODAY, reason="Left.", return_due_on=TODAY - DAY
        )
    with pytest.raises(ValidationError, match="after the last day"):
        ask_return(make.baa(make.vendor(), ends_on=None), due_on=TODAY)


@pytest.mark.parametrize("outcome", ["returned", "destroyed"])
def test_the_proof_is_confirmed_with_its_document(ended, outcome):
    by, paper = make.person(), proof()
    done = confirm_return(ended, outcome, by=by, on=TODAY, document=paper)
    done.refresh_from_db()
    assert (done.return_state, done.return_document) == (outcome, paper)
    assert (done.return_confirmed_by, done.return_confirmed_on) == (by, TODAY)
    assert not Agreement.objects.to_return(TODAY + YEAR).exists()
    with pytest.raises(ValidationError, match="No proof is awaited"):
        confirm_return(ended, outcome, by=by, on=TODAY, document=paper)
    with pytest.raises(ValidationError, match="recorded already"):
        ask_return(done, due_on=TODAY + YEAR)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ("destroyed", "Attach the proof"),
        ("infeasible", "Say why"),
        ("pending", "Choose what happened"),
        ("", "Choose what happened"),
    ],
)
def test_a_word_alone_is_no_proof(ended, outcome, message):
    with pytest.raises(ValidationError, match=message):
        confirm_return(ended, outcome, by=make.person(), on=TODAY)
    ended.refresh_from_db()
    assert ended.return_state == "pending"


def test_where_neither_is_feasible_the_protections_go_on(ended):
    done = confirm_return(ended, "infeasible", by=make.person(), on=TODAY, note="Backups.")
    assert done.get_return_state_display() == "Infeasible: protections go on"


def test_an_agreement_that_ran_out_can_be_asked_for_too():
    baa = make.baa(make.vendor(), ends_on=TODAY - DAY)
    assert ask_return(baa, due_on=TODAY + DAY).return_state == "pending"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"our_role": "controller"}, "In a BAA we are covered entity"),
        ({"transfer_mechanism": "dpf"}, "belongs to a DPA"),
        ({"subprocessor_notice_days": 0}, "belongs to a DPA"),
        ({"kind": "dpa"}, "In a DPA we are controller or processor"),
        (
            {"kind": "dpa", "our_role": "controller", "transfer_mechanism": "scc_2021"},
            "go together",
        ),
        ({"kind": "dpa", "our_role": "controller", "scc_modules": ["2"]}, "go together"),
    ],
)
def test_each_kind_has_fields_of_its_own(fields, message):
    with pytest.raises(ValidationError, match=message):
        record_agreement(agreement(make.vendor(), **fields), [], by=None)


def test_a_dpa_with_standard_clauses_is_stored():
    stored = record_agreement(
        agreement(
            make.vendor(),
            kind="dpa",
            our_role="controller",
            transfer_mechanism="scc_2021",
            scc_modules=["2", "3"],
            subprocessor_notice_days=30,
            subprocessor_list="https://vendor.example/subprocessors",
        ),
        [],
        by=None,
    )
    assert stored.get_transfer_mechanism_display() == "Standard contractual clauses of 2021"
