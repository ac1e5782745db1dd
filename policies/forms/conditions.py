"""When a rule applies: kinds of data by ticks, and questions in rows, joined by "and" or "or".

Rows make groups: a row that says "or" belongs to the group above it. All groups must hold, and of a
group one row. Every condition can be written so; one that was nested deeper elsewhere has no rows,
and a form keeps it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import BaseFormSet, formset_factory

from countersign.detection.kinds import KINDS
from countersign.rules.facts import DIRECTIONS, FACTS
from countersign.rules.reading import Node, PolicyError, read_condition

Document: TypeAlias = "dict[str, Any]"
Group: TypeAlias = "list[dict[str, Any]]"

ALL_KINDS = frozenset(KINDS)
FACT_NAMES = {
    "data_class": "Data class",
    "kind": "Kind of data",
    "path": "Place in the body",
    "integration": "Integration",
    "vendor": "Vendor",
    "model": "Model",
    "deployment": "Deployment",
    "region": "Region",
    "baa.in_force": "BAA in force",
    "soc2.current": "SOC 2 report current",
    "zero_retention": "Zero retention",
    "role": "Role of the actor",
    "purpose": "Purpose",
    "direction": "Direction",
    "count": "How many in the call",
    "score": "Certainty in percent",
}
OPERATORS = {"is": "is", "not": "is not", ">=": "is at least"}
YES_NO = {"yes": True, "no": False}
MOST_ROWS = 20


def kind_names(document: Mapping[str, Any]) -> frozenset[str]:
    """Every kind that rules of this policy may name: ours, and those of its own patterns."""
    return ALL_KINDS | {each["kind"] for each in document.get("patterns", ())}


def taken_apart(when: Mapping[str, Any]) -> tuple[list[str], list[Group]] | None:
    """The kinds that are asked for, and the other questions by group; None: nested deeper."""
    groups = _groups(when)
    if groups is None:
        return None
    for at, group in enumerate(groups):
        kinds = _kinds(group[0]) if len(group) == 1 else None
        if kinds is not None:
            return kinds, groups[:at] + groups[at + 1 :]
    return [], groups


def _groups(when: Mapping[str, Any]) -> list[Group] | None:
    if "fact" in when:
        return [[dict(when)]]
    if "any" in when:
        return [list(when["any"])] if _plain(when["any"]) else None
    groups: list[Group] = []
    for part in when.get("all", ()):
        if "fact" in part:
            groups.append([part])
        elif "any" in part and _plain(part["any"]):
            groups.append(list(part["any"]))
        else:
            return None
    return groups


def _plain(parts: Sequence[Mapping[str, Any]]) -> bool:
    return all("fact" in part for part in parts)


def _kinds(ask: Mapping[str, Any]) -> list[str] | None:
    if ask["fact"] != "kind" or "not" in ask:
        return None
    return list(ask["in"]) if "in" in ask else [ask["equals"]]


def put_together(kinds: Sequence[str], groups: Sequence[Group]) -> Document:
    """The condition that `taken_apart` takes apart so."""
    parts: list[Document] = [{"fact": "kind", "in": list(kinds)}] if kinds else []
    parts += [group[0] if len(group) == 1 else {"any": list(group)} for group in groups]
    return parts[0] if len(parts) == 1 else {"all": parts}


def as_row(ask: Mapping[str, Any], *, joined: bool) -> dict[str, Any]:
    """A question as the initial values of its row."""
    operator = next(name for name in ("equals", "in", "not", ">=") if name in ask)
    operand = ask[operator]
    if isinstance(operand, bool):
        values = "yes" if operand else "no"
    elif isinstance(operand, list | tuple):
        values = ", ".join(operand)
    else:
        values = str(operand)
    shown = {"equals": "is", "in": "is"}.get(operator, operator)
    return {"joined": joined, "fact": ask["fact"], "operator": shown, "values": values}


def as_rows(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Every group's questions as initial values of rows."""
    return [as_row(ask, joined=at > 0) for group in groups for at, ask in enumerate(group)]


def asked(fact: str, operator: str, text: str) -> Document:
    """The question of a row. Raises: ValidationError for words that are no number or yes and no."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise ValidationError("Say what is asked for.")
    form = FACTS[fact]
    if form == "number":
        if operator != ">=" or len(words) != 1 or not words[0].isdecimal():
            raise ValidationError("A number is asked by “is at least” and one whole number.")
        return {"fact": fact, ">=": int(words[0])}
    if form == "flag":
        if operator != "is" or words[0].lower() not in YES_NO or len(words) != 1:
            raise ValidationError("This is asked by “is” and yes or no.")
        return {"fact": fact, "equals": YES_NO[words[0].lower()]}
    if operator == ">=":
        raise ValidationError("Only numbers are asked by “is at least”.")
    many = words if len(words) > 1 else words[0]
    name = "not" if operator == "not" else ("in" if len(words) > 1 else "equals")
    return {"fact": fact, name: many}


class ConditionForm(forms.Form):
    """A row: a question about a call or a find in it. An empty row asks nothing."""

    joined = forms.BooleanField(required=False, label="or")
    fact = forms.ChoiceField(
        required=False,
        label="Question about",
        choices=[("", "—"), *FACT_NAMES.items()],
        error_messages={"invalid_choice": "Choose from the list."},
    )
    operator = forms.ChoiceField(
        required=False,
        label="How",
        choices=OPERATORS,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    values = forms.CharField(
        required=False,
        max_length=2000,
        label="What",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, kinds: frozenset[str] = ALL_KINDS, **kwargs: Any) -> None:
        self.kinds = kinds
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        fact = found.get("fact")
        if not fact or found.get("DELETE"):
            if found.get("values") and not found.get("DELETE"):
                self.add_error("fact", "Choose what the question is about.")
            return found
        try:
            ask = asked(fact, found.get("operator") or "is", found.get("values", ""))
            read_condition(Node(ask), self.kinds)
        except PolicyError as error:
            self.add_error("values", error.sentence)
        except ValidationError as error:
            self.add_error("values", error)
        else:
            found["ask"] = ask
        return found


class _Rows(BaseFormSet):
    def groups(self) -> list[Group]:
        """The questions of all rows that ask something, by group."""
        groups: list[Group] = []
        for form in self.forms:
            row = form.cleaned_data
            if "ask" not in row or row.get("DELETE"):
                continue
            if row["joined"] and groups:
                groups[-1].append(row["ask"])
            else:
                groups.append([row["ask"]])
        return groups


ConditionRows = formset_factory(
    ConditionForm,
    formset=_Rows,
    extra=2,
    can_delete=True,
    max_num=MOST_ROWS,
    absolute_max=MOST_ROWS,
    validate_max=True,
)

FACT_HELP = (
    ("Model, place", "a pattern: * stands for anything, in a place ** for any number of steps"),
    ("BAA, SOC 2, zero retention", "yes or no"),
    ("Direction", ", ".join(DIRECTIONS)),
    ("Several words", "parted by commas: one of them must fit"),
)
