"""What somebody tries a policy on. Its text stays in the request."""

from __future__ import annotations

from typing import Any

from django import forms

from countersign.rules.facts import DIRECTIONS
from policies.models import Integration

MOST_CHARACTERS = 200_000

# How a body is read: what it is called, its media type, and the shape of its address.
FORMS: dict[str, tuple[str, str, str | None]] = {
    "text": ("Text", "", None),
    "openai.chat": ("OpenAI, chat completions", "application/json", "openai.chat"),
    "openai.responses": ("OpenAI, responses", "application/json", "openai.responses"),
    "anthropic.messages": ("Anthropic, messages", "application/json", "anthropic.messages"),
    "bedrock.converse": ("Bedrock, converse", "application/json", "bedrock.converse"),
    "gemini.generate": ("Gemini, generateContent", "application/json", "gemini.generate"),
    "cohere.chat": ("Cohere, chat", "application/json", "cohere.chat"),
    "mistral.chat": ("Mistral, chat", "application/json", "mistral.chat"),
    "json": ("JSON", "application/json", None),
    "fhir": ("FHIR", "application/fhir+json", None),
    "hl7": ("HL7 v2", "application/hl7-v2", None),
    "xml": ("C-CDA or XML", "application/xml", None),
    "csv": ("CSV", "text/csv", None),
}


class TryForm(forms.Form):
    """The text, how it is read, and the facts of the call that it would be part of."""

    text = forms.CharField(
        max_length=MOST_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={"max_length": f"At most {MOST_CHARACTERS:,} characters can be tried."},
    )
    read_as = forms.ChoiceField(
        label="Read as",
        choices=[(name, words) for name, (words, _, _) in FORMS.items()],
        error_messages={"invalid_choice": "Choose from the list."},
    )
    version = forms.ChoiceField(
        label="By", error_messages={"invalid_choice": "Choose a version from the list."}
    )
    integration = forms.ModelChoiceField(
        Integration.objects.none(),
        required=False,
        to_field_name="slug",
        empty_label="no integration: nothing is known of the call",
        help_text="Its vendor, model, region and papers are the facts that rules ask for.",
        error_messages={"invalid_choice": "Choose an integration from the list."},
    )
    direction = forms.ChoiceField(
        choices=[(name, name) for name in DIRECTIONS],
        error_messages={"invalid_choice": "Choose from the list."},
    )

    def __init__(
        self, *args: Any, versions: list[tuple[str, str]], integrations: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].choices = versions  # type: ignore[attr-defined]
        self.fields["integration"].queryset = integrations  # type: ignore[attr-defined]
