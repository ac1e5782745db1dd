"""The model that all the formats speak for: what it says, and what that costs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PIECE = 5


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, the same for each answer: `cached` is part of `input`, `reasoning` of `output`."""

    input: int = 21
    output: int = 8
    cached: int = 5
    reasoning: int = 3

    @property
    def total(self) -> int:
        return self.input + self.output


USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolUse:
    id: str
    name: str
    arguments: Mapping[str, Any]

    @property
    def json(self) -> str:
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: text, or the use of one tool. A format gives it its form."""

    number: int
    model: str
    text: str
    tool: ToolUse | None
    usage: Usage = USAGE
    endless: bool = False

    def pieces(self) -> Iterator[str]:
        """The text, or the tool's arguments, cut so short that a token's letters come apart."""
        whole = self.tool.json if self.tool else self.text
        cut = [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]
        return itertools.cycle(cut) if self.endless else iter(cut)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was asked, in whatever format. `last`: the newest text of the user or of a tool."""

    model: str
    last: str
    tools: Sequence[Tool] = ()
    after_tool: bool = False
    stream: bool = False


@dataclass
class Model:
    """With `echo` it repeats what it was asked; it uses the first tool offered, once."""

    text: str = "Drink water, rest, and call again if the fever stays."
    echo: bool = False
    uses_tools: bool = True
    response_model: str | None = None
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def answer(self, asked: Conversation, *, endless: bool = False) -> Answer:
        number = next(self._count)
        said = f"You said: {asked.last}" if self.echo else self.text
        tool = None
        if asked.tools and self.uses_tools and not asked.after_tool:
            first = asked.tools[0]
            tool = ToolUse(f"call_{number:06d}", first.name, self._arguments(first, said))
        return Answer(number, self.response_model or asked.model, said, tool, endless=endless)

    @staticmethod
    def _arguments(tool: Tool, said: str) -> dict[str, Any]:
        """Each text that the tool takes gets the answer, and each number a one."""
        kinds = {"string": said, "integer": 1, "number": 1.0, "boolean": True}
        properties = tool.parameters.get("properties") or {}
        wanted = {name: str(schema.get("type", "")).lower() for name, schema in properties.items()}
        return {name: kinds[kind] for name, kind in wanted.items() if kind in kinds}


def text_of(content: Any, *, key: str = "text") -> str:
    """The text of a content that is a string, a part with a text, or a list of such parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return text_of(content.get(key, ""), key=key)
    if isinstance(content, Sequence):
        return "\n".join(filter(None, (text_of(part, key=key) for part in content)))
    return ""
