"""A SOC 2 report as auditors lay it out, invented and printed: sixty pages and more."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from weasyprint import CSS, HTML

STYLE = CSS(
    string="""
    @page { size: Letter; margin: 24mm 20mm;
      @top-left { content: "Larkspur Speech, Inc. SOC 2 Type II Report"; font: 8pt sans-serif }
      @bottom-center { content: "Proprietary and confidential. Page " counter(page);
        font: 8pt sans-serif } }
    body { font: 10.5pt/1.5 sans-serif } section { break-before: page }
    table { border-collapse: collapse; width: 100% } td, th { border: .5pt solid #999;
      padding: 2mm; vertical-align: top; text-align: left; font-size: 9pt }
    """
)
FILLER = (
    "The company has documented policies that describe how systems are designed, operated and "
    "monitored. Personnel acknowledge them when they are hired and once a year thereafter. "
)


@dataclass(frozen=True)
class Told:
    """What the report says; a test changes one thing of it."""

    period: str = "October 1, 2025 to September 30, 2026"
    auditor: str = "Ridgeline Assurance LLP"
    issued: str = "October 28, 2026"
    categories: str = "Security, Availability, and Confidentiality"
    opinion: str = (
        "In our opinion, in all material respects, the description presents the system that was "
        "designed and implemented, and the controls operated effectively throughout the period."
    )
    subservices: tuple[tuple[str, str], ...] = (
        ("Amazon Web Services, Inc.", "cloud hosting and storage of recordings"),
        ("CoreWeave, Inc.", "graphics processors for transcription models"),
    )
    cuecs: tuple[str, ...] = (
        (
            "User entities are responsible for restricting access to their API keys to people who "
            "need them, and for revoking keys of people who leave."
        ),
        "User entities are responsible for choosing the retention period of their transcripts.",
        (
            "User entities are responsible for telling Larkspur of security incidents that concern "
            "their accounts without delay."
        ),
        "User entities are responsible for reviewing the list of their users each quarter.",
    )
    exceptions: tuple[tuple[str, str, str, str], ...] = field(
        default=(
            (
                "LAC-07",
                "CC6.2",
                (
                    "Exception noted. For 2 of 25 terminated employees sampled, access was removed "
                    "later than the three days that the policy allows."
                ),
                "Access is now removed by the personnel system on the last day of work.",
            ),
            (
                "LCM-11",
                "CC8.1",
                (
                    "Exception noted. For 1 of 40 changes sampled, no evidence of the peer review "
                    "was retained."
                ),
                "The repository now refuses a merge without a recorded review.",
            ),
        )
    )
    controls: int = 96
    filler_pages: int = 32


def _cover(told: Told) -> str:
    return (
        "<h1>Larkspur Speech, Inc.</h1><h2>SOC 2® Type II Report</h2><p>Report on the description "
        f"of its transcription system, relevant to {told.categories}</p>"
        f"<p>For the period {told.period}</p><p>{told.auditor}</p>"
    )


def _contents() -> str:
    lines = (
        "Section I: Independent Service Auditor's Report ........ 3",
        "Section II: Management's Assertion ........ 6",
        "Section III: Description of the System ........ 8",
        "Complementary User Entity Controls ........ 30",
        "Section IV: Tests of Controls ........ 33",
    )
    return "<h2>Contents</h2>" + "".join(f"<p>{line}</p>" for line in lines)


def _letter(told: Told) -> str:
    return (
        "<h2>Section I: Independent Service Auditor's Report</h2>"
        "<p>To the management of Larkspur Speech, Inc.</p>"
        "<h3>Scope</h3><p>We have examined the accompanying description of the transcription "
        f"system of Larkspur Speech, Inc. throughout the period {told.period}, and the suitability "
        "of the design and operating effectiveness of its controls to provide reasonable assurance "
        "that its commitments were achieved based on the trust services criteria relevant to "
        f"{told.categories.lower()}.</p>"
        f"{''.join(f'<p>{FILLER * 3}</p>' for _ in range(4))}"
        "<h3>Other matter</h3><p>Management's responses were not subjected to the procedures of "
        "our examination. Accordingly, we do not express an opinion on them.</p>"
        f"<h3>Opinion</h3><p>{told.opinion}</p>"
        f"<p>{told.auditor}</p><p>Columbus, Ohio</p><p>{told.issued}</p>"
    )


def _description(told: Told) -> str:
    named = "".join(
        f"<p>Larkspur uses {name}, a subservice organization, to provide {what}. The description "
        "excludes the controls of the subservice organization (carve-out method).</p>"
        for name, what in told.subservices
    )
    filler = "".join(
        f"<section><h3>Component {n}</h3>{f'<p>{FILLER * 4}</p>' * 4}</section>"
        for n in range(1, told.filler_pages + 1)
    )
    return (
        "<section><h2>Section III: Description of the System</h2><p>Larkspur Transcribe turns "
        "recorded calls into text. Larkspur Archive keeps recordings and is not part of this "
        f"description.</p></section>{filler}"
        f"<section><h3>Subservice Organizations</h3>{named}</section>"
    )


def _cuecs(told: Told) -> str:
    items = "".join(f"<li>{text}</li>" for text in told.cuecs)
    return (
        "<section><h3>Complementary User Entity Controls</h3><p>Controls were designed with the "
        f"assumption that user entities operate the following controls.</p><ul>{items}</ul>"
        "<h3>Changes During the Period</h3><p>There were no significant changes.</p></section>"
    )


def _tests(told: Told) -> str:
    """Tests of controls: one row for each, most of them passed."""
    rows = []
    spread = told.controls // (len(told.exceptions) + 1)
    for number in range(told.controls):
        rows.append(
            f"<tr><td>LOP-{number:02}</td><td>CC{number % 9 + 1}.1</td><td>{FILLER}</td>"
            f"<td>Inspected the policy and a sample of records. {FILLER}</td>"
            "<td>No exceptions noted.</td></tr>"
        )
        which, rest = divmod(number + 1, spread)
        if rest == 0 and which <= len(told.exceptions):
            control, criterion, failed, response = told.exceptions[which - 1]
            rows.append(
                f"<tr><td>{control}</td><td>{criterion}</td><td>The control.</td>"
                f"<td>Inspected a sample.</td><td>{failed} Management's response: {response}</td>"
                "</tr>"
            )
    return (
        "<section><h2>Section IV: Tests of Controls</h2><table><tr><th>Control</th>"
        "<th>Criterion</th><th>Description</th><th>Test</th><th>Result</th></tr>"
        f"{''.join(rows)}</table></section>"
    )


@cache
def soc2_pdf(told: Told = Told()) -> bytes:
    """The report as PDF; with what `Told` says by default it has more than sixty pages."""
    body = (
        f"{_cover(told)}<section>{_contents()}</section><section>{_letter(told)}</section>"
        "<section><h2>Section II: Management's Assertion</h2><p>We have prepared the description "
        f"of the system throughout the period {told.period}.</p></section>"
        f"{_description(told)}{_cuecs(told)}{_tests(told)}"
    )
    content: bytes = HTML(string=body).write_pdf(stylesheets=[STYLE])
    return content
