"""The officer's side: sending, reviewing, asking again, facts."""

from __future__ import annotations

import re

import pytest
from celery import current_app as app
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from vendors.models import Answer, Fact, Inquiry
from vendors.services.answering import Given, save_answers, submit
from vendors.services.inquiries import find_inquiry
from vendors.services.inquiry_reviews import accept_rest
from vendors.sheets import read_table
from vendors.tests import make, make_inquiries
from vendors.tests.make import person

pytestmark = pytest.mark.django_db
PERMISSIONS = (
    "vendors.view_vendor",
    "vendors.view_inquiry",
    "vendors.view_questionnaire",
    "vendors.view_answer",
    "vendors.view_document",
    "vendors.view_fact",
    "vendors.add_inquiry",
    "vendors.change_inquiry",
    "vendors.review_inquiry",
    "vendors.add_questionnaire",
    "vendors.change_questionnaire",
    "vendors.add_fact",
)


@pytest.fixture
def officer(client):
    signed_in = person(*PERMISSIONS)
    client.force_login(signed_in)
    return signed_in


@pytest.fixture(autouse=True)
def _at_once():
    """Tasks run where they are asked for: what the worker would do is done here."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def url(name: str, inquiry: Inquiry) -> str:
    return reverse(f"vendors:inquiry-{name}", args=[inquiry.pk])


def send_form(service, **fields) -> dict[str, object]:
    return {
        "questionnaire": make_inquiries.published().pk,
        "service": service.pk,
        "contact": "trust@vendor.example",
        "expires_on": (timezone.localdate() + make.dt.timedelta(days=14)).isoformat(),
        "delivery": "mail",
        **fields,
    }


def test_the_link_is_mailed(officer, client, django_capture_on_commit_callbacks):
    service = make.service()
    create = reverse("vendors:inquiry-create", args=[service.vendor.slug])
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(create, send_form(service))
    inquiry = Inquiry.objects.get()
    assert answer.url == url("detail", inquiry)
    token = re.search(r"/q/([\w-]{43})/", mail.outbox[0].body)[1]
    assert find_inquiry(token) == inquiry
    assert token not in client.get(answer.url).content.decode()


def test_the_link_is_shown_once(officer, client):
    service = make.service()
    create = reverse("vendors:inquiry-create", args=[service.vendor.slug])
    answer = client.post(create, send_form(service, delivery="copy"))
    token = re.search(r"/q/([\w-]{43})/", answer.content.decode())[1]
    inquiry = find_inquiry(token)
    assert "no-store" in answer["Cache-Control"]
    assert mail.outbox == []
    assert token not in client.get(url("detail", inquiry)).content.decode()
    again = client.post(
        url("link", inquiry), {"expires_on": send_form(service)["expires_on"], "delivery": "copy"}
    )
    assert token not in again.content.decode()
    assert find_inquiry(token) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("expires_on", "2020-01-01"), ("contact", "nobody"), ("delivery", "pigeon")],
)
def test_a_form_with_something_wrong_sends_nothing(officer, client, field, value):
    service = make.service()
    create = reverse("vendors:inquiry-create", args=[service.vendor.slug])
    answer = client.post(create, send_form(service, **{field: value}))
    assert answer.status_code == 200
    assert not Inquiry.objects.exists()


def test_the_service_of_another_vendor_is_not_offered(officer, client):
    create = reverse("vendors:inquiry-create", args=[make.vendor().slug])
    client.post(create, send_form(make.service()))
    assert not Inquiry.objects.exists()


def test_what_is_not_submitted_is_not_shown(officer, client):
    inquiry = make_inquiries.inquiry(at=timezone.now())
    save_answers(inquiry, {"T1": Given("no", "only a draft")}, at=timezone.now())
    assert "only a draft" not in client.get(url("detail", inquiry)).content.decode()


def test_what_is_drafted_after_asking_again_is_not_shown_either(officer, client):
    inquiry = make_inquiries.submitted(at=timezone.now())
    review(client, inquiry, "R1", "clarify", "Backups, too?")
    expires_on = send_form(inquiry.service)["expires_on"]
    client.post(url("return", inquiry), {"expires_on": expires_on, "delivery": "keep"})
    inquiry.refresh_from_db()
    save_answers(inquiry, {"R1": Given("77777", "only a draft")}, at=timezone.now())
    page = client.get(url("detail", inquiry)).content.decode()
    assert "77777" not in page
    assert "only a draft" not in page
    assert "<p>30</p>" in page
    out = client.get(url("workbook", inquiry)).content
    cells = {row.cells[0]: row.cells[6] for row in read_table(out, sheet="Answers").rows}
    assert cells["R1"] == "30"


def review(client, inquiry, code, verdict, note=""):
    answer = inquiry.answers.get(question__code=code)
    path = reverse("vendors:answer-review", args=[answer.pk])
    client.post(path, {"review": verdict, "note": note})
    answer.refresh_from_db()
    return answer


def test_answers_are_reviewed_one_by_one_and_the_review_is_closed(officer, client):
    inquiry = make_inquiries.submitted(at=timezone.now())
    assert review(client, inquiry, "T1", "accepted").reviewed_by == officer
    inquiry.refresh_from_db()
    assert inquiry.state == "in_review"
    client.post(url("finish", inquiry))
    inquiry.refresh_from_db()
    assert inquiry.state == "in_review"
    assert review(client, inquiry, "R1", "rejected", "Not believable").note == "Not believable"
    client.post(url("finish", inquiry))
    inquiry.refresh_from_db()
    assert (inquiry.state, inquiry.reviewed_by) == ("accepted", officer)
    assert review(client, inquiry, "T1", "rejected").review == "accepted"


def test_asking_again_needs_words_and_opens_that_answer_alone(officer, client):
    inquiry = make_inquiries.submitted(at=timezone.now())
    assert review(client, inquiry, "R1", "clarify").review == "pending"
    assert review(client, inquiry, "R1", "clarify", "Backups, too?").review == "clarify"
    back = {"expires_on": send_form(inquiry.service)["expires_on"], "delivery": "copy"}
    token = re.search(
        r"/q/([\w-]{43})/", client.post(url("return", inquiry), back).content.decode()
    )
    client.logout()
    section = reverse("vendors:answer-section", args=[token[1], 2])
    assert "Backups, too?" in client.get(section).content.decode()
    question = inquiry.questionnaire.questions.get(code="R1")
    client.post(section, {"on_page": [question.pk], f"q{question.pk}": "60", "next": "1"})
    locked = inquiry.questionnaire.questions.get(code="T1")
    first = reverse("vendors:answer-section", args=[token[1], 1])
    client.post(first, {"on_page": [locked.pk], f"q{locked.pk}": "yes", "next": "1"})
    client.post(reverse("vendors:answer-submit", args=[token[1]]))
    inquiry.refresh_from_db()
    assert inquiry.state == "submitted"
    assert [s.content["R1"]["value"] for s in inquiry.submissions.all()] == [30, 60]
    assert inquiry.answers.get(question__code="T1").value == "no"
    assert inquiry.answers.get(question__code="R1").review == "pending"


def test_facts_come_of_accepted_answers_and_only_when_they_are_confirmed(officer, client):
    service = make.service(facts=False)
    make.fact(service, dimension="training_use", value="yes", grade="self_attested")
    inquiry = make_inquiries.submitted(vendor=service.vendor, service=service, at=timezone.now())
    facts = url("facts", inquiry)
    assert "Nothing to record" in client.get(facts).content.decode()
    accept_rest(inquiry, by=officer, on=timezone.localdate())
    content = client.get(facts).content.decode()
    assert "Training on our data" in content
    assert Fact.objects.count() == 1
    answer = inquiry.answers.get(question__code="T1")
    client.post(facts, {f"take-{answer.pk}-{service.pk}": "on"})
    made = Fact.objects.latest("pk")
    assert Fact.objects.count() == 2
    assert (made.dimension, made.value, made.grade) == ("training_use", "no", "self_attested")
    assert made.source == "Questionnaire Short set, version 1, question T1"
    assert (made.verified_by, made.verified_on) == (officer, timezone.localdate())
    assert made.from_answer.answer == answer
    client.post(facts, {f"take-{answer.pk}-{service.pk}": "on"})
    assert Fact.objects.count() == 2


def test_an_answer_with_facts_is_not_rejected_any_more(officer, client):
    inquiry = make_inquiries.submitted(at=timezone.now())
    accept_rest(inquiry, by=officer, on=timezone.localdate())
    answer = inquiry.answers.get(question__code="T1")
    client.post(url("facts", inquiry), {f"take-{answer.pk}-{inquiry.service.pk}": "on"})
    assert review(client, inquiry, "T1", "rejected").review == "accepted"


def test_a_contract_is_claimed_only_where_a_document_says_so(officer, client):
    inquiry = make_inquiries.submitted(at=timezone.now())
    accept_rest(inquiry, by=officer, on=timezone.localdate())
    answer = inquiry.answers.get(question__code="T1")
    key = f"{answer.pk}-{inquiry.service.pk}"
    client.post(url("facts", inquiry), {f"take-{key}": "on", f"grade-{key}": "contract"})
    assert Fact.objects.get().grade == "self_attested"


def test_answers_about_the_vendor_as_a_whole_become_facts_of_the_services_that_are_chosen(
    officer, client
):
    vendor = make.vendor()
    first, second = make.service(vendor, facts=False), make.service(vendor, facts=False)
    inquiry = make_inquiries.submitted(vendor=vendor, at=timezone.now())
    Inquiry.objects.filter(pk=inquiry.pk).update(service=None)
    inquiry.refresh_from_db()
    accept_rest(inquiry, by=officer, on=timezone.localdate())
    answer = inquiry.answers.get(question__code="R1")
    client.post(url("facts", inquiry), {f"take-{answer.pk}-{second.pk}": "on"})
    assert [fact.service for fact in Fact.objects.all()] == [second]
    assert first.facts.count() == 0


def test_a_question_that_a_later_answer_hid_makes_no_fact(officer, client):
    question = {**make_inquiries.DAYS, "shown_if": {"code": "T1", "values": ["yes"]}}
    of = make_inquiries.published(make_inquiries.TRAINING, question)
    at = timezone.now()
    inquiry = make_inquiries.inquiry(of, at=at)
    save_answers(inquiry, {"T1": Given("yes"), "R1": Given("5")}, at=at)
    save_answers(inquiry, {"T1": Given("no")}, at=at)
    submit(inquiry, at=at)
    accept_rest(inquiry, by=officer, on=timezone.localdate())
    Answer.objects.update(review="accepted")
    content = client.get(url("facts", inquiry)).content.decode()
    assert "Training on our data" in content
    assert "retention" not in content.lower()


def test_the_list_takes_the_same_queries_for_one_and_for_many(
    officer, client, django_assert_max_num_queries
):
    of = make_inquiries.published()
    for _ in range(6):
        make_inquiries.submitted(of=of, at=timezone.now())
    make_inquiries.inquiry(of, at=timezone.now())
    with django_assert_max_num_queries(12):
        content = client.get(reverse("vendors:inquiry-list")).content.decode()
    assert "2 of 3" in content
    for waiting, number in [("us", 6), ("vendor", 1), ("ended", 0), ("done", 0)]:
        page = client.get(reverse("vendors:inquiry-list"), {"waiting": waiting})
        assert page.context["page_obj"].paginator.count == number


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_list_is_exported_as_it_is_shown(officer, client, kind):
    make_inquiries.submitted(at=timezone.now())
    answer = client.get(reverse("vendors:inquiry-export", args=[kind]), {"waiting": "us"})
    content = b"".join(answer.streaming_content)
    assert content.startswith(b"Vendor,Service" if kind == "csv" else b"PK")
    if kind == "csv":
        assert b"Short set,1,To review,trust@vendor.example" in content


def test_the_vendors_tab_shows_what_was_sent(officer, client):
    inquiry = make_inquiries.submitted(at=timezone.now())
    tab = reverse("vendors:vendor-detail", args=[inquiry.vendor.slug]) + "?tab=questionnaires"
    assert "To review" in client.get(tab).content.decode()


def test_a_draft_is_written_changed_and_published(officer, client):
    create = client.post(reverse("vendors:questionnaire-create"), {"title": "Our own"})
    pk = int(create.url.rstrip("/").rsplit("/", 1)[1])
    new = reverse("vendors:question-create", args=[pk])
    first = {"section": "A", "code": "A1", "text": "Well?", "kind": "choice", "required": "on"}
    assert "fewer than two" in client.post(new, first).content.decode()
    client.post(new, first | {"choices": "yes | Yes\nnot really"})
    second = {"section": "A", "code": "A2", "text": "Why?", "kind": "text"}
    client.post(new, second | {"shown_by": "A1", "shown_values": "not-really"})
    page = client.get(create.url).content.decode()
    assert "If A1" in page
    edit = re.search(r"/questions/\d+/edit/", page)[0]
    assert "yes | Yes" in client.get(edit).content.decode()
    answer = client.post(reverse("vendors:questionnaire-publish", args=[pk]), follow=True)
    assert "Published: it can be sent" in answer.content.decode()
    answer = client.post(edit, first | {"choices": "a\nb"})
    assert "This version is published" in answer.content.decode()
