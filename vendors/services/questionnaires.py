"""Questionnaires: drafted, published, revised; a published version never changes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.forms.models import model_to_dict

from countersign.canonical import digest
from vendors.models import Question, Questionnaire
from vendors.questions import Asked, Condition, faults
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

OWN_SETS = Path(__file__).resolve().parent.parent / "questionnaires"
# What a question says; its place and its questionnaire are beside it.
SAID = (
    "section",
    "code",
    "text",
    "help",
    "kind",
    "choices",
    "required",
    "takes_document",
    "shown_if",
    "dimension",
    "mapping",
)
State = Questionnaire.State


def asked(question: Question) -> Asked:
    """The question as the pure rules take it."""
    condition = question.shown_if or None
    return Asked(
        code=question.code,
        kind=question.kind,
        required=question.required,
        choices=tuple((choice[0], choice[1]) for choice in question.choices),
        shown_if=Condition(condition["code"], frozenset(condition["values"]))
        if condition
        else None,
        dimension=question.dimension,
        mapping=question.mapping,
    )


def content(questionnaire: Questionnaire, questions: Iterable[Question]) -> dict[str, Any]:
    """What a version asks, in order: what its digest is taken of."""
    return {
        "title": questionnaire.title,
        "intro": questionnaire.intro,
        "questions": [
            {name: getattr(question, name) for name in SAID}
            for question in sorted(questions, key=lambda question: question.position)
        ],
    }


def problems(questions: Iterable[Question]) -> list[str]:
    """What keeps these questions from being published."""
    return faults([asked(question) for question in questions])


@transaction.atomic
def draft_questionnaire(
    questionnaire: Questionnaire, questions: Sequence[Question], *, by: User | None, on: dt.date
) -> Questionnaire:
    """Store a draft with its questions, given unsaved, in this order. Raises: ValidationError."""
    questionnaire.state, questionnaire.created_by, questionnaire.created_on = State.DRAFT, by, on
    save_checked(questionnaire)
    for position, question in enumerate(questions, start=1):
        question.questionnaire, question.position = questionnaire, position
        question.full_clean(exclude=["questionnaire"], validate_constraints=False)
    if len({question.code for question in questions}) < len(questions):
        raise ValidationError("Two questions have the same code.")
    Question.objects.bulk_create(questions, batch_size=500)
    return questionnaire


def save_question(question: Question) -> Question:
    """Store a question of a draft; a new one without a place comes last.

    Raises: ValidationError.
    """
    if question.questionnaire.state != State.DRAFT:
        raise ValidationError("This version is published. Make a new version to change it.")
    if not question.position:
        rows = Question.objects.filter(questionnaire=question.questionnaire)
        question.position = (rows.aggregate(last=Max("position"))["last"] or 0) + 1
    save_checked(question)
    return question


def remove_question(question: Question) -> None:
    """Take a question out of a draft. Raises: ValidationError."""
    if question.questionnaire.state != State.DRAFT:
        raise ValidationError("This version is published. Make a new version to change it.")
    question.delete()


@transaction.atomic
def publish_questionnaire(questionnaire: Questionnaire, *, on: dt.date) -> Questionnaire:
    """Freeze a draft, so that it can be sent; the version before it is retired.

    Raises: ValidationError with everything that keeps it from being published.
    """
    stored = Questionnaire.objects.select_for_update(no_key=True).get(pk=questionnaire.pk)
    if stored.state != State.DRAFT:
        raise ValidationError("This version is published already.")
    questions = list(stored.questions.all())
    if found := problems(questions):
        raise ValidationError(found)
    for older in Questionnaire.objects.filter(slug=stored.slug, state=State.PUBLISHED):
        older.state = State.RETIRED
        save_checked(older)
    stored.state, stored.published_on = State.PUBLISHED, on
    stored.digest = digest(content(stored, questions))
    save_checked(stored)
    return stored


@transaction.atomic
def retire_questionnaire(questionnaire: Questionnaire) -> Questionnaire:
    """Send this version no more; inquiries that run with it go on. Raises: ValidationError."""
    stored = Questionnaire.objects.select_for_update(no_key=True).get(pk=questionnaire.pk)
    if stored.state != State.PUBLISHED:
        raise ValidationError("Only a published version is retired.")
    stored.state = State.RETIRED
    save_checked(stored)
    return stored


@transaction.atomic
def revise_questionnaire(
    questionnaire: Questionnaire, *, by: User | None, on: dt.date
) -> Questionnaire:
    """A draft of the next version with the same questions. Raises: ValidationError."""
    versions = Questionnaire.objects.select_for_update(no_key=True).filter(slug=questionnaire.slug)
    newest = max(versions, key=lambda each: each.version)
    if newest.state == State.DRAFT:
        raise ValidationError("A draft of the next version exists already.")
    fresh = Questionnaire(
        slug=newest.slug,
        version=newest.version + 1,
        title=questionnaire.title,
        intro=questionnaire.intro,
        source=questionnaire.source,
        source_name=questionnaire.source_name,
    )
    rows = [
        Question(**model_to_dict(question, fields=SAID))
        for question in questionnaire.questions.all()
    ]
    return draft_questionnaire(fresh, rows, by=by, on=on)


@transaction.atomic
def discard_draft(questionnaire: Questionnaire) -> None:
    """Drop a draft with its questions. Raises: ValidationError if it was published."""
    stored = Questionnaire.objects.select_for_update().get(pk=questionnaire.pk)
    if stored.state != State.DRAFT:
        raise ValidationError("A published version stays. Retire it instead.")
    stored.delete()


@transaction.atomic
def load_own_sets(*, on: dt.date) -> int:
    """Publish the sets that come with Countersign; safe to repeat. Returns: how many were new."""
    loaded = 0
    for path in sorted(OWN_SETS.glob("*.json")):
        entry = json.loads(path.read_text(encoding="utf-8"))
        if Questionnaire.objects.filter(slug=entry["slug"], version=entry["version"]).exists():
            continue
        made = draft_questionnaire(
            Questionnaire(
                slug=entry["slug"],
                version=entry["version"],
                title=entry["title"],
                intro=entry["intro"],
                source=Questionnaire.Source.OWN,
            ),
            [Question(**question) for question in entry["questions"]],
            by=None,
            on=on,
        )
        publish_questionnaire(made, on=on)
        loaded += 1
    return loaded
