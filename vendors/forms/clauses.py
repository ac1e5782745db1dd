"""The form of a clause: what the paper says of it, and where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from vendors.clauses import Clause, Reading
from vendors.models import AgreementClause
from vendors.services.clauses import ClauseAnswer

NOT_READ = [("", "Not read"), *((each.value, each.value.capitalize()) for each in Reading)]


class ClauseForm(forms.Form):
    """One clause of the checklist; a proposal counts once it is confirmed or changed."""

    reading = forms.ChoiceField(choices=NOT_READ, required=False, label="The paper says")
    page = forms.CharField(required=False, max_length=40)
    days = forms.IntegerField(required=False, min_value=0, max_value=3650)
    note = forms.CharField(required=False, max_length=500)
    confirmed = forms.BooleanField(required=False, label="Read in this version")

    def __init__(self, posted: Any, *, clause: Clause, row: AgreementClause | None) -> None:
        super().__init__(posted, prefix=clause.code)
        self.clause, self.row = clause, row
        if not clause.asks_days:
            del self.fields["days"]
        if row is None or not row.proposed:
            del self.fields["confirmed"]
        for field in self:
            field.field.widget.attrs["aria-label"] = f"{clause.title}: {field.label}"
        if row is not None:
            self.initial = {
                name: getattr(row, name) for name in ("reading", "page", "days", "note")
            }

    def answer(self) -> ClauseAnswer:
        """What was typed; a proposal that is not confirmed is left as it is."""
        said = self.cleaned_data
        return ClauseAnswer(
            code=self.clause.code,
            reading=said["reading"],
            page=said["page"],
            days=said.get("days"),
            note=said["note"],
            confirmed=said.get("confirmed", True),
        )


def clause_forms(
    clauses: Iterable[tuple[Clause, AgreementClause | None]], posted: Any
) -> list[ClauseForm]:
    """A form for each clause with what is stored of it."""
    return [ClauseForm(posted, clause=clause, row=row) for clause, row in clauses]
