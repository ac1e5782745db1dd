"""The clauses that a BAA and a DPA are read for; pure, in our own words, each with its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Wish(StrEnum):
    """What we want of a clause: the law requires it, we ask for it, or we would rather not."""

    REQUIRED = "required"
    ADVISED = "advised"
    UNWELCOME = "unwelcome"


class Reading(StrEnum):
    """What the paper says of a clause; weak: it is there, and says less than it should."""

    PRESENT = "present"
    WEAK = "weak"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a checklist.

    `asks_days`: a number of days belongs to it; `most_days` is the most that its source allows.
    """

    code: str
    title: str
    look_for: str
    source: str
    wish: Wish = Wish.REQUIRED
    asks_days: bool = False
    most_days: int | None = None


BAA = (
    Clause(
        "permitted_uses",
        "Permitted uses",
        "The uses and disclosures of PHI are named, and none goes beyond what we may do ourselves.",
        "45 CFR 164.504(e)(2)(i)",
    ),
    Clause(
        "no_other_use",
        "No other use",
        "PHI is used and disclosed only as the contract or the law says.",
        "45 CFR 164.504(e)(2)(ii)(A)",
    ),
    Clause(
        "safeguards",
        "Safeguards",
        "Safeguards against other uses, and for electronic PHI the whole Security Rule.",
        "45 CFR 164.504(e)(2)(ii)(B), 164.314(a)(2)(i)(A)",
    ),
    Clause(
        "incident_reports",
        "Incident reports",
        "Every use outside the contract and every security incident is reported, with days.",
        "45 CFR 164.504(e)(2)(ii)(C), 164.314(a)(2)(i)(C)",
        asks_days=True,
    ),
    Clause(
        "breach_notice",
        "Breach notice",
        "Breaches of unsecured PHI are reported without delay, with days from discovery.",
        "45 CFR 164.410(b): at most 60 days",
        asks_days=True,
        most_days=60,
    ),
    Clause(
        "subcontractors",
        "Subcontractors",
        "Whoever works for the vendor with our PHI is bound in writing to the same.",
        "45 CFR 164.504(e)(2)(ii)(D), 164.308(b)(2), 164.314(a)(2)(i)(B)",
    ),
    Clause(
        "access",
        "Access of individuals",
        "Records are made available so that a person can see or get a copy of their own.",
        "45 CFR 164.504(e)(2)(ii)(E), 164.524",
        asks_days=True,
    ),
    Clause(
        "amendment",
        "Amendment of records",
        "Records are made available to be corrected, and corrections are taken over.",
        "45 CFR 164.504(e)(2)(ii)(F), 164.526",
        asks_days=True,
    ),
    Clause(
        "accounting",
        "Accounting of disclosures",
        "What is needed to account for disclosures is kept and given.",
        "45 CFR 164.504(e)(2)(ii)(G), 164.528",
        asks_days=True,
    ),
    Clause(
        "delegated_duties",
        "Duties carried out for us",
        "Where the vendor does what the Privacy Rule asks of us, it keeps to that rule.",
        "45 CFR 164.504(e)(2)(ii)(H)",
    ),
    Clause(
        "books",
        "Books open to HHS",
        "Practices, books and records about PHI are open to the Secretary of HHS.",
        "45 CFR 164.504(e)(2)(ii)(I)",
    ),
    Clause(
        "return_or_destroy",
        "Return or destroy",
        "At the end PHI comes back or is destroyed; where neither is feasible, protection goes on.",
        "45 CFR 164.504(e)(2)(ii)(J)",
        asks_days=True,
    ),
    Clause(
        "termination",
        "Termination for breach",
        "We may end the contract when the vendor has broken a material term.",
        "45 CFR 164.504(e)(2)(iii)",
    ),
    Clause(
        "offshore",
        "Offshore bar",
        "PHI stays in named countries, and so do the people who can see it.",
        "Contract practice; HIPAA names no country (HHS guidance on cloud computing)",
        wish=Wish.ADVISED,
    ),
    Clause(
        "deidentification",
        "De-identification right",
        "The vendor may de-identify our PHI and keep it: training on our data hides here.",
        "45 CFR 164.502(d), 164.504(e)(2)(i), 164.514(a)-(b)",
        wish=Wish.UNWELCOME,
    ),
)

