"""The vendor's pages behind a link, and what strangers get there."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from vendors.models import Answer, Inquiry, InquiryView
from vendors.services.inquiries import find_inquiry, withdraw_inquiry
from vendors.tests import make, make_inquiries
from vendors.tests.test_uploads import pdf
from vendors.views import links

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def sent():
    return make_inquiries.linked(at=timezone.now())


def page(name: str, token: str, *args) -> str:
    return reverse(f"vendors:answer-{name}", args=[token, *args])


def on_page(inquiry: Inquiry, **values) -> dict[str, object]:
    """The body of a form with the values of these codes."""
    body: dict[str, object] = {"on_page": []}
    for question in inquiry.questionnaire.questions.filter(code__in=values):
        body["on_page"].append(question.pk)
        field = "f" if question.kind == "file" else "q"
        body[f"{field}{question.pk}"] = values[question.code]
    return body


def test_the_way_through(sent, client):
    inquiry, token = sent
    assert b"Short set" in client.get(page("form", token)).content
    first = client.get(page("section", token, 1)).content.decode()
    assert "Do you train on what we send?" in first
    assert "Why do you?" not in first
    answer = client.post(page("section", token, 1), on_page(inquiry, T1="yes") | {"save": "1"})
    assert answer.url == page("section", token, 1)
    assert "Why do you?" in client.get(answer.url).content.decode()
    answer = client.post(
        page("section", token, 1), on_page(inquiry, T1="no", T2="") | {"next": "1"}
    )
    assert answer.url == page("section", token, 2)
    paper = SimpleUploadedFile("policy.pdf", pdf())
    answer = client.post(
        page("section", token, 2), on_page(inquiry, R1="30", R2=paper) | {"next": "1"}
    )
    assert answer.url == page("submit", token)
    assert "policy.pdf" in client.get(answer.url).content.decode()
    assert client.post(answer.url).url == page("form", token)
    thanks = client.get(page("form", token)).content.decode()
    assert "Thank you" in thanks
    assert "<form" not in thanks
    inquiry.refresh_from_db()
    assert inquiry.state == "submitted"


def test_a_draft_with_something_wrong_says_so_and_keeps_what_was_typed(sent, client):
    inquiry, token = sent
    answer = client.post(page("section", token, 2), on_page(inquiry, R1="thirty") | {"next": "1"})
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "whole number" in body
    assert 'value="thirty"' in body
    assert not Answer.objects.exists()


def test_no_answer_runs_in_a_page(sent, client):
    inquiry, token = sent
    evil = "<script>alert(1)</script>"
    body = on_page(inquiry, T1="yes", T2=evil) | {"save": "1"}
    client.post(page("section", token, 1), body)
    for name, args in [("section", [1]), ("submit", [])]:
        content = client.get(page(name, token, *args)).content.decode()
        assert evil not in content
        assert "&lt;script&gt;" in content


def test_no_question_of_a_customers_sheet_runs_in_a_page(client):
    evil = '<img src=x onerror="alert(1)">'
    question = {**make_inquiries.TRAINING, "text": f"Q {evil}", "help": f"H {evil}"}
    _, token = make_inquiries.linked(of=make_inquiries.published(question), at=timezone.now())
    content = client.get(page("section", token, 1)).content.decode()
    assert evil not in content
    assert content.count("&lt;img") >= 2


def test_the_question_of_another_inquiry_is_not_answered(sent, client):
    _, token = sent
    other = make_inquiries.published().questions.get(code="R1")
    client.post(
        page("section", token, 2),
        {"on_page": [other.pk], f"q{other.pk}": "5", "next": "1"},
    )
    assert not Answer.objects.exists()


def test_a_question_that_was_not_on_the_page_keeps_its_answer(sent, client):
    inquiry, token = sent
    client.post(page("section", token, 2), on_page(inquiry, R1="5"))
    client.post(page("section", token, 2), on_page(inquiry, R2=""))
    assert Answer.objects.get(question__code="R1").value == 5


def test_what_was_submitted_stays(client):
    at = timezone.now()
    inquiry, token = make_inquiries.linked(at=at)
    body = on_page(inquiry, T1="no")
    client.post(page("section", token, 1), body)
    client.post(page("section", token, 2), on_page(inquiry, R1="5"))
    client.post(page("submit", token))
    answer = client.post(page("section", token, 2), on_page(inquiry, R1="9"))
    assert b"Thank you" in answer.content
    assert Answer.objects.get(question__code="R1").value == 5


@pytest.mark.parametrize("how", ["expired", "withdrawn"])
def test_a_link_that_ended_helps_and_reveals_nothing(sent, client, how):
    inquiry, token = sent
    if how == "withdrawn":
        withdraw_inquiry(inquiry)
    else:
        past = timezone.now() - dt.timedelta(days=1)
        Inquiry.objects.filter(pk=inquiry.pk).update(expires_at=past)
    for name, args in [("form", []), ("section", [1]), ("submit", [])]:
        for method in (client.get, client.post):
            answer = method(page(name, token, *args))
            if answer.status_code == 405:
                continue
            assert answer.status_code == 410
            body = answer.content.decode()
            assert "This link has ended" in body
            assert inquiry.vendor.name not in body
            assert "Short set" not in body
            assert inquiry.sent_by.email not in body
    assert not InquiryView.objects.exists()


def test_an_unknown_secret_is_an_unknown_page(client, sent):
    unknown = client.get(page("form", "A" * 43))
    assert unknown.status_code == 404
    short = client.get(page("form", "short"))
    assert "There is no such page" in short.content.decode()


def test_who_tries_many_secrets_is_refused_and_then_the_true_one_too(client, sent, monkeypatch):
    monkeypatch.setattr(links, "TRIES", 3)
    cache.clear()
    _, token = sent
    for _ in range(3):
        assert client.get(page("form", "A" * 43)).status_code == 404
    assert client.get(page("form", "A" * 43)).status_code == 429
    assert client.get(page("form", token)).status_code == 429
    assert client.get(page("form", token), REMOTE_ADDR="198.51.100.9").status_code == 200


def test_a_link_answers_so_many_requests_in_a_minute(client, sent, monkeypatch):
    monkeypatch.setattr(links, "REQUESTS", 2)
    cache.clear()
    statuses = [client.get(page("form", sent[1])).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_a_body_past_the_limit_is_not_read(client, sent, monkeypatch):
    monkeypatch.setattr(links, "BODY_BYTES", 100)
    body = {"on_page": ["1"], "text": "a" * 200}
    assert client.post(page("section", sent[1], 1), body).status_code == 413


def test_files_are_looked_at_so_many_times_in_a_minute(client, sent, monkeypatch):
    """Refused ones count, too: each costs a process."""
    monkeypatch.setattr(links, "UPLOADS", 1)
    cache.clear()
    inquiry, token = sent
    for words in ("not a PDF", "Too many files"):
        paper = SimpleUploadedFile("policy.pdf", b"no paper")
        answer = client.post(page("section", token, 2), on_page(inquiry, R1="5", R2=paper))
        assert words in answer.content.decode()
    assert client.post(page("section", token, 2), on_page(inquiry, R1="5")).status_code == 302


def test_a_form_of_another_site_is_refused(sent):
    inquiry, token = sent
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(page("section", token, 2), on_page(inquiry, R1="5"))
    assert answer.status_code == 403
    strict.get(page("section", token, 2))
    secret = strict.cookies["countersign-csrf"].value
    body = on_page(inquiry, R1="5") | {"csrfmiddlewaretoken": secret}
    assert strict.post(page("section", token, 2), body).status_code == 302


@pytest.mark.parametrize("token", ["known", "unknown"])
def test_no_answer_is_kept_or_indexed_or_told_to_other_sites(client, sent, token):
    known = sent[1] if token == "known" else "B" * 43
    answer = client.get(page("form", known))
    assert answer["Cache-Control"] == "no-store, private"
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["Referrer-Policy"] == "same-origin"
    assert "script-src" in answer["Content-Security-Policy"]


def test_the_pages_tell_nothing_of_ours(client):
    """Neither what we know of the vendor, nor what we make of its answers."""
    vendor = make.vendor("Larkspur", description="We are unhappy with them")
    service = make.service(vendor)
    inquiry, token = make_inquiries.linked(vendor=vendor, service=service, at=timezone.now())
    content = client.get(page("form", token)).content.decode()
    assert "unhappy" not in content
    assert 'aria-label="Main"' not in content
    assert find_inquiry(token) == inquiry


def test_our_own_look_is_not_an_opening(client, sent):
    client.force_login(make.person())
    client.get(page("form", sent[1]))
    assert not InquiryView.objects.exists()
    client.logout()
    client.get(page("form", sent[1]))
    assert InquiryView.objects.count() == 1
