"""Questionnaires are frozen once published: by the services, and by the database under them."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from countersign.canonical import digest
from vendors.models import Question, Questionnaire
from vendors.services.questionnaires import (
    content,
    discard_draft,
    load_own_sets,
    publish_questionnaire,
    remove_question,
    retire_questionnaire,
    revise_questionnaire,
    save_question,
)
from vendors.tests import make, make_inquiries

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "change",
    [
        lambda q: Questionnaire.objects.filter(pk=q.pk).update(title="Another"),
        lambda q: Questionnaire.objects.filter(pk=q.pk).update(state="draft"),
        lambda q: Question.objects.filter(questionnaire=q).update(text="Another?"),
        lambda q: Question.objects.filter(questionnaire=q, code="R2").delete(),
        lambda q: Question.objects.create(
            questionnaire=q, code="NEW", text="?", section="S", kind="yes_no", position=99
        ),
        lambda q: connection.cursor().execute("DELETE FROM vendors_questionnaire"),
    ],
    ids=["title", "back to draft", "question", "less", "more", "delete"],
)
def test_a_published_version_cannot_be_changed(change):
    published = make_inquiries.published()
    with pytest.raises(IntegrityError, match="keeps what is published"), transaction.atomic():
        change(published)


def test_a_published_version_is_retired_and_nothing_else():
    published = make_inquiries.published()
    assert retire_questionnaire(published).state == "retired"
    with pytest.raises(ValidationError, match="Only a published"):
        retire_questionnaire(published)


def test_a_draft_changes_and_goes():
    draft = make_inquiries.draft()
    question = draft.questions.get(code="R2")
    question.text = "Attach the policy, please."
    save_question(question)
    remove_question(question)
    assert draft.questions.count() == 3
    discard_draft(draft)
    assert not Questionnaire.objects.exists()


def test_the_services_refuse_what_the_database_would():
    published = make_inquiries.published()
    question = published.questions.first()
    for change in (save_question, remove_question):
        with pytest.raises(ValidationError, match="published"):
            change(question)
    with pytest.raises(ValidationError, match="Retire it"):
        discard_draft(published)


def test_the_digest_is_that_of_what_is_asked():
    published = make_inquiries.published()
    assert published.digest == digest(content(published, published.questions.all()))


def test_the_next_version_has_the_same_questions_and_takes_the_place():
    first = make_inquiries.published()
    second = revise_questionnaire(first, by=None, on=make.TODAY)
    assert (second.version, second.state) == (2, "draft")
    assert [q.code for q in second.questions.all()] == ["T1", "T2", "R1", "R2"]
    with pytest.raises(ValidationError, match="draft of the next version"):
        revise_questionnaire(first, by=None, on=make.TODAY)
    second = publish_questionnaire(second, on=make.TODAY)
    first.refresh_from_db()
    assert (first.state, second.state) == ("retired", "published")
    assert second.digest == first.digest


def test_what_does_not_hold_together_is_not_published():
    question = {**make_inquiries.HOW, "shown_if": {"code": "X", "values": ["yes"]}}
    draft = make_inquiries.draft(question)
    with pytest.raises(ValidationError, match="does not exist"):
        publish_questionnaire(draft, on=make.TODAY)
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_our_own_set_is_loaded_once():
    assert load_own_sets(on=make.TODAY) == 1
    assert load_own_sets(on=make.TODAY) == 0
    own = Questionnaire.objects.get(slug="ai-vendor")
    assert (own.state, own.source, own.questions.count()) == ("published", "own", 60)


def test_the_file_holds_every_version(client):
    load_own_sets(on=make.TODAY)
    Questionnaire.objects.create(slug="mine", version=1, title="=cmd()", created_on=make.TODAY)
    client.force_login(make.person("vendors.view_questionnaire"))
    answer = client.get(reverse("vendors:questionnaire-export", args=["csv"]))
    rows = {row["Set"]: row for row in csv.DictReader(io.StringIO(answer.getvalue().decode()))}
    listed = client.get(reverse("vendors:questionnaire-list")).context["lines"]
    assert len(rows) == len(listed) == 2
    assert rows["'=cmd()"]["State"] == "Draft"
    own = next(row for row, _ in listed if row.slug == "ai-vendor")
    assert (rows[own.title]["Questions"], rows[own.title]["State"]) == ("60", "Published")
    xlsx = client.get(reverse("vendors:questionnaire-export", args=["xlsx"]))
    assert xlsx.getvalue().startswith(b"PK")
    other = reverse("vendors:questionnaire-export", args=["pdf"])
    assert client.get(other).status_code == 404
