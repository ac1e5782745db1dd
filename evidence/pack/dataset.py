"""What a dataset of a pack is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Timing(StrEnum):
    """Whether a dataset is the register at one moment, or what happened in the period."""

    AS_OF = "as_of"
    PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A population: one query, whose first column, `sequence`, counts the rows of `table`.

    That is `id`, or for what the ledger holds `index`, which counts its entries of every kind.
    """

    name: str
    title: str
    what: str
    table: str
    timing: Timing
    narrowed: bool
    criteria: tuple[str, ...]
    sections: tuple[str, ...]
    notes: Mapping[str, str] = field(default_factory=dict)
    sequence: Literal["id", "index"] = "id"
