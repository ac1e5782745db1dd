"""The datasets of what stands in assurance reports, and of what is left to us after a review."""

from __future__ import annotations

from evidence.pack.dataset import Dataset, Timing

REPORT_LINES = (
    Dataset(
        "report_exceptions",
        "Exceptions in assurance reports",
        "Every exception that the reports in scope note, with what we made of it.",
        "vendors_reportexception",
        Timing.AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC4.1"),
        sections=("164.308(b)(1)",),
        notes={
            "report_id": "`id` in assurance_reports.",
            "sample_failed": "How many of `sample_size` did not pass.",
            "relevant": "Whether it concerns how we use the vendor.",
            "compensating": "Our own control that makes up for it.",
        },
    ),
    Dataset(
        "subservices",
        "Subservice organizations",
        "Who the vendors in scope build on, as each report names them.",
        "vendors_subservice",
        Timing.AS_OF,
        narrowed=True,
        criteria=("CC9.2",),
        sections=("164.308(b)(1)", "164.314(a)(2)(iii)"),
        notes={
            "report_id": "`id` in assurance_reports.",
            "method": "inclusive: inside the report; carve_out: left out of it.",
            "own_report_id": "The subservice's own report: `id` in assurance_reports.",
        },
    ),
    Dataset(
        "cuecs",
        "Complementary user entity controls",
        "What the reports in scope take for granted on our side, and how we do it.",
        "vendors_cuec",
        Timing.AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC5.2"),
        sections=("164.308(b)(1)", "164.308(a)(8)"),
        notes={
            "report_id": "`id` in assurance_reports.",
            "evidence_sha256": "Of the paper that shows it, which is not in the pack.",
            "carried_from_id": "The entry of an earlier report whose answer was taken over.",
        },
    ),
    Dataset(
        "report_conditions",
        "Conditions of reviews",
        "What must happen for us to rely on a report, by when, and what became of it.",
        "vendors_reportcondition",
        Timing.AS_OF,
        narrowed=True,
        criteria=("CC9.2", "CC4.2"),
        sections=("164.308(b)(1)",),
        notes={
            "report_id": "`id` in assurance_reports.",
            "due_on": "Last day on which it may be open.",
        },
    ),
)
