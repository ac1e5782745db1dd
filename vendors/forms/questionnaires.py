"""Forms of a draft: its title, and each of its questions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify

from vendors.forms.register import LinesField
from vendors.models import Dimension, Question, Questionnaire
from vendors.questions import CHOOSING, faults
from vendors.services.questionnaires import asked

LINE_HELP = "One answer on each line; a short value before a bar if you want one: yes | Yes, always"


class QuestionnaireForm(forms.ModelForm):
    """What stands above the questions."""

    class Meta:
        model = Questionnaire
        fields = ("title", "intro")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["intro"].widget.attrs["rows"] = 4


def free_slug(title: str) -> str:
    """A slug of the title that no other questionnaire has."""
    stem = slugify(title)[:70] or "questionnaire"
    slug, number = stem, 1
    while Questionnaire.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{stem}-{number}"
    return slug


def choice_pairs(lines: list[str]) -> list[list[str]]:
    """Pairs of value and label from lines `value | label` or `label`."""
    pairs = []
    for line in lines:
        value, bar, label = (part.strip() for part in line.partition("|"))
        pairs.append([value, label] if bar else [slugify(value)[:60] or value[:60], value])
    return pairs


class QuestionForm(forms.ModelForm):
    """A question of a draft: what it asks, what shows it, which facts come of it."""

    choices = LinesField(required=False, label="Answers to choose from", help_text=LINE_HELP)
    shown_by = forms.ChoiceField(required=False, label="Shown by question")
    shown_values = LinesField(
        required=False,
        label="When it is answered by",
        help_text="One value on each line, such as yes.",
    )
    mapping = LinesField(
        required=False,
        label="Facts by answer",
        help_text="answer = value on each line, such as: no = no, or for numbers: * = days",
    )

    class Meta:
        model = Question
        fields = (
            "section",
            "code",
            "text",
            "help",
            "kind",
            "choices",
            "required",
            "takes_document",
            "dimension",
            "mapping",
        )

    def __init__(self, *args: Any, others: list[Question], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.others = others
        question = self.instance
        self.fields["text"].widget.attrs["rows"] = 2
        self.fields["help"].widget.attrs["rows"] = 2
        self.fields["dimension"].choices = [("", "None"), *Dimension.choices]  # type: ignore[attr-defined]
        branching = [(q.code, q.code) for q in others if q.kind in CHOOSING]
        self.fields["shown_by"].choices = [("", "Always shown"), *branching]  # type: ignore[attr-defined]
        condition = question.shown_if or {"code": "", "values": []}
        self.initial.update(
            {
                "choices": [" | ".join(pair) for pair in question.choices],
                "shown_by": condition["code"],
                "shown_values": condition["values"],
                "mapping": [f"{answer} = {value}" for answer, value in question.mapping.items()],
            }
        )

    def clean_choices(self) -> list[list[str]]:
        pairs = choice_pairs(self.cleaned_data["choices"])
        if any(not value or not label or len(label) > 300 for value, label in pairs):
            raise ValidationError("Each line needs an answer of at most 300 characters.")
        return pairs

    def clean_mapping(self) -> dict[str, str]:
        found = {}
        for line in self.cleaned_data["mapping"]:
            answer, sign, value = (part.strip() for part in line.partition("="))
            if not sign or not answer or not value:
                raise ValidationError("Write each line as: answer = value")
            found[answer] = value
        return found

    def clean(self) -> dict[str, Any] | None:
        """Check what can be said of one question beside the others."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        shown_by, values = cleaned.get("shown_by"), cleaned.get("shown_values")
        self.instance.shown_if = {"code": shown_by, "values": values} if shown_by else {}
        if cleaned["kind"] not in ("choice", "multiple"):
            cleaned["choices"] = []
        probe = Question(**{name: cleaned[name] for name in self.Meta.fields})
        probe.shown_if = self.instance.shown_if
        rows = [q for q in self.others if q.code != probe.code] + [probe]
        prefix = f"{probe.code}: "
        for fault in faults([asked(row) for row in rows]):
            if fault.startswith(prefix):
                self.add_error(None, fault.removeprefix(prefix).capitalize())
        return cleaned
