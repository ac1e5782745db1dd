"""One rule of a data policy as a form, so that nobody writes JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms

from countersign.detection.kinds import KINDS
from countersign.rules.reading import Node, PolicyError, read_rule
from policies.forms.conditions import Document, kind_names, put_together, taken_apart

# What happens, strictest first: the value is the action, or the action and how it is done.
HAPPENS = {
    "block": "Block the call",
    "drop": "Drop it: nothing stands in its place",
    "mask": "Mask it by a label, such as [[NAME]]",
    "hash:hmac": "Hash it: the same value gives the same code, and no way back",
    "tokenize:random": "Random token of the session; the answer gets the value back",
    "tokenize:surrogate": "Invented value that reads like a real one; comes back",
    "tokenize:aes-siv": "Encrypted token (AES-SIV); comes back with the key",
    "tokenize:ff1": "Encrypted in its own shape (FF1); comes back with the key",
    "tokenize:hmac": "Token by HMAC: the same value gives the same token, and no way back",
    "generalize": "General form: the year, three digits of a ZIP, 90+",
    "allow": "Let it pass, until a last day",
}
LETTERLESS = "Secrets"


def kind_choices(document: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Kinds to tick: identifiers with their Safe Harbor letter, secrets, the policy's own."""
    identifiers = [
        (kind.name, f"{kind.title} ({kind.letter})") for kind in KINDS.values() if kind.letter
    ]
    secrets = [(kind.name, kind.title) for kind in KINDS.values() if not kind.letter]
    own = sorted(kind_names(document) - KINDS.keys())
    groups = [
        ("Identifiers of Safe Harbor, with their letter in 45 CFR 164.514(b)(2)(i)", identifiers),
        (LETTERLESS, secrets),
    ]
    return [*groups, ("Your own", [(kind, kind) for kind in own])] if own else groups


class RuleForm(forms.Form):
    """A rule without its condition's rows, which `ConditionRows` hold beside it."""

    id = forms.CharField(
        max_length=60,
        label="Name",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        help_text="A short word that records carry, such as no-secrets. No data of patients.",
    )
    happens = forms.ChoiceField(
        label="What happens",
        choices=HAPPENS,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose from the list.", "required": "Choose one."},
    )
    kinds = forms.MultipleChoiceField(
        required=False,
        label="To which kinds of data",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "in-row"}),
        help_text="None ticked: to the call as a whole, or to any kind.",
        error_messages={"invalid_choice": "Choose kinds from the list."},
    )
    reason = forms.CharField(
        required=False,
        max_length=200,
        help_text="Told to the engineer whose call is stopped or changed. Needed for a block.",
    )
    expires = forms.DateField(
        required=False,
        label="Passes until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Last day; only for what may pass.",
    )
    justification = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Why it may pass, in a sentence; only for what may pass.",
    )
    priority = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        initial=500,
        help_text="Of rules that agree the highest tells its reason. It decides nothing else.",
    )

    def __init__(self, *args: Any, document: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.document = document
        self.fields["kinds"].choices = kind_choices(document)  # type: ignore[attr-defined]

    def rule(self, when: Document) -> Document | None:
        """The rule with this condition; None, with errors on the form, where it is not whole."""
        found = self.cleaned_data
        action, _, scheme = found["happens"].partition(":")
        rule = {
            "id": found["id"],
            "priority": found["priority"],
            "effect": {"block": "forbid", "allow": "permit"}.get(action, "transform"),
            "when": when,
            "then": _then(action, scheme, found),
        }
        try:
            read_rule(Node(rule), kind_names(self.document))
        except PolicyError as error:
            self.add_error(_field(error.pointer), error.sentence)
            return None
        return rule


def _then(action: str, scheme: str, found: Mapping[str, Any]) -> Document:
    reason = {"reason": found["reason"]} if found["reason"] else {}
    if action == "block":
        return {"reason": found["reason"]}
    if action == "allow":
        last: dt.date | None = found["expires"]
        return {
            "expires": last.isoformat() if last else "",
            "justification": found["justification"],
            **reason,
        }
    return {"action": action, **({"scheme": scheme} if scheme else {}), **reason}


def _field(pointer: str) -> str | None:
    """The field of the form that a place in the rule came from."""
    name = pointer.rpartition("/")[2]
    return name if name in RuleForm.base_fields else None


def rule_initial(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A stored rule as the form's initial values."""
    then = rule["then"]
    apart = taken_apart(rule["when"])
    return {
        "id": rule["id"],
        "priority": rule["priority"],
        "happens": happens(rule),
        "kinds": apart[0] if apart else [],
        "reason": then.get("reason", ""),
        "expires": then.get("expires"),
        "justification": then.get("justification", ""),
    }


def happens(rule: Mapping[str, Any]) -> str:
    """The key of HAPPENS for a rule."""
    if rule["effect"] != "transform":
        return "block" if rule["effect"] == "forbid" else "allow"
    then = rule["then"]
    scheme = then.get("scheme") or {"tokenize": "random", "hash": "hmac"}.get(then["action"], "")
    return f"{then['action']}:{scheme}" if scheme else str(then["action"])


def condition(form: RuleForm, groups: list[Any], kept: Document | None) -> Document:
    """What the ticks and rows say, or a condition nested deeper, which is kept as it is."""
    if kept is not None:
        return kept
    return put_together(form.cleaned_data["kinds"], groups)
