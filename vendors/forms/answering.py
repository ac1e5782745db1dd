"""The form of one section of a questionnaire, as the vendor fills it in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape

from vendors.forms.papers import PdfField
from vendors.models import Answer, Question
from vendors.models.questionnaires import COMMENT_CHARACTERS
from vendors.questions import TEXT_CHARACTERS, YES_NO, Unfit, Value, fit
from vendors.services.answering import FILE_BYTES, Given, Sheet
from vendors.services.questionnaires import asked
from vendors.sheets import MAX_BYTES

OFFERED = "Choose one of the answers that are offered."


class DraftText(forms.CharField):
    """Marked as asked for, yet a draft may leave it empty."""

    def validate(self, value: Any) -> None:
        """Nothing is missing in a draft."""


class DraftChoice(forms.ChoiceField):
    """One of its choices, or nothing yet; the refusal repeats nothing."""

    def validate(self, value: Any) -> None:
        if value and not self.valid_value(value):
            raise ValidationError(OFFERED)


class DraftChoices(forms.MultipleChoiceField):
    """Some of its choices, or nothing yet; the refusal repeats nothing."""

    def validate(self, value: Any) -> None:
        if not all(self.valid_value(each) for each in value):
            raise ValidationError(OFFERED)


def value_field(question: Question) -> forms.Field | None:
    """The field for the answer to a question; None where a file is the answer."""
    said: dict[str, Any] = {
        "label": question.text,
        # A template prints a field's help as HTML, and this one may be a customer's.
        "help_text": escape(question.help),
        "required": question.required,
    }
    if question.kind == Question.Kind.FILE:
        return None
    if question.kind in (Question.Kind.YES_NO, Question.Kind.CHOICE):
        choices = YES_NO if question.kind == Question.Kind.YES_NO else question.choices
        in_row = {"class": "in-row"} if question.kind == Question.Kind.YES_NO else {}
        widget = forms.RadioSelect(attrs=in_row)
        return DraftChoice(choices=[tuple(c) for c in choices], widget=widget, **said)
    if question.kind == Question.Kind.MULTIPLE:
        choices = [tuple(choice) for choice in question.choices]
        return DraftChoices(choices=choices, widget=forms.CheckboxSelectMultiple, **said)
    typed: forms.Widget = forms.Textarea(attrs={"rows": 3, "maxlength": TEXT_CHARACTERS})
    if question.kind == Question.Kind.NUMBER:
        typed = forms.NumberInput(attrs={"min": 0, "step": 1, "inputmode": "numeric"})
    elif question.kind == Question.Kind.DATE:
        typed = forms.DateInput(format="%Y-%m-%d")
    return DraftText(widget=typed, **said)


@dataclass(frozen=True, slots=True)
class Line:
    """A shown question on the page: its fields, its answer so far, whether it can be changed."""

    question: Question
    answer: Answer | None
    editable: bool
    branches: bool
    value: forms.BoundField | None
    comment: forms.BoundField | None
    file: forms.BoundField | None
    drop: forms.BoundField | None


class SectionForm(forms.Form):
    """The questions of a section; those that were on the page name themselves in `on_page`."""

    use_required_attribute = False

    def __init__(self, *args: Any, sheet: Sheet, questions: list[Question], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sheet, self.questions = sheet, questions
        self.parents = {q.shown_if["code"] for q in sheet.questions if q.shown_if}
        for question in questions:
            if sheet.editable(question.code):
                self._add(question, sheet.answers.get(question.code))

    def _add(self, question: Question, answer: Answer | None) -> None:
        field = value_field(question)
        if field is not None:
            field.initial = answer.value if answer else None
            self.fields[f"q{question.pk}"] = field
        self.fields[f"c{question.pk}"] = forms.CharField(
            label="Comment",
            required=False,
            max_length=COMMENT_CHARACTERS,
            initial=answer.comment if answer else "",
            widget=forms.Textarea(attrs={"rows": 2}),
        )
        if question.takes_document or question.kind == Question.Kind.FILE:
            is_file = question.kind == Question.Kind.FILE
            self.fields[f"f{question.pk}"] = PdfField(
                label=question.text if is_file else "Document that says so (PDF)",
                help_text=f"At most {FILE_BYTES // 1024 // 1024} MB, without a password.",
            )
        if answer is not None and answer.document is not None:
            self.fields[f"d{question.pk}"] = forms.BooleanField(
                label="Take this file away", required=False
            )

    def given(self) -> dict[str, Given]:
        """What was given to the questions that were on the page, once the form is valid."""
        found = {}
        for question in self._on_page():
            pk, cleaned = question.pk, self.cleaned_data
            found[question.code] = Given(
                value=cleaned.get(f"q{pk}"),
                comment=cleaned.get(f"c{pk}", ""),
                file=cleaned.get(f"f{pk}"),
                drop=cleaned.get(f"d{pk}", False),
            )
        return found

    def _on_page(self) -> Iterator[Question]:
        named = set(self.data.getlist("on_page"))  # type: ignore[attr-defined]
        for question in self.questions:
            if str(question.pk) in named and self.sheet.editable(question.code):
                yield question

    def refuse(self, problems: Mapping[str, list[str]]) -> None:
        """Show what a service found wrong beside its question."""
        for question in self.questions:
            for name in (f"q{question.pk}", f"f{question.pk}", f"c{question.pk}"):
                if name in self.fields and question.code in problems:
                    self.add_error(name, problems[question.code])
                    break

    def typed(self) -> dict[str, Value]:
        """What the page holds as it stands, as far as it fits: it decides what is shown."""
        found: dict[str, Value] = {}
        for question in self._on_page() if self.is_bound else ():
            field = self[f"q{question.pk}"] if f"q{question.pk}" in self.fields else None
            try:
                found[question.code] = fit(asked(question), field.data if field else None)
            except Unfit:
                continue
        return found

    def lines(self) -> Iterator[Line]:
        """What the page shows of the section, in order."""
        shown: Collection[str] = self.sheet.visible(self.typed())
        for question in self.questions:
            if question.code in shown:
                yield Line(
                    question,
                    self.sheet.answers.get(question.code),
                    self.sheet.editable(question.code),
                    question.code in self.parents,
                    *(self._bound(f"{kind}{question.pk}") for kind in "qcfd"),
                )

    def _bound(self, name: str) -> forms.BoundField | None:
        return self[name] if name in self.fields else None


class WorkbookForm(forms.Form):
    """A workbook that came back."""

    workbook = forms.FileField(
        label="Answered workbook (XLSX)", widget=forms.FileInput(attrs={"accept": ".xlsx"})
    )

    def clean_workbook(self) -> bytes:
        """The file's bytes."""
        uploaded = self.cleaned_data["workbook"]
        if uploaded.size > MAX_BYTES:
            raise ValidationError("The file is larger than is allowed.")
        content: bytes = uploaded.read()
        return content
