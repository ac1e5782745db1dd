"""Questions and answers: what is shown, what fits, what is missing, what becomes a fact; pure.

An answer is a value by the code of its question: `yes` or `no`, the value of a choice, a list of
them, text, a whole number, a day as ISO 8601, or nothing where a file is the answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from vendors.dimensions import IN_DAYS, VALUES

Value = str | int | list[str] | None
Answers = Mapping[str, Value]

TEXT_CHARACTERS: Final = 4000
NUMBER_MAX: Final = 1_000_000
YES_NO: Final = (("yes", "Yes"), ("no", "No"))
CHOOSING: Final = ("yes_no", "choice", "multiple")
# A fact of this value carries the number of days; `ANY` maps every number.
DAYS: Final = "days"
ANY: Final = "*"


class Unfit(Exception):
    """A value that cannot be the answer; the message is for who typed it and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Shown where the question `code` is shown and answered by one of `values`."""

    code: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. `choices` are pairs of value and label; `mapping` goes from the value of an
    answer to that of a fact of `dimension`, such as `no`, `days:30`, or `days` for any number.
    """

    code: str
    kind: str
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    shown_if: Condition | None = None
    dimension: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The values one can choose, with their labels; nothing where one does not choose."""
        return YES_NO if self.kind == "yes_no" else self.choices


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an answer says of a service: the value of a fact, with its number of days."""

    code: str
    dimension: str
    value: str
    number: int | None


def visible(questions: Sequence[Asked], answers: Answers) -> frozenset[str]:
    """The codes of the questions that are shown, whatever the order of questions or answers.

    The answer of a hidden question shows nothing. A chain that leads back to itself is hidden.
    """
    known = {question.code: question for question in questions}
    shown: dict[str, bool] = {}
    for question in questions:
        _shown(question, known, answers, shown)
    return frozenset(code for code, is_shown in shown.items() if is_shown)


def _shown(
    question: Asked, known: Mapping[str, Asked], answers: Answers, shown: dict[str, bool]
) -> bool:
    trail = [question]
    while trail[-1].code not in shown:
        last = trail[-1]
        if last.shown_if is None:
            shown[last.code] = True
            break
        parent = known.get(last.shown_if.code)
        if parent is None or parent in trail:
            shown[last.code] = False
            break
        trail.append(parent)
    for child, parent in zip(trail[-2::-1], trail[:0:-1], strict=True):
        condition = child.shown_if
        shown[child.code] = (
            condition is not None
            and shown[parent.code]
            and bool(condition.values & _chosen(answers.get(parent.code)))
        )
    return shown[question.code]


def _chosen(value: Value) -> frozenset[str]:
    if isinstance(value, list):
        return frozenset(value)
    return frozenset() if value is None else frozenset([str(value)])


def fit(question: Asked, raw: object) -> Value:
    """The answer that `raw` means, None where it is empty.

    Takes what a form or a cell of a sheet holds: text, numbers, days, lists, labels or values of
    choices in any case. Raises: Unfit.
    """
    if raw is None or raw == [] or (isinstance(raw, str) and not raw.strip()):
        return None
    if isinstance(raw, bool):
        raw = "yes" if raw else "no"
    if question.kind in CHOOSING:
        return _several(question, raw) if question.kind == "multiple" else _one(question, raw)
    if question.kind == "file":
        raise Unfit("This question is answered by a file alone.")
    reading: dict[str, Callable[[object], Value]] = {"number": _number, "date": _day}
    return reading.get(question.kind, _text)(raw)


def _text(raw: object) -> str:
    text = str(raw).replace("\r\n", "\n").strip()
    if len(text) > TEXT_CHARACTERS:
        raise Unfit(f"Use at most {TEXT_CHARACTERS} characters.")
    if any(not (c.isprintable() or c in "\n\t") for c in text):
        raise Unfit("Use printable characters alone.")
    return text


def _one(question: Asked, raw: object) -> str:
    if isinstance(raw, str | int | float):
        wanted = str(raw).strip().casefold()
        for value, label in question.options:
            if wanted in (value.casefold(), label.casefold()):
                return value
    raise Unfit("Choose one of the answers that are offered.")


def _several(question: Asked, raw: object) -> list[str]:
    parts = raw.split(";") if isinstance(raw, str) else raw
    if not isinstance(parts, list | tuple):
        raise Unfit("Choose from the answers that are offered.")
    wanted = {_one(question, part) for part in parts if str(part).strip()}
    return [value for value, _ in question.options if value in wanted]


