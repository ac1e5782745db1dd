"""Ranges whose entries are not there, and the entries that say that they were disposed of."""

from __future__ import annotations

import json
from collections.abc import Sequence

from countersign import merkle
from countersign.verifying.report import Gap, Report

DISPOSAL = b'"type":"disposal"'


class Gaps:
    """The gaps of a report; a part of one that an entry explains becomes a gap of its own."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._roots: dict[tuple[int, int], bytes] = {}

    def add(self, start: int, end: int, nodes: Sequence[bytes]) -> None:
        """Note a gap and the hashes above it, from left to right."""
        self._report.gaps.append(Gap(start, end))
        self._roots[start, end] = merkle.fold(nodes)

    def explain(self, first: int, lines: Sequence[bytes]) -> None:
        """Look for entries of type disposal among these, the first of which has index `first`."""
        for index, line in enumerate(lines, first):
            if DISPOSAL in line:
                entry = members(line)
                if entry.get("type") == "disposal":
                    payload = entry.get("payload")
                    self._disposed(index, payload if isinstance(payload, dict) else entry)

    def _disposed(self, index: int, said: dict[str, object]) -> None:
        start, end = said.get("first_index"), said.get("end_index")
        if type(start) is not int or type(end) is not int:
            return
        above = self._roots.get((start, end))
        if above is not None and said.get("root", above.hex()) != above.hex():
            self._report.problem(
                f"Entry {index:,} names another root of what was disposed of than the tree has."
            )
            return
        self._report.gaps[:] = [
            part for gap in self._report.gaps for part in _parts(gap, start, end, index)
        ]

    def judge(self) -> None:
        """Name as problems the gaps that no entry explains."""
        for gap in self._report.gaps:
            if gap.disposed_by is None:
                self._report.problem(f"A gap: {gap.sentence()}.")


def _parts(gap: Gap, start: int, end: int, index: int) -> list[Gap]:
    """The gap without and with what lies from `start` to before `end`, which `index` explains."""
    start, end = max(start, gap.first_index), min(end, gap.end_index)
    if gap.disposed_by is not None or start >= end:
        return [gap]
    parts = [Gap(gap.first_index, start), Gap(start, end, index), Gap(end, gap.end_index)]
    return [part for part in parts if part.first_index < part.end_index]


def members(entry: bytes) -> dict[str, object]:
    """What an entry says; nothing if it is no JSON object."""
    try:
        found = json.loads(entry)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
