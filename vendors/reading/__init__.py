"""What a report seems to say, read from its text; pure: pages in, proposals out.

Nothing read here is taken for true: each proposal names its page and quotes the passage, and a
person confirms it. What is not found is simply not proposed.
"""

from __future__ import annotations

from collections.abc import Sequence

from vendors.reading import letter, rows
from vendors.reading.rows import mentions
from vendors.reading.text import Paper, Proposal

__all__ = ["Proposal", "has_text", "mentions", "read", "search"]

# A page of a report has two thousand characters; a scan has none, or a stamp.
SCANNED_BELOW = 40


def has_text(pages: Sequence[str]) -> bool:
    """Whether the pages hold text at all; those of a scan do not."""
    return sum(len(page.strip()) for page in pages) >= SCANNED_BELOW * max(1, len(pages))


def read(pages: Sequence[str], *, own_names: tuple[str, ...] = ()) -> list[Proposal]:
    """Everything that the pages of a report propose, by field and in the order of the pages.

    `own_names` are those of the company that is reported on: it is not its own auditor.
    """
    paper = Paper(pages)
    found = [*letter.kind(paper), *letter.period(paper)]
    types = {p.values["kind"] for p in found if p.field == "kind"}
    if "soc2_type1" in types or not any(p.field == "period" for p in found):
        found += letter.as_of(paper)
    return [
        *found,
        *letter.auditor(paper, own_names),
        *letter.opinion(paper),
        *letter.categories(paper),
        *rows.subservices(paper),
        *rows.cuecs(paper),
        *rows.exceptions(paper),
    ]


def search(pages: Sequence[str], words: str, *, most: int = 20) -> list[Proposal]:
    """Where the pages hold these words, whatever the case and the spaces between them."""
    return mentions(pages, [words], most=most)
