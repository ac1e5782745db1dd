"""Reads `grammar/*.txt`, and makes texts of it: templates with slots, chosen by a seeded generator.

A line "= symbol" begins productions, one a line; "~ symbol" begins productions between commas. In
a production `{symbol}` stands for one of its productions. Symbols of capitals are slots: who reads
a text learns where they stand. `\\n` and `\\t` are a line's end and a tab.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).with_name("grammar")
# Their last production may be a letter and nothing: the space after it counts.
ALPHABETS = frozenset({"cyrillic", "greek"})
_PART = re.compile(r"\{([A-Za-z]\w*)\}")

Parts = Sequence[tuple[str, str]]  # stretches of text, each with its label or ""
Slot = Callable[[random.Random], Parts]


@dataclass
class Text:
    """A text and the stretches that are labelled: start, end, label."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    spans: list[tuple[int, int, str]] = field(default_factory=list)

    def add(self, part: str, label: str = "") -> None:
        """Append `part`; a label says that all of it is one labelled stretch."""
        part = unicodedata.normalize("NFKC", part).replace("\u2019", "'")
        if label and part:
            self.spans.append((self.length, self.length + len(part), label))
        self.parts.append(part)
        self.length += len(part)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.parts)


class Grammar:
    """The productions of some files; later files add to and go before earlier ones."""

    def __init__(self, *files: str) -> None:
        """Read `files` of the folder, by name without its ending."""
        self.symbols: dict[str, list[list[str]]] = {}
        for name in files:
            self._read((FOLDER / f"{name}.txt").read_text("utf-8"))
        self._words = {
            symbol: [production[0] for production in productions if len(production) == 1]
            for symbol, productions in self.symbols.items()
        }

    def _read(self, content: str) -> None:
        symbol, commas = "", False
        for line in content.splitlines():
            if line.startswith("#"):
                continue
            if line.startswith(("= ", "~ ")):
                symbol, commas = line[2:].strip(), line.startswith("~")
                self.symbols[symbol] = []
                continue
            lines = line.split(", ") if commas else [line]
            self.symbols[symbol] += [
                _parts(one.strip(" ") if commas and symbol not in ALPHABETS else one)
                for one in lines
            ]

    def words(self, symbol: str) -> list[str]:
        """The productions of `symbol`, which has no symbols in it."""
        return self._words[symbol]

    def fill(self, symbol: str, chance: random.Random, fields: Mapping[str, str]) -> str:
        """One production of `symbol` with `fields` in it; other symbols are looked up here."""
        made = []
        for number, part in enumerate(chance.choice(self.symbols[symbol])):
            known = part if number % 2 == 0 else fields.get(part)
            made.append(known if known is not None else self.fill(part, chance, fields))
        return "".join(made)

    def expand(
        self, symbol: str, chance: random.Random, slots: Mapping[str, Slot], into: Text
    ) -> Text:
        """Append one production of `symbol` to `into`, everything in it expanded."""
        production = chance.choice(self.symbols[symbol])
        for number, part in enumerate(production):
            if number % 2 == 0:
                if part:
                    into.add(part)
            elif part in slots:
                for filled, label in slots[part](chance):
                    into.add(filled, label)
            elif part in self.symbols:
                self.expand(part, chance, slots, into)
            else:
                self._capital(part, chance, slots, into)
        return into

    def _capital(
        self, part: str, chance: random.Random, slots: Mapping[str, Slot], into: Text
    ) -> None:
        """`{Plain}` is `{plain}` with a capital; what is no symbol stands for itself in braces."""
        symbol = part[0].lower() + part[1:]
        if part[0].isupper() and symbol in self.symbols:
            made = self.expand(symbol, chance, slots, Text()).text
            into.add(made[:1].upper() + made[1:])
        else:
            into.add("{" + part + "}")


def _parts(line: str) -> list[str]:
    return _PART.split(line.replace("\\n", "\n").replace("\\t", "\t"))
