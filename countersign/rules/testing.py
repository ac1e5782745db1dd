"""The tests that a policy carries: a text or body, the facts, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from countersign.rules.facts import DIRECTIONS, FACTS, Facts
from countersign.rules.reading import MAX_TEXT, RULE_ID, WORD, Node

MEDIA_TYPES = ("text/plain", "application/json")
SHAPES = (
    "",
    "openai",
    "anthropic",
    "bedrock",
    "gemini",
    "cohere",
    "mistral",
    "json",
    "fhir",
    "hl7v2",
    "ccda",
    "csv",
)
FLAGS = ("baa.in_force", "soc2.current", "zero_retention")
WORDS = tuple(
    name for name, form in FACTS.items() if form in ("word", "pattern") and name != "kind"
)


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test. `hits` and `misses` name rules that must and must not have matched.

    `absent` and `present` are texts that must not and must stand in what goes out.
    """

    id: str
    text: str
    blocked: bool
    facts: Facts
    media_type: str = "text/plain"
    shape: str = ""
    hits: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    absent: tuple[str, ...] = field(default=(), repr=False)
    present: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        return f"PolicyTest({self.id!r})"


def read_test(node: Node, rule_ids: frozenset[str]) -> PolicyTest:
    """Raises: PolicyError, also for a rule that the policy does not have."""
    node.closed(["id", "text", "expect"], ["facts", "media_type", "shape"])
    expect = node.member("expect").closed(["decision"], ["hits", "misses", "absent", "present"])
    shape = node.member("shape").one_of(SHAPES) if node.has("shape") else ""
    media_type = MEDIA_TYPES[0]
    if node.has("media_type"):
        media_type = node.member("media_type").one_of(MEDIA_TYPES)
    return PolicyTest(
        id=node.member("id").fits(RULE_ID, "An id is 1 to 60 of a-z, 0-9, _, . and -."),
        text=node.member("text").text(MAX_TEXT),
        blocked=expect.member("decision").one_of(("send", "block")) == "block",
        facts=_facts(node.member("facts")) if node.has("facts") else Facts(),
        media_type=media_type,
        shape=shape,
        hits=_rules(expect, "hits", rule_ids),
        misses=_rules(expect, "misses", rule_ids),
        absent=_texts(expect, "absent"),
        present=_texts(expect, "present"),
    )


def _rules(expect: Node, name: str, rule_ids: frozenset[str]) -> tuple[str, ...]:
    if not expect.has(name):
        return ()
    found = []
    for node in expect.member(name).items(0, 100):
        if not isinstance(node.value, str) or node.value not in rule_ids:
            raise node.error("There is no rule of this id.")
        found.append(node.value)
    return tuple(found)


def _texts(expect: Node, name: str) -> tuple[str, ...]:
    if not expect.has(name):
        return ()
    return tuple(node.text(500, 1) for node in expect.member(name).items(0, 100))


def _facts(node: Node) -> Facts:
    """The facts of a test's call, by the names that conditions use, and the day as `on`."""
    node.closed([], [*WORDS, *FLAGS, "data_class", "on"])
    given: dict[str, object] = {}
    for name in node.object():
        member = node.member(name)
        if name in FLAGS:
            given[name.replace(".", "_")] = member.flag()
        elif name == "data_class":
            words = [each.fits(WORD, "A word is needed here.") for each in member.items(0, 50)]
            given["data_classes"] = frozenset(words)
        elif name == "direction":
            given[name] = member.one_of(DIRECTIONS)
        elif name == "on":
            given[name] = member.day()
        else:
            given[name] = member.fits(WORD, "A word is needed here.")
    return facts_from(given)


def facts_from(given: Mapping[str, object]) -> Facts:
    """Facts with these members, the others as they are when nothing is known."""
    return Facts(**given)  # type: ignore[arg-type]