def _number(raw: object) -> int:
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = str(raw).strip() if isinstance(raw, str | int) else ""
    if not (text.isascii() and text.isdigit()) or len(text) > 7 or int(text) > NUMBER_MAX:
        raise Unfit(f"Enter a whole number from 0 to {NUMBER_MAX:,}.")
    return int(text)


def _day(raw: object) -> str:
    if isinstance(raw, dt.datetime):
        return raw.date().isoformat()
    if isinstance(raw, dt.date):
        return raw.isoformat()
    try:
        day = dt.datetime.strptime(str(raw).strip(), "%Y-%m-%d").replace(tzinfo=dt.UTC)
    except ValueError:
        raise Unfit("Enter a day as YYYY-MM-DD.") from None
    return day.date().isoformat()


def missing(
    questions: Sequence[Asked], answers: Answers, attached: Collection[str] = ()
) -> list[str]:
    """The codes of shown required questions without an answer, in the order of `questions`.

    `attached` are the codes whose answer carries a file; only that answers a question for a file.
    """
    shown = visible(questions, answers)
    return [
        question.code
        for question in questions
        if question.required
        and question.code in shown
        and not _answered(question, answers, attached)
    ]


def _answered(question: Asked, answers: Answers, attached: Collection[str]) -> bool:
    if question.kind == "file":
        return question.code in attached
    return answers.get(question.code) not in (None, "", [])


def proposals(questions: Sequence[Asked], answers: Answers) -> list[Proposal]:
    """What the shown answers say of a service, in the order of `questions`."""
    shown = visible(questions, answers)
    found = []
    for question in questions:
        if question.dimension and question.code in shown:
            proposal = _proposal(question, answers.get(question.code))
            if proposal is not None:
                found.append(proposal)
    return found


def _proposal(question: Asked, value: Value) -> Proposal | None:
    if value is None or isinstance(value, list):
        return None
    mapped = question.mapping.get(ANY if question.kind == "number" else str(value))
    if mapped is None:
        return None
    known, _, number = mapped.partition(":")
    days = int(number) if number else None
    if known == DAYS and isinstance(value, int):
        days = value
    return Proposal(question.code, question.dimension, known, days)


def faults(questions: Sequence[Asked]) -> list[str]:
    """What keeps these questions from being published, each in a sentence; nothing if all fits."""
    if not questions:
        return ["There is no question."]
    known = {question.code: question for question in questions}
    found = []
    if len(known) < len(questions):
        found.append("Two questions have the same code.")
    for question in questions:
        found += [f"{question.code}: {fault}" for fault in _faults(question, known)]
    return found


def _faults(question: Asked, known: Mapping[str, Asked]) -> list[str]:
    found = []
    if question.kind in ("choice", "multiple"):
        values = [value for value, _ in question.choices]
        if len(values) < 2:
            found.append("it offers fewer than two answers.")
        if len(set(values)) < len(values):
            found.append("it offers the same answer twice.")
    if question.shown_if is not None:
        found += _branch_faults(question, question.shown_if, known)
    return found + _mapping_faults(question)


def _branch_faults(question: Asked, condition: Condition, known: Mapping[str, Asked]) -> list[str]:
    parent = known.get(condition.code)
    if parent is None:
        return ["it is shown by a question that does not exist."]
    if parent.kind not in CHOOSING:
        return ["it is shown by a question without answers to choose from."]
    if not condition.values or condition.values - {value for value, _ in parent.options}:
        return ["it is shown by an answer that is not offered."]
    seen = {question.code}
    while parent is not None:
        if parent.code in seen:
            return ["what shows it leads back to itself."]
        seen.add(parent.code)
        parent = known.get(parent.shown_if.code) if parent.shown_if else None
    return []


def _mapping_faults(question: Asked) -> list[str]:
    if not question.dimension:
        return ["it has values of facts but no dimension."] if question.mapping else []
    offered = {ANY} if question.kind == "number" else {value for value, _ in question.options}
    wrong = {
        "answers of this kind do not become facts.": question.kind
        not in ("yes_no", "choice", "number"),
        "it has a dimension, but no answer of it becomes a fact.": not question.mapping,
        "an answer that is not offered would become a fact.": bool(set(question.mapping) - offered),
        "an answer would become a value that its dimension does not have.": not all(
            _known(question, mapped) for mapped in question.mapping.values()
        ),
    }
    return [fault for fault, found in wrong.items() if found][:1]


def _known(question: Asked, mapped: str) -> bool:
    value, _, number = mapped.partition(":")
    if value not in VALUES.get(question.dimension, {}):
        return False
    if value != DAYS:
        return not number
    if question.dimension not in IN_DAYS:
        return False
    return not number if question.kind == "number" else number.isdigit()
