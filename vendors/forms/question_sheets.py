"""Forms of the wizard that makes a draft of a customer's own sheet."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from vendors.models import QuestionSheet
from vendors.services.question_sheets import (
    DEFAULT_KINDS,
    Columns,
    Drafted,
    best_sheet,
    propose_columns,
    questions_of,
)
from vendors.sheets import MAX_BYTES

NONE = ""
OPTIONAL = {"code": "Id or number", "section": "Section", "help": "Help", "kind": "Kind of answer"}


class SheetForm(forms.Form):
    """A customer's own questions."""

    file = forms.FileField(
        label="Sheet (XLSX or CSV)",
        max_length=200,
        help_text="Such as a SIG or a CAIQ. Values are read, formulas and macros are not.",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    def clean_file(self) -> Any:
        uploaded = self.cleaned_data["file"]
        if uploaded.size > MAX_BYTES:
            raise ValidationError("The file is larger than 10 MB.")
        return uploaded


class ColumnsForm(forms.Form):
    """Which sheet and which of its columns hold what."""

    title = forms.CharField(max_length=160)
    sheet = forms.ChoiceField()
    heading = forms.IntegerField(
        label="Line with the headings", min_value=1, max_value=200, required=False
    )
    text = forms.ChoiceField(label="Question")
    default = forms.ChoiceField(
        label="Answers, where no column says it",
        choices=list(DEFAULT_KINDS.items()),
        initial="yes_no_na",
    )
    field_order = (
        "title",
        "sheet",
        "heading",
        "text",
        "code",
        "section",
        "help",
        "kind",
        "default",
    )

    def __init__(self, *args: Any, stored: QuestionSheet, sheet: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored
        name = sheet if sheet in stored.sheets else best_sheet(stored.sheets)
        self.rows = stored.sheets[name]
        self.fields["sheet"].choices = [(each, each) for each in stored.sheets]  # type: ignore[attr-defined]
        proposed = propose_columns(self.rows)
        line = self.rows[proposed.heading] if proposed else self.rows[0]
        widest = max(len(row) for row in self.rows[:200])
        places = [
            (str(place), f"{_letter(place)}: {line[place] if place < len(line) else ''}"[:80])
            for place in range(widest)
        ]
        self.fields["text"].choices = places  # type: ignore[attr-defined]
        for field, label in OPTIONAL.items():
            self.fields[field] = forms.ChoiceField(
                label=label, required=False, choices=[(NONE, "None"), *places]
            )
        self.order_fields(self.field_order)
        stem = stored.name.rsplit(".", 1)[0]
        self.initial = {"title": stem[:160], "sheet": name, "heading": 1, "default": "yes_no_na"}
        if proposed:
            self.initial |= {"heading": proposed.heading + 1, "text": str(proposed.text)}
            for field in OPTIONAL:
                place = getattr(proposed, field)
                self.initial[field] = NONE if place is None else str(place)

    def drafted(self) -> Drafted:
        """The questions by the chosen columns, or by the proposed ones while nothing is chosen."""
        said = self.cleaned_data if self.is_bound and self.is_valid() else self.initial
        places = {name: int(said[name]) if said.get(name) else None for name in OPTIONAL}
        columns = Columns(
            heading=int(said.get("heading") or 1) - 1, text=int(said.get("text") or 0), **places
        )
        return questions_of(self.rows, columns, default=said.get("default") or "yes_no_na")


def _letter(place: int) -> str:
    """The name of a column as spreadsheets write it."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