DPA = (
    Clause(
        "subject_matter",
        "Subject matter",
        "Duration, nature and purpose of the processing, kinds of data and of people are named.",
        "GDPR Art. 28(3)",
    ),
    Clause(
        "instructions",
        "Documented instructions",
        "Data is processed only as we instruct in writing, transfers to other countries included.",
        "GDPR Art. 28(3)(a)",
    ),
    Clause(
        "confidentiality",
        "Confidentiality",
        "Everybody who may process the data is bound to secrecy.",
        "GDPR Art. 28(3)(b)",
    ),
    Clause(
        "security",
        "Security of processing",
        "Technical and organisational measures are named or annexed.",
        "GDPR Art. 28(3)(c), Art. 32",
    ),
    Clause(
        "subprocessors",
        "Subprocessors",
        "Others are engaged with our consent or after notice, and bound to the same.",
        "GDPR Art. 28(2), 28(3)(d), 28(4)",
        asks_days=True,
    ),
    Clause(
        "data_subjects",
        "Rights of data subjects",
        "The vendor helps us to answer requests of the people the data is about.",
        "GDPR Art. 28(3)(e)",
        asks_days=True,
    ),
    Clause(
        "assistance",
        "Breach notice and assistance",
        "Breaches are reported without undue delay; help with assessments and consultations.",
        "GDPR Art. 28(3)(f), Art. 33(2)",
        asks_days=True,
    ),
    Clause(
        "delete_or_return",
        "Delete or return",
        "At the end the data is deleted or comes back, as we choose, copies included.",
        "GDPR Art. 28(3)(g)",
        asks_days=True,
    ),
    Clause(
        "audits",
        "Audits",
        "What shows compliance is given to us, and inspections are allowed.",
        "GDPR Art. 28(3)(h)",
    ),
    Clause(
        "unlawful_instructions",
        "Unlawful instructions",
        "The vendor tells us when it holds an instruction to be against the law.",
        "GDPR Art. 28(3), last subparagraph",
    ),
    Clause(
        "transfers",
        "Transfers",
        "Where data leaves the EEA, the ground for it is named: adequacy or safeguards.",
        "GDPR Art. 28(3)(a), Art. 44 to 46",
    ),
    Clause(
        "own_purposes",
        "Own purposes of the vendor",
        "The vendor may use our data for itself, such as to train models; it is a controller then.",
        "GDPR Art. 28(10)",
        wish=Wish.UNWELCOME,
    ),
)

LISTS = {"baa": BAA, "dpa": DPA}
TITLES = {clause.code: clause.title for clauses in LISTS.values() for clause in clauses}


def checklist(kind: str) -> tuple[Clause, ...]:
    """The clauses that an agreement of the kind `baa` or `dpa` is read for."""
    return LISTS[kind]


def concern(clause: Clause, reading: str) -> str:
    """How bad a reading is: `bad`, `soon` (look at it) or nothing.

    A required clause that is absent is bad, a weak one is to be looked at; an unwelcome clause is
    to be looked at unless it is absent. One that is only advised never counts against a paper.
    """
    if clause.wish is Wish.UNWELCOME:
        return "soon" if reading in (Reading.PRESENT, Reading.WEAK) else ""
    if clause.wish is Wish.ADVISED:
        return ""
    return {Reading.ABSENT.value: "bad", Reading.WEAK.value: "soon"}.get(reading, "")


@dataclass(frozen=True, slots=True)
class Concern:
    """A clause whose reading counts against the paper; `kind` as `concern` tells it."""

    clause: Clause
    reading: str
    kind: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many clauses of a checklist were read by a person, and what they found wrong."""

    read: int
    total: int
    concerns: tuple[Concern, ...]

    @property
    def complete(self) -> bool:
        return self.read == self.total


def completeness(kind: str, readings: Iterable[tuple[str, str]]) -> Completeness:
    """Sum up confirmed readings, each a clause's code and what the paper says of it."""
    found = dict(readings)
    clauses = checklist(kind)
    concerns = [
        Concern(clause, found[clause.code], kind_of)
        for clause in clauses
        if clause.code in found and (kind_of := concern(clause, found[clause.code]))
    ]
    concerns.sort(key=lambda each: each.kind)
    return Completeness(
        read=sum(clause.code in found for clause in clauses),
        total=len(clauses),
        concerns=tuple(concerns),
    )
