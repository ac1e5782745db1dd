"""What a cell of an uploaded table may hold; pure. No message repeats a cell."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

Value: TypeAlias = str | int | dt.date | tuple[str, ...]
Reader: TypeAlias = Callable[[str], Value]

MAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9*]([a-z0-9.*-]*[a-z0-9])?")
DIVIDERS = re.compile(r"[;\n]")


class BadCell(Exception):
    """The cell does not fit; the text says what it must hold, and nothing of what it holds."""


def text(longest: int, pattern: str = "", message: str = "") -> Reader:
    """Text of at most `longest` characters, all of which can be printed."""
    expression = re.compile(pattern) if pattern else None

    def read(cell: str) -> str:
        if len(cell) > longest:
            raise BadCell(f"At most {longest} characters.")
        if not all(c.isprintable() or c in "\n\r\t" for c in cell):
            raise BadCell("Holds characters that cannot be shown.")
        if expression and not expression.fullmatch(cell):
            raise BadCell(message)
        return cell.replace("\r\n", "\n")

    return read


def choice(labels: Mapping[str, str]) -> Reader:
    """One of the values, written as the value or as its label, whatever its case."""
    known = {label.casefold(): value for value, label in labels.items()}
    known |= {value.casefold(): value for value in labels}

    def read(cell: str) -> str:
        found = known.get(" ".join(cell.split()).casefold())
        if found is None:
            raise BadCell(f"Write one of: {', '.join(labels.values())}.")
        return found

    return read


def day(cell: str) -> dt.date:
    """A day in ISO 8601: others can be read in two ways."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell, re.ASCII):
            return dt.date.fromisoformat(cell)
    except ValueError:
        pass
    raise BadCell("Write a day as year-month-day, such as 2026-11-21.")


def whole(lowest: int, highest: int) -> Reader:
    """A whole number; both ends count."""

    def read(cell: str) -> int:
        if not re.fullmatch(r"\d{1,9}", cell, re.ASCII) or not lowest <= int(cell) <= highest:
            raise BadCell(f"Write a whole number from {lowest} to {highest}.")
        return int(cell)

    return read


def address(cell: str) -> str:
    """A web address; https where no scheme is written."""
    full = cell if "://" in cell else f"https://{cell}"
    try:
        parts = urlsplit(full)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    named = HOST.fullmatch(host.lower()) and "." in host
    if not named or parts.scheme not in ("http", "https") or len(full) > 200:
        raise BadCell("Write a web address, such as https://vendor.example.")
    if re.search(r"[\s<>\"\\]", full):
        raise BadCell("A web address has no blanks or quotation marks.")
    return full


def mail(cell: str) -> str:
    if not MAIL.fullmatch(cell):
        raise BadCell("Write the e-mail address of a person who can sign in.")
    return cell.lower()


def listing(inner: Reader, most: int = 60) -> Reader:
    """Several entries, divided by semicolons or line ends; sorted, and each once."""

    def read(cell: str) -> tuple[str, ...]:
        entries = [part.strip() for part in DIVIDERS.split(cell) if part.strip()]
        if len(entries) > most:
            raise BadCell(f"At most {most} entries.")
        found = [str(inner(entry)) for entry in entries]
        if len(set(found)) < len(found):
            raise BadCell("An entry is there twice.")
        return tuple(sorted(found))

    return read


def host(cell: str) -> str:
    if not HOST.fullmatch(cell):
        raise BadCell("Write host names in lower case, divided by semicolons.")
    return cell


def offered(name: Reader, *parts: Reader) -> Reader:
    """An entry such as `us-east-1 = processing, contract`: a name, then words of lists in order.

    Words left out take the first of their list's readers' defaults, see `words`.
    """

    def read(cell: str) -> str:
        head, _, rest = cell.partition("=")
        words = [word.strip() for word in rest.split(",")] if rest.strip() else []
        if len(words) > len(parts):
            raise BadCell("An entry holds more than is asked for.")
        filled = words + [""] * (len(parts) - len(words))
        kept = [str(part(word)) for part, word in zip(parts, filled, strict=True)]
        return f"{name(head.strip())} = {', '.join(kept)}"

    return read


def words(labels: Mapping[str, str], default: str) -> Reader:
    """As `choice`; an empty word is `default`."""
    inner = choice(labels)
    return lambda cell: inner(cell) if cell else default


def scope(model: Reader, region: Reader) -> Reader:
    """`Service`, `Service | model` or `Service | model | region`, the service by its name."""

    def read(cell: str) -> str:
        parts = [part.strip() for part in cell.split("|")]
        if len(parts) > 3 or not parts[0] or len(parts[0]) > 120:
            raise BadCell("Write Service, Service | model, or Service | model | region.")
        narrowed = [*parts[1:], "", ""][:2]
        model_pattern = str(model(narrowed[0])) if narrowed[0] else ""
        place = str(region(narrowed[1])) if narrowed[1] else ""
        return joined(parts[0], model_pattern, place)

    return read


def joined(service: str, model_pattern: str, region: str) -> str:
    """A covered scope as one entry of a cell."""
    return " | ".join((service, model_pattern, region)).rstrip(" |")


def shown(value: Value | None) -> str:
    """A value as a person reads it in the comparison."""
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return "; ".join(value)
    return value.isoformat() if isinstance(value, dt.date) else str(value)
