"""Reads a policy's document: a closed form, with the place of each mistake. See schema.json."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from countersign.detection.kinds import SECRETS
from countersign.rules.actions import ACTIONS, SCHEMES, Action
from countersign.rules.conditions import Ask, Condition, Every, Some, Value
from countersign.rules.facts import DIRECTIONS, FACTS
from countersign.rules.kinds import FINANCIAL, IDENTIFIERS

EFFECTS = ("forbid", "transform", "permit")
KINDS = IDENTIFIERS | SECRETS | FINANCIAL
UNMATCHED = "unmatched"

MAX_RULES = 500
MAX_TESTS = 500
MAX_VALUES = 500
MAX_DEPTH = 6
MAX_TEXT = 20_000

RULE_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,59}")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+*-]{0,119}")
PATH = re.compile(r"(/[^/\x00-\x1f]{0,100}){1,32}")
OWN_KIND = re.compile(r"own\.[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
KIND = re.compile(r"[A-Z][A-Z0-9_]{1,39}|" + OWN_KIND.pattern)


class PolicyError(ValueError):
    """The document is no policy: `pointer` (RFC 6901) says where, `sentence` why.

    Neither quotes a value, for the tests of a policy may hold text that should not be repeated.
    """

    def __init__(self, pointer: str, sentence: str) -> None:
        super().__init__(f"{pointer or '/'}: {sentence}")
        self.pointer = pointer
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where no rule speaks. `min_score` 0 to 1; `timeout_ms` of the engine's work."""

    unmatched: Action = "block"
    on_error: Action = "block"
    opaque: Action = "block"
    min_score: float = 0.5
    strict: bool = False
    timeout_ms: int = 250


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `action` of a forbid is block, of a permit allow. `expires` is its last day."""

    id: str
    priority: int
    effect: str
    when: Condition
    action: Action
    scheme: str
    reason: str = ""
    expires: dt.date | None = None
    justification: str = ""


@dataclass(frozen=True, slots=True)
class OwnPattern:
    """A pattern of an officer's own, for RE2 only; `score` 0 to 1."""

    id: str
    kind: str
    pattern: str
    score: float


@dataclass(frozen=True, slots=True)
class FieldKind:
    """What a field holds by its place: its values are of this kind, and hidden everywhere."""

    path: str
    kind: str


class Node:
    """A value of the document with its place, read by what it should be."""

    __slots__ = ("pointer", "value")

    def __init__(self, value: object, pointer: str = "") -> None:
        self.value = value
        self.pointer = pointer

    def error(self, sentence: str) -> PolicyError:
        return PolicyError(self.pointer, sentence)

    def member(self, name: str) -> Node:
        """The member of an object; None as value where it is left out."""
        escaped = name.replace("~", "~0").replace("/", "~1")
        return Node(self.object().get(name), f"{self.pointer}/{escaped}")

    def has(self, name: str) -> bool:
        return name in self.object()

    def object(self) -> Mapping[str, object]:
        if not isinstance(self.value, Mapping):
            raise self.error("An object is needed here.")
        return self.value

    def closed(self, required: Sequence[str], optional: Sequence[str] = ()) -> Node:
        """Self, as an object that has these members and no others."""
        members = self.object()
        if any(not isinstance(name, str) for name in members):
            raise self.error("The name of a member is not a string.")
        if members.keys() - {*required, *optional}:
            raise self.error("There is a member that the schema does not know.")
        for name in required:
            if name not in members:
                raise self.member(name).error("This member is missing.")
        return self

    def items(self, least: int, most: int) -> list[Node]:
        if not isinstance(self.value, list | tuple):
            raise self.error("A list is needed here.")
        if not least <= len(self.value) <= most:
            raise self.error(f"From {least} to {most} entries may stand here.")
        return [Node(item, f"{self.pointer}/{i}") for i, item in enumerate(self.value)]

    def text(self, most: int, least: int = 0) -> str:
        if not isinstance(self.value, str) or not least <= len(self.value) <= most:
            raise self.error(f"A text of {least} to {most} characters is needed here.")
        if any("\ud800" <= char <= "\udfff" for char in self.value):
            raise self.error("The text is no valid Unicode.")
        return self.value

    def fits(self, form: re.Pattern[str], sentence: str) -> str:
        if not isinstance(self.value, str) or form.fullmatch(self.value) is None:
            raise self.error(sentence)
        return self.value

    def one_of(self, choices: Sequence[str]) -> str:
        if not isinstance(self.value, str) or self.value not in choices:
            raise self.error("One of these is needed here: " + ", ".join(choices) + ".")
        return self.value

    def integer(self, least: int, most: int) -> int:
        whole = isinstance(self.value, int) and not isinstance(self.value, bool)
        if not whole or not least <= cast("int", self.value) <= most:
            raise self.error(f"A whole number from {least} to {most} is needed here.")
        return cast("int", self.value)

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.error("True or false is needed here.")
        return self.value

    def day(self) -> dt.date:
        text = self.fits(re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "A day, as 2027-01-31.")
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise self.error("There is no such day.") from None


def read_defaults(node: Node) -> Defaults:
    node.closed(["unmatched", "on_error", "opaque", "min_score"], ["strict", "timeout_ms"])
    timeout = node.member("timeout_ms")
    return Defaults(
        unmatched=cast("Action", node.member("unmatched").one_of(("block", "drop", "mask"))),
        on_error=cast("Action", node.member("on_error").one_of(("block",))),
        opaque=cast("Action", node.member("opaque").one_of(("block", "drop", "allow"))),
        min_score=node.member("min_score").integer(0, 100) / 100,
        strict=node.member("strict").flag() if node.has("strict") else False,
        timeout_ms=timeout.integer(10, 10_000) if node.has("timeout_ms") else 250,
    )


