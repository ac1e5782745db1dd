"""The datasets of how vendors are reviewed, approved with conditions, and left."""

from __future__ import annotations

from evidence.pack.dataset import Dataset, Timing

_AS_OF = Timing.AS_OF

VENDOR_REVIEWS: tuple[Dataset, ...] = (
    Dataset(
        "vendor_reviews",
        "Vendor reviews",
        "Every review of a vendor in scope by the checklist, drafts included, with what it saw.",
        "vendors_vendorreview",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC3.2"),
        sections=("164.308(a)(8)", "164.308(b)(1)"),
        notes={
            "digest": "SHA-256 of the canonical JSON (RFC 8785) of `snapshot`.",
            "snapshot": "What the register said of the vendor on the day of the review.",
            "next_on": "The day the next review is due.",
        },
    ),
    Dataset(
        "review_items",
        "Answers of vendor reviews",
        "Every answer to an item of the checklist, with what it rests on.",
        "vendors_reviewitem",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC3.2"),
        sections=("164.308(a)(8)", "164.308(b)(1)"),
        notes={
            "agreement_id": "What the answer rests on: `id` in agreements.",
            "report_id": "What the answer rests on: `id` in assurance_reports.",
            "fact_id": "What the answer rests on: `id` in facts.",
        },
    ),
    Dataset(
        "vendor_conditions",
        "Conditions of approvals",
        "What vendors in scope had to do for their approval to go on, and what became of it.",
        "vendors_vendorcondition",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2",),
        sections=("164.308(b)(1)",),
        notes={"due_on": "Last day; the approval ends with the first that is open."},
    ),
    Dataset(
        "vendor_transitions",
        "States of vendors",
        "Each step of a vendor in scope from state to state, with its reason.",
        "vendors_vendortransition",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2",),
        sections=("164.308(b)(1)",),
    ),
    Dataset(
        "offboardings",
        "Offboardings",
        "How vendors in scope were left, step by step, and what proves it.",
        "vendors_offboarding",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "C1.2"),
        sections=("164.504(e)(2)(ii)(J)", "164.308(b)(1)"),
        notes={"disposal": "What became of our data.", "steps": "What was done, and its proof."},
    ),
)
