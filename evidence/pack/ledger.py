"""The datasets of the ledger: their rows are entries, and log-proofs/ proves each of them."""

from __future__ import annotations

from dataclasses import replace

from evidence.pack.dataset import Dataset, Timing

_PERIOD = Timing.PERIOD
_DIGESTS = "Its digests stand in its entry, in log-proofs/."


def _entries(*populations: Dataset) -> tuple[Dataset, ...]:
    """These populations counted by the places of their entries, with a word on what those are."""
    place = {"index": "Its entry's place in the ledger."}
    return tuple(
        replace(each, sequence="index", notes={**place, **each.notes}) for each in populations
    )


LEDGER_RECORDS: tuple[Dataset, ...] = (
    *_entries(
        Dataset(
            "calls",
            "Calls",
            f"Every AI call of live keys recorded in the period, denials included. {_DIGESTS}",
            "audits_call",
            _PERIOD,
            narrowed=True,
            criteria=("CC6.1", "CC7.2", "PI1.3"),
            sections=("164.312(b)", "164.312(a)"),
            notes={
                "received_at": "When the record was stored, which is before the call was made.",
                "reasons": "Why it was denied, all of them.",
                "agreement_id": "The BAA the verdict rests on: `id` in agreements.",
                "report_id": "The SOC 2 report the verdict rests on: `id` in assurance_reports.",
                "fact_ids": "The facts the verdict rests on: `id` in facts.",
                "epoch": "State of register and policy the call was decided under.",
                "lease_until": "Until when the call had to be completed or its lease extended.",
            },
        ),
        Dataset(
            "completions",
            "Completions",
            "How the calls of the period ended, and completions in it that name no recorded call. "
            + _DIGESTS,
            "audits_completion",
            _PERIOD,
            narrowed=True,
            criteria=("CC7.2", "PI1.3", "PI1.5"),
            sections=("164.312(b)",),
            notes={
                "call_index": "The place of the call's entry.",
                "swept": "Closed by the sweep, since its caller never did.",
                "late": "Came after its lease had passed.",
                "without_call": "No record of the call was here.",
            },
        ),
        Dataset(
            "leases",
            "Leases",
            "Each sign of life of those calls: until when they might take.",
            "audits_lease",
            _PERIOD,
            narrowed=True,
            criteria=("PI1.3",),
            sections=("164.312(b)",),
        ),
        Dataset(
            "ledger_events",
            "Events in the ledger",
            "Everything else the ledger sealed in the period: keys, grants, approvals, papers, "
            "changes, reads, packs, disposals, its own starts and changes of key.",
            "audits_event",
            _PERIOD,
            narrowed=False,
            criteria=("CC6.1", "CC7.2", "CC8.1"),
            sections=("164.312(b)", "164.316(b)"),
            notes={
                "subject": "What it is about.",
                "payload": "What was sealed; of rows a salted digest.",
            },
        ),
    ),
    Dataset(
        "provider_usage",
        "Counts of providers",
        "What providers counted by day (UTC), project, key and model; of each day what counts.",
        "audits_usagecount",
        _PERIOD,
        narrowed=True,
        criteria=("PI1.3", "CC4.1", "CC7.2"),
        sections=("164.312(b)", "164.308(a)(1)(ii)(D)"),
        notes={
            "file_sha256": "Of the file, or of the API's answers.",
            "input_tokens": "Cached ones are in it.",
            "integration_in_file": "Where the file itself names the integration.",
        },
    ),
)
