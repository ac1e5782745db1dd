"""What a vendor may do behind its link, and what becomes of it."""

from __future__ import annotations

import datetime as dt

import pytest
from auditlog.models import LogEntry
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from vendors.models import Answer, Document, Inquiry, InquiryView, Submission
from vendors.services import answering
from vendors.services.answering import AnswersRefused, Given, save_answers, sheet_of, submit
from vendors.services.inquiries import (
    find_inquiry,
    issue_link,
    mail_link,
    note_opening,
    token_digest,
    withdraw_inquiry,
)
from vendors.tests import make, make_inquiries
from vendors.tests.make_inquiries import NOON
from vendors.tests.test_uploads import on_open, pdf

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def values(inquiry: Inquiry) -> dict[str, object]:
    return sheet_of(inquiry).values()


def test_only_the_digest_of_the_secret_is_kept():
    inquiry, token = make_inquiries.linked()
    assert len(token) == 43
    assert inquiry.token_sha256 == token_digest(token)
    assert find_inquiry(token) == inquiry
    assert token not in str(list(LogEntry.objects.values_list("changes", flat=True)))


@pytest.mark.parametrize("token", ["", "a", "A" * 43, "A" * 42 + "\n", "x" * 5000, "\x00" * 43])
def test_an_unknown_secret_finds_nothing_by_the_same_query(token, django_assert_num_queries):
    make_inquiries.linked()
    with django_assert_num_queries(1):
        assert find_inquiry(token) is None


def test_an_inquiry_whose_link_was_never_made_is_found_by_no_secret():
    make_inquiries.inquiry()
    assert find_inquiry("") is None


def test_a_new_link_ends_the_one_before():
    inquiry, old = make_inquiries.linked()
    new = issue_link(inquiry, at=NOON)
    assert find_inquiry(old) is None
    assert find_inquiry(new) == inquiry


def test_the_secret_is_made_when_the_mail_goes_out(settings):
    inquiry = make_inquiries.inquiry()
    assert mail_link(inquiry.pk, at=NOON)
    (sent,) = mail.outbox
    inquiry.refresh_from_db()
    token = sent.body.split("/q/")[1].split("/")[0]
    assert inquiry.token_sha256 == token_digest(token)
    assert inquiry.mailed_at == NOON
    assert sent.to == ["trust@vendor.example"]
    assert settings.ORGANIZATION_NAME in sent.subject


def test_a_mail_that_nobody_takes_leaves_the_old_link(settings):
    inquiry, token = make_inquiries.linked()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(OSError):  # noqa: PT011 - which of its kinds is the system's
        mail_link(inquiry.pk, at=NOON)
    assert find_inquiry(token) == inquiry


def test_what_waits_for_no_vendor_is_not_mailed():
    assert not mail_link(make_inquiries.submitted().pk, at=NOON)
    assert mail.outbox == []


def test_an_opening_is_noted_without_the_whole_address():
    inquiry, _ = make_inquiries.linked()
    note_opening(inquiry, peer="203.0.113.77", at=NOON)
    note_opening(inquiry, peer="2001:db8:1:2::77", at=NOON)
    note_opening(inquiry, peer="unknown", at=NOON)
    assert set(InquiryView.objects.values_list("network", flat=True)) == {
        "203.0.113.0/24",
        "2001:db8:1::/48",
        "",
    }
    inquiry.refresh_from_db()
    assert inquiry.state == "opened"


@pytest.mark.parametrize("table", [InquiryView, Submission])
def test_what_happened_behind_the_link_cannot_be_changed(table):
    inquiry = make_inquiries.submitted()
    note_opening(inquiry, peer="203.0.113.77", at=NOON)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        table.objects.update(at=NOON + DAY)


def test_drafts_are_kept_in_several_sittings():
    inquiry = make_inquiries.inquiry()
    save_answers(inquiry, {"T1": Given("yes", "see the terms")}, at=NOON)
    save_answers(inquiry, {"R1": Given("7")}, at=NOON + DAY)
    save_answers(inquiry, {"R1": Given("")}, at=NOON + DAY)
    assert values(inquiry) == {"T1": "yes", "R1": None}
    assert Answer.objects.get(question__code="T1").comment == "see the terms"


def test_of_bad_answers_none_is_kept_and_nothing_is_repeated(folder):
    inquiry = make_inquiries.inquiry()
    given = {"T1": Given("no", file=ContentFile(pdf(), name="a.pdf")), "R1": Given("many")}
    with pytest.raises(AnswersRefused) as refused:
        save_answers(inquiry, given, at=NOON)
    assert set(refused.value.problems) == {"R1"}
    assert "many" not in str(refused.value.problems)
    assert not Answer.objects.exists()
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_bad_file_takes_the_others_with_it(folder):
    inquiry = make_inquiries.inquiry()
    given = {
        "T1": Given("no", file=ContentFile(pdf(), name="a.pdf")),
        "R2": Given(file=ContentFile(pdf(on_open), name="b.pdf")),
    }
    with pytest.raises(AnswersRefused) as refused:
        save_answers(inquiry, given, at=NOON)
    assert set(refused.value.problems) == {"R2"}
    assert not Document.objects.exists()
    assert not [path for path in folder.rglob("*") if path.is_file()]
    inquiry.refresh_from_db()
    assert inquiry.uploads == 0


