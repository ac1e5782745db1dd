"""The datasets of agreements: their versions, what was read of them, what is asked for."""

from __future__ import annotations

from evidence.pack.dataset import Dataset, Timing

_AS_OF = Timing.AS_OF

AGREEMENTS: tuple[Dataset, ...] = (
    Dataset(
        "agreements",
        "Agreements",
        "Every version of every BAA and DPA of the vendors in scope, with what it covers.",
        "vendors_agreement",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "C1.1"),
        sections=("164.308(b)", "164.314(a)", "164.504(e)"),
        notes={
            "ends_on": "Last day in force; empty if evergreen.",
            "terminated_on": "First day on which it no longer holds.",
            "superseded_on": "First day of the version that replaces it.",
            "breach_notice_days": "Days the vendor has to report a breach (164.410: at most 60).",
            "return_state": "What became of the data after the end (164.504(e)(2)(ii)(J)).",
            "covered_scopes": "What it covers; empty fields mean any.",
            "document_sha256": "Of the signed paper, which is not in the pack.",
        },
    ),
    Dataset(
        "agreement_clauses",
        "Clauses of agreements",
        "What was read of the clauses of those agreements; without a reader it is a proposal.",
        "vendors_agreementclause",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2", "C1.1"),
        sections=("164.504(e)(2)", "164.314(a)(2)"),
        notes={"reading": "Present, weak or absent.", "read_on": "Empty: not yet confirmed."},
    ),
    Dataset(
        "agreement_requests",
        "Requests for agreements",
        "Agreements that were wanted, with where each request stands and what it led to.",
        "vendors_agreementrequest",
        _AS_OF,
        narrowed=True,
        criteria=("CC9.2",),
        sections=("164.308(b)(1)",),
    ),
)
