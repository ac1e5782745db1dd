"""Which entries of a ledger a page lists."""

from __future__ import annotations

from typing import Any

from django import forms

from audits.ledger.types import TYPES
from audits.models import Ledger

LOGS = [("live", "Live"), ("test", "Test")]


class EntryFilterForm(forms.Form):
    log = forms.ChoiceField(choices=LOGS, label="Log")
    type = forms.ChoiceField(label="Type", required=False)
    entry = forms.IntegerField(
        label="Down from entry", required=False, min_value=0, max_value=2**53 - 1
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = sorted(TYPES.values(), key=lambda known: known.title)
        field = self.fields["type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Any"), *((known.code, known.title) for known in types)]

    def ledger_id(self) -> int:
        """The ledger that is read."""
        return Ledger.TEST if self.cleaned_data["log"] == "test" else Ledger.LIVE

    def applied(self) -> dict[str, str]:
        """What was chosen, for the record of the read."""
        return {
            name: str(value) for name, value in self.cleaned_data.items() if value not in (None, "")
        }
