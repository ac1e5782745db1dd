"""The form of a fact: what a source says of a service in one dimension."""

from __future__ import annotations

from typing import Any

from django import forms

from vendors.dimensions import IN_DAYS, VALUES
from vendors.models import Fact
from vendors.models.register import MODEL_PATTERN, REGION


class FactForm(forms.ModelForm):
    """A new look at a source; `dimension` is one of vendors.models.Dimension."""

    value = forms.ChoiceField(widget=forms.RadioSelect)
    # The newest fact when the page was made: a newer one of this scope is not overwritten unseen.
    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    class Meta:
        model = Fact
        fields = (
            "value",
            "number",
            "grade",
            "source",
            "page",
            "detail",
            "model_pattern",
            "region",
            "endpoint",
            "plan",
            "expires_on",
        )
        labels = {
            "number": "Days",
            "model_pattern": "Only for models",
            "region": "Only in region",
            "endpoint": "Only at endpoint",
            "plan": "Only on plan",
            "expires_on": "Not to be relied on from",
        }
        help_texts = {"number": "0 where nothing is kept.", "detail": "In a sentence or two."}

    def __init__(self, *args: Any, dimension: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dimension = dimension
        self.fields["value"].choices = list(VALUES[dimension].items())  # type: ignore[attr-defined]
        self.fields["detail"].widget.attrs["rows"] = 3
        self.fields["model_pattern"].validators.append(MODEL_PATTERN)
        self.fields["region"].validators.append(REGION)
        if dimension not in IN_DAYS:
            del self.fields["number"]

    def clean(self) -> dict[str, Any] | None:
        """The dimension is fixed by the address, and the model checks the value against it."""
        self.instance.dimension = self.dimension
        cleaned = super().clean() or {}
        if cleaned.get("value") != "days" and cleaned.get("number") is not None:
            cleaned["number"] = None
        return cleaned
