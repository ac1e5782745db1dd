"""The parts of a data policy beside its rules: name, defaults, tests, own patterns, fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.forms.formsets import formset_factory

from countersign.rules.facts import DIRECTIONS
from countersign.rules.reading import Node, PolicyError, read_defaults, read_field, read_pattern
from countersign.rules.testing import FLAGS, MEDIA_TYPES, SHAPES, WORDS, read_test
from policies.forms.conditions import FACT_NAMES, YES_NO, Document, kind_names

SLUG = RegexValidator(r"^[a-z0-9]+(?:-[a-z0-9]+)*$", "Use lower case letters, digits and -.")
# Addresses beside those of policies.
RESERVED = frozenset({"new", "guide"})
UNMATCHED = {
    "block": "Block the call",
    "drop": "Drop it",
    "mask": "Mask it by a label",
}
OPAQUE = {
    "block": "Block the call",
    "drop": "Drop the part",
    "allow": "Let it pass unread",
}
SHAPE_NAMES = {
    "": "none: text as it is",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "bedrock": "Bedrock",
    "gemini": "Gemini",
    "cohere": "Cohere",
    "mistral": "Mistral",
    "json": "JSON",
    "fhir": "FHIR",
    "hl7v2": "HL7 v2",
    "ccda": "C-CDA",
    "csv": "CSV",
}
QUIET = {"spellcheck": "false", "autocomplete": "off"}


class PolicyForm(forms.Form):
    """A new policy; its first draft is the starter set of rules."""

    name = forms.CharField(max_length=120)
    slug = forms.SlugField(
        max_length=60,
        validators=[SLUG],
        help_text="The word in addresses and records, such as clinical-notes; it stays.",
    )
    description = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it is for. No data of patients.",
    )

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED:
            raise ValidationError("This word is taken by an address. Choose another.")
        return slug


class DefaultsForm(forms.Form):
    """What holds where no rule speaks."""

    unmatched = forms.ChoiceField(
        label="What is found and no rule names",
        choices=UNMATCHED,
        widget=forms.RadioSelect(attrs={"class": "in-row"}),
    )
    opaque = forms.ChoiceField(
        label="Images, sound, PDF: parts that nobody can read here",
        choices=OPAQUE,
        widget=forms.RadioSelect(attrs={"class": "in-row"}),
    )
    min_score = forms.IntegerField(
        label="Certainty in percent from which a find counts", min_value=0, max_value=100
    )
    strict = forms.BooleanField(
        required=False,
        label="Strict: also mask every word that is in no vocabulary",
    )
    timeout_ms = forms.IntegerField(
        label="Time for a body, in milliseconds; beyond it the call is blocked",
        min_value=10,
        max_value=10_000,
    )
    keep = forms.CharField(
        required=False,
        label="Fields that alone may go out",
        widget=forms.Textarea(attrs={"rows": 3, **QUIET}),
        help_text="One path a line, such as /messages/*/content; empty: all fields.",
    )

    def part(self) -> Document:
        """The members of the document that this form holds."""
        found = self.cleaned_data
        return {
            "defaults": {
                "unmatched": found["unmatched"],
                "on_error": "block",
                "opaque": found["opaque"],
                "min_score": found["min_score"],
                "strict": found["strict"],
                "timeout_ms": found["timeout_ms"],
            },
            "keep": _lines(found["keep"]),
        }

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors:
            try:
                read_defaults(Node(self.part()["defaults"]))
            except PolicyError as error:
                self.add_error(None, error.sentence)
        return found


def defaults_initial(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "strict": False,
        "timeout_ms": 250,
        **document["defaults"],
        "keep": "\n".join(document.get("keep", ())),
    }


class PatternForm(forms.Form):
    """A pattern of one's own, in the syntax of RE2."""

    id = forms.CharField(max_length=60, label="Name", widget=forms.TextInput(attrs=QUIET))
    kind = forms.CharField(
        max_length=64,
        label="Kind",
        widget=forms.TextInput(attrs=QUIET),
        help_text="Such as own.badge; rules name it.",
    )
    pattern = forms.CharField(
        max_length=500,
        widget=forms.TextInput(attrs=QUIET),
        help_text=r"RE2 syntax, such as \bB-[0-9]{6}\b",
        strip=False,
    )
    score = forms.IntegerField(label="Certainty in percent", min_value=0, max_value=100)

    def clean(self) -> dict[str, Any]:
        return _checked(self, read_pattern)


class FieldForm(forms.Form):
    """A field whose place says what it holds."""

    path = forms.CharField(max_length=400, widget=forms.TextInput(attrs=QUIET))
    kind = forms.CharField(max_length=64, widget=forms.TextInput(attrs=QUIET))

    def __init__(self, *args: Any, kinds: frozenset[str], **kwargs: Any) -> None:
        self.kinds = kinds
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        return _checked(self, lambda node: read_field(node, self.kinds))


def _checked(form: forms.Form, read: Any) -> dict[str, Any]:
    """What a row holds, once `countersign.rules` has read it; empty rows pass."""
    found: dict[str, Any] = forms.Form.clean(form) or {}
    if form.errors or not form.has_changed() or found.get("DELETE"):
        return found
    part = {name: found[name] for name in form.base_fields}
    try:
        read(Node(part))
    except PolicyError as error:
        name = error.pointer.rpartition("/")[2]
        form.add_error(name if name in form.base_fields else None, error.sentence)
    return found