def read_rule(node: Node, kinds: frozenset[str]) -> Rule:
    node.closed(["id", "priority", "effect", "when", "then"])
    rule_id = node.member("id").fits(
        RULE_ID, "An id is 1 to 60 of a-z, 0-9, _, . and -, and begins with a letter or digit."
    )
    if rule_id == UNMATCHED:
        raise node.member("id").error("This word stands for what no rule matches.")
    effect = node.member("effect").one_of(EFFECTS)
    return THEN[effect](
        node.member("then"),
        rule_id,
        node.member("priority").integer(0, 1_000_000),
        read_condition(node.member("when"), kinds),
    )


def _forbid(then: Node, rule_id: str, priority: int, when: Condition) -> Rule:
    then.closed(["reason"])
    reason = then.member("reason").text(200, 1)
    return Rule(rule_id, priority, "forbid", when, "block", "", reason)


def _transform(then: Node, rule_id: str, priority: int, when: Condition) -> Rule:
    then.closed(["action"], ["scheme", "reason"])
    action = cast("Action", then.member("action").one_of(ACTIONS[1:-1]))
    schemes = SCHEMES.get(action, ())
    scheme = schemes[0] if schemes else ""
    if then.has("scheme"):
        if not schemes:
            raise then.member("scheme").error("This action is done in one way only.")
        scheme = then.member("scheme").one_of(schemes)
    reason = then.member("reason").text(200) if then.has("reason") else ""
    return Rule(rule_id, priority, "transform", when, action, scheme, reason)


def _permit(then: Node, rule_id: str, priority: int, when: Condition) -> Rule:
    then.closed(["expires", "justification"], ["reason"])
    return Rule(
        rule_id,
        priority,
        "permit",
        when,
        "allow",
        "",
        then.member("reason").text(200) if then.has("reason") else "",
        then.member("expires").day(),
        then.member("justification").text(500, 10),
    )


THEN: Mapping[str, Callable[[Node, str, int, Condition], Rule]] = {
    "forbid": _forbid,
    "transform": _transform,
    "permit": _permit,
}


def read_condition(node: Node, kinds: frozenset[str], depth: int = 0) -> Condition:
    """Raises: PolicyError for what is no condition, one nested too deep, or an unknown kind."""
    if depth > MAX_DEPTH:
        raise node.error(f"Conditions are nested at most {MAX_DEPTH} deep.")
    for name, made in (("all", Every), ("any", Some)):
        if node.has(name):
            parts = node.closed([name]).member(name).items(0 if made is Every else 1, 50)
            return made(tuple(read_condition(part, kinds, depth + 1) for part in parts))
    fact = node.member("fact").one_of(tuple(FACTS))
    operators = [name for name in ("equals", "in", "not", ">=") if node.has(name)]
    if len(operators) != 1:
        raise node.error("One of equals, in, not and >= is needed here.")
    node.closed(["fact", operators[0]])
    operand = node.member(operators[0])
    return Ask(fact, operators[0], _operands(operand, fact, operators[0], kinds))


def _operands(node: Node, fact: str, operator: str, kinds: frozenset[str]) -> tuple[Value, ...]:
    form = FACTS[fact]
    if (form == "number") is not (operator == ">="):
        raise node.error("Numbers are asked by >=, and nothing else is.")
    if form == "number":
        return (node.integer(0, 100 if fact == "score" else 1_000_000),)
    if form == "flag":
        if operator != "equals":
            raise node.error("A fact that is true or false is asked by equals.")
        return (node.flag(),)
    many = operator == "in" or (operator == "not" and isinstance(node.value, list | tuple))
    nodes = node.items(1, MAX_VALUES) if many else [node]
    return tuple(_word(each, fact, kinds) for each in nodes)


def _word(node: Node, fact: str, kinds: frozenset[str]) -> str:
    if fact == "path":
        return node.fits(PATH, "A path begins with / and has at most 32 steps.")
    if fact == "direction":
        return node.one_of(DIRECTIONS)
    if fact == "kind":
        return _kind(node, kinds)
    word = node.fits(WORD, "A word of up to 120 letters, digits and . _ : / @ + - is needed here.")
    if "*" in word and FACTS[fact] != "pattern":
        raise node.error("Only models and paths are asked by a pattern with *.")
    return word


def _kind(node: Node, kinds: frozenset[str]) -> str:
    name = node.fits(KIND, "The name of a kind is needed here, such as NAME or own.badge.")
    if name not in kinds:
        raise node.error("There is no such kind, nor a pattern of this policy that finds it.")
    return name


def read_pattern(node: Node) -> OwnPattern:
    node.closed(["id", "kind", "pattern", "score"])
    return OwnPattern(
        node.member("id").fits(RULE_ID, "An id is 1 to 60 of a-z, 0-9, _, . and -."),
        node.member("kind").fits(OWN_KIND, "A kind of one's own is called own. and a word."),
        node.member("pattern").text(500, 1),
        node.member("score").integer(0, 100) / 100,
    )


def read_field(node: Node, kinds: frozenset[str]) -> FieldKind:
    node.closed(["path", "kind"])
    path = node.member("path").fits(PATH, "A path begins with / and has at most 32 steps.")
    return FieldKind(path, _kind(node.member("kind"), kinds))
