"""The datasets of access reviews: campaigns, and their lines with decisions and proofs."""

from __future__ import annotations

from evidence.pack.dataset import Dataset, Timing

_CRITERIA = ("CC6.1", "CC6.2", "CC6.3")
_SECTIONS = ("164.308(a)(3)(ii)(B)", "164.308(a)(4)(ii)(C)", "164.312(a)")

ACCESS_REVIEWS: tuple[Dataset, ...] = (
    Dataset(
        "access_reviews",
        "Access reviews",
        "Every review of access begun until the end of the period, with what it froze.",
        "policies_accessreview",
        Timing.AS_OF,
        narrowed=False,
        criteria=_CRITERIA,
        sections=_SECTIONS,
        notes={
            "population_query_sha256": "SHA-256 of `population_query`, the query as it ran.",
            "population_digest": "SHA-256 of the canonical JSON (RFC 8785) of all lines as frozen.",
            "closed_digest": "The same over lines, decisions and proofs, as it was closed.",
            "due_on": "Last day to decide on every line.",
        },
    ),
    Dataset(
        "access_review_lines",
        "Lines of access reviews",
        "Every line of those populations, with each decision, and what was found afterwards.",
        "policies_accessreviewentry",
        Timing.AS_OF,
        narrowed=False,
        criteria=_CRITERIA,
        sections=_SECTIONS,
        notes={
            "review_id": "`id` in access_reviews.",
            "row_id": "The row that gave the access, in the table of its kind.",
            "use_known": "Whether anything records the use of this kind of access.",
            "decisions": "Oldest first; the last counts. `together`: lines kept with one note.",
            "proofs": "What became of it, oldest first: `looks` asked of the database.",
        },
    ),
)