def rows_of(formset: Any) -> list[Document]:
    """The members of every row that holds something and is not to go."""
    return [
        {name: form.cleaned_data[name] for name in form.base_fields}
        for form in formset.forms
        if form.cleaned_data and not form.cleaned_data.get("DELETE")
    ]


PatternRows = formset_factory(PatternForm, extra=2, can_delete=True, max_num=100, absolute_max=100)
FieldRows = formset_factory(FieldForm, extra=2, can_delete=True, max_num=500, absolute_max=500)


class TestForm(forms.Form):
    """A test that the policy carries: a text, and what must come of it."""

    __test__ = False  # no test of pytest's

    id = forms.CharField(max_length=60, label="Name", widget=forms.TextInput(attrs=QUIET))
    text = forms.CharField(
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6, **QUIET}),
        strip=False,
        help_text="Invented, never a patient's: it is stored in the policy for good.",
    )
    media_type = forms.ChoiceField(choices=[(name, name) for name in MEDIA_TYPES], label="Sent as")
    shape = forms.ChoiceField(
        required=False, choices=[(name, SHAPE_NAMES.get(name, name)) for name in SHAPES]
    )
    facts = forms.CharField(
        required=False,
        label="Facts of the call",
        widget=forms.Textarea(attrs={"rows": 3, **QUIET}),
        help_text="One a line, such as vendor: openai, baa.in_force: no, data_class: phi, "
        "on: 2026-12-31.",
    )
    decision = forms.ChoiceField(
        label="What must come of it",
        choices={"send": "It is sent", "block": "It is blocked"},
        widget=forms.RadioSelect(attrs={"class": "in-row"}),
    )
    hits = forms.MultipleChoiceField(
        required=False,
        label="Rules that must match",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "in-row"}),
    )
    misses = forms.MultipleChoiceField(
        required=False,
        label="Rules that must not match",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "in-row"}),
    )
    absent = forms.CharField(
        required=False,
        label="Must not stand in what goes out",
        widget=forms.Textarea(attrs={"rows": 2, **QUIET}),
        help_text="One a line.",
    )
    present = forms.CharField(
        required=False,
        label="Must stand in what goes out",
        widget=forms.Textarea(attrs={"rows": 2, **QUIET}),
        help_text="One a line.",
    )

    def __init__(self, *args: Any, document: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rule_ids = [rule["id"] for rule in document["rules"]]
        for name in ("hits", "misses"):
            self.fields[name].choices = [(i, i) for i in self.rule_ids]  # type: ignore[attr-defined]

    def clean_facts(self) -> Document:
        return _facts(self.cleaned_data["facts"])

    def test(self) -> Document | None:
        """The test as the policy holds it; None, with errors on the form, where it is not whole."""
        found = self.cleaned_data
        expect: Document = {"decision": found["decision"]}
        expect |= {name: found[name] for name in ("hits", "misses") if found[name]}
        expect |= {
            name: _lines(found[name]) for name in ("absent", "present") if _lines(found[name])
        }
        test: Document = {"id": found["id"], "text": found["text"], "expect": expect}
        if found["media_type"] != MEDIA_TYPES[0]:
            test["media_type"] = found["media_type"]
        test |= {name: found[name] for name in ("shape", "facts") if found[name]}
        try:
            read_test(Node(test), frozenset(self.rule_ids))
        except PolicyError as error:
            names = [name for name in error.pointer.split("/") if name in self.fields]
            self.add_error(names[-1] if names else None, error.sentence)
            return None
        return test


def test_initial(test: Mapping[str, Any]) -> dict[str, Any]:
    """A stored test as the form's initial values."""
    expect = test["expect"]
    facts = test.get("facts", {})
    return {
        "id": test["id"],
        "text": test["text"],
        "media_type": test.get("media_type", MEDIA_TYPES[0]),
        "shape": test.get("shape", ""),
        "facts": "\n".join(f"{name}: {_shown(value)}" for name, value in facts.items()),
        "decision": expect["decision"],
        "hits": expect.get("hits", []),
        "misses": expect.get("misses", []),
        "absent": "\n".join(expect.get("absent", ())),
        "present": "\n".join(expect.get("present", ())),
    }


test_initial.__test__ = False  # type: ignore[attr-defined]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def _facts(text: str) -> Document:
    """Lines `name: value` as facts. Raises: ValidationError."""
    facts: Document = {}
    for line in _lines(text):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or name not in (*FLAGS, *WORDS, "data_class", "on"):
            known = ", ".join([*FLAGS, *WORDS, "data_class", "on"])
            raise ValidationError(f"A line is a name, a colon and a value; names are {known}.")
        if name in FLAGS:
            if value.lower() not in YES_NO:
                raise ValidationError(f"{FACT_NAMES[name]} is yes or no.")
            facts[name] = YES_NO[value.lower()]
        elif name == "data_class":
            facts[name] = [word.strip() for word in value.split(",") if word.strip()]
        else:
            facts[name] = value
    if facts.get("direction", "request") not in DIRECTIONS:
        raise ValidationError(f"A direction is one of {', '.join(DIRECTIONS)}.")
    return facts


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def kinds_of(document: Mapping[str, Any]) -> frozenset[str]:
    """Every kind that fields of this policy may be said to hold."""
    return kind_names(document)