def test_files_are_few_and_small(monkeypatch):
    inquiry = make_inquiries.inquiry()
    monkeypatch.setattr(answering, "FILE_BYTES", 100)
    with pytest.raises(AnswersRefused, match="refused"):
        save_answers(inquiry, {"R2": Given(file=ContentFile(pdf(), name="a.pdf"))}, at=NOON)
    monkeypatch.setattr(answering, "FILE_BYTES", 10_000_000)
    monkeypatch.setattr(answering, "FILES", 1)
    save_answers(inquiry, {"R2": Given(file=ContentFile(pdf(), name="a.pdf"))}, at=NOON)
    with pytest.raises(ValidationError, match="At most"):
        save_answers(inquiry, {"R2": Given(file=ContentFile(pdf(), name="b.pdf"))}, at=NOON)


def test_a_question_without_a_place_for_files_takes_none():
    inquiry = make_inquiries.inquiry()
    with pytest.raises(AnswersRefused):
        save_answers(inquiry, {"R1": Given("1", file=ContentFile(pdf(), name="a.pdf"))}, at=NOON)


def test_a_file_can_be_taken_away():
    inquiry = make_inquiries.inquiry()
    save_answers(inquiry, {"R2": Given(file=ContentFile(pdf(), name="a.pdf"))}, at=NOON)
    save_answers(inquiry, {"R2": Given()}, at=NOON)
    assert Answer.objects.get().document is not None
    save_answers(inquiry, {"R2": Given(drop=True)}, at=NOON)
    assert Answer.objects.get().document is None


def test_the_question_of_another_questionnaire_is_not_answered():
    inquiry = make_inquiries.inquiry()
    with pytest.raises(ValidationError, match="not open"):
        save_answers(inquiry, {"X9": Given("yes")}, at=NOON)


@pytest.mark.parametrize("shut", ["expired", "withdrawn", "submitted"])
def test_a_shut_inquiry_takes_nothing(shut):
    at = NOON
    inquiry = make_inquiries.submitted() if shut == "submitted" else make_inquiries.inquiry()
    if shut == "withdrawn":
        withdraw_inquiry(inquiry)
    if shut == "expired":
        at = inquiry.expires_at
    for step in (
        lambda: save_answers(inquiry, {"R1": Given("9")}, at=at),
        lambda: submit(inquiry, at=at),
    ):
        with pytest.raises(ValidationError, match="not open any more"):
            step()


def test_nothing_is_submitted_before_every_shown_question_is_answered():
    inquiry = make_inquiries.inquiry()
    save_answers(inquiry, {"T1": Given("yes"), "R1": Given("0")}, at=NOON)
    with pytest.raises(ValidationError, match="T2"):
        submit(inquiry, at=NOON)
    save_answers(inquiry, {"T1": Given("no")}, at=NOON)
    made = submit(inquiry, at=NOON)
    inquiry.refresh_from_db()
    assert (inquiry.state, made.number) == ("submitted", 1)
    assert set(made.content) == {"T1", "R1"}


def test_a_hidden_answer_is_not_submitted():
    inquiry = make_inquiries.inquiry()
    save_answers(inquiry, {"T1": Given("yes"), "T2": Given("For quality")}, at=NOON)
    save_answers(inquiry, {"T1": Given("no"), "R1": Given("0")}, at=NOON)
    assert "T2" not in submit(inquiry, at=NOON).content


def test_the_history_of_changes_keeps_nothing_of_a_stranger():
    inquiry = make_inquiries.inquiry()
    before = LogEntry.objects.count()
    save_answers(inquiry, {"T1": Given("no", "hello"), "R1": Given("3")}, at=NOON)
    submit(inquiry, at=NOON)
    assert LogEntry.objects.count() == before


@pytest.mark.parametrize("days", [-1, 0, 92])
def test_a_link_stands_for_some_time_only(days):
    with pytest.raises(ValidationError, match="future"):
        make_inquiries.inquiry(expires_at=NOON + days * DAY)


def test_only_a_published_questionnaire_is_sent_and_about_the_vendors_own_service():
    with pytest.raises(ValidationError, match="published"):
        make_inquiries.inquiry(make_inquiries.draft())
    with pytest.raises(ValidationError, match="another vendor"):
        make_inquiries.inquiry(vendor=make.vendor(), service=make.service())
