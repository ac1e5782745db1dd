"""Forms of the import: the file, and which of its columns is what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from vendors.imports.planning import Kind
from vendors.models import RegisterImport

ACCEPTED = ".csv,.tsv,.txt,.xlsx,text/csv"
LEFT_OUT = ("", "Not in the file")


class UploadForm(forms.Form):
    """What to import, and its file; `kinds` are those that the person may import."""

    kind = forms.ChoiceField(label="What is in the file", widget=forms.RadioSelect)
    file = forms.FileField(
        label="CSV or XLSX file",
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
        help_text=(
            "Headings in the first line; at most 10 MB and 20,000 lines. Nothing is stored in the "
            "register before you have seen what would change."
        ),
    )

    def __init__(self, *args: Any, kinds: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [choice for choice in RegisterImport.Kind.choices if choice[0] in kinds]
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]


class ColumnsForm(forms.Form):
    """For each of our columns one of the file's, each at most once."""

    def __init__(self, *args: Any, kind: Kind, headings: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        choices = [
            LEFT_OUT,
            *((str(place), heading) for place, heading in enumerate(headings) if heading),
        ]
        for column in kind.columns:
            self.fields[column.name] = forms.ChoiceField(
                label=column.heading, choices=choices, required=False, help_text=column.help
            )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        used: dict[str, str] = {}
        for name, place in list(cleaned.items()):
            if place and place in used:
                self.add_error(name, f"{self.kind.heading(used[place])} takes this column already.")
            elif place:
                used[place] = name
        if not used and not self.errors:
            self.add_error(None, "Choose at least one column of the file.")
        return cleaned

    def mapping(self) -> dict[str, int]:
        """Our column's name to the place of the file's, from 0."""
        return {name: int(place) for name, place in self.cleaned_data.items() if place}
