"""What a review of a vendor asks, section by section; pure.

The five sections are those that a buyer of an AI service should demand answers to before the first
call: BAA, SOC 2 report, where data is and for how long, encryption, audit logging. An item is asked
once of the vendor, or of each service where services may differ. `looks_at` names what in the
register speaks to it; it is shown beside the question and never answers it.

What `looks_at` may name: "baa", "dpa", "reports", "regions", and `fact:` with a dimension.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One question; `source` is the rule or practice that asks it."""

    code: str
    question: str
    why: str
    source: str
    looks_at: tuple[str, ...] = ()
    each_service: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    code: str
    title: str
    about: str
    items: tuple[Item, ...]


BAA = Section(
    "baa",
    "BAA",
    "A vendor that handles PHI for us is a business associate; without its contract no PHI goes.",
    (
        Item(
            "baa-offered",
            "Does the vendor sign a business associate agreement for AI services?",
            "Some sign for their cloud and leave AI products out, some only sign with enterprises.",
            "45 CFR 164.502(e), 164.308(b)(1)",
            ("fact:baa",),
        ),
        Item(
            "baa-plan",
            "Is the BAA offered on the plan or tier that we use?",
            "A BAA for one plan says nothing of the others: standard plans are often left out.",
            "45 CFR 164.308(b)(1); the vendor's list of eligible plans",
            ("fact:baa",),
            each_service=True,
        ),
        Item(
            "baa-route",
            "Do we know how it is obtained, and how long that takes?",
            "Self-service takes minutes; a negotiation with lawyers takes two to six weeks.",
            "Practice of procurement",
            ("fact:baa",),
        ),
        Item(
            "baa-signed",
            "Is a BAA in force between our legal entity and the vendor's, its signed copy kept?",
            "An offer is no contract, and the wrong legal entity signs more often than one thinks.",
            "45 CFR 164.504(e), 164.308(b)(3)",
            ("baa",),
        ),
        Item(
            "baa-covers",
            "Does it cover this service, with the models, regions and features that we use?",
            "The commonest hole: a BAA that does not name the product, preview model or feature.",
            "45 CFR 164.504(e)(2)",
            ("baa",),
            each_service=True,
        ),
        Item(
            "baa-deidentified",
            "Where data goes as de-identified, is Safe Harbor or a determination documented?",
            "Taking names out is not de-identification. What fails the standard is still PHI and "
            "needs the BAA.",
            "45 CFR 164.514(a), (b)",
        ),
    ),
)

SOC2 = Section(
    "soc2",
    "SOC 2 Type II report",
    "An auditor's word that the controls worked over a time, read and not only filed.",
    (
        Item(
            "soc2-full",
            "Do we hold the full report rather than a certificate, a badge or a SOC 3?",
            "Exceptions, scope and what is expected of us stand in the full report alone.",
            "AICPA TSC CC9.2",
            ("reports", "fact:soc2_type2"),
        ),
        Item(
            "soc2-type2",
            "Is it a Type II?",
            "A Type I says that controls were there on one day, a Type II that they worked.",
            "AICPA SOC 2 guide; TSC CC9.2",
            ("reports",),
        ),
        Item(
            "soc2-type1-plan",
            "If there is only a Type I: is the day of the Type II agreed, and our use tied to it?",
            "Going on without a Type II is a decision with an end, not a habit.",
            "AICPA TSC CC9.2",
            ("reports",),
        ),
        Item(
            "soc2-period",
            "Does its period, with bridge letters, reach to today without a gap?",
            "A period that ended more than a year ago says little of now.",
            "AICPA TSC CC9.2, CC4.1",
            ("reports",),
        ),
        Item(
            "soc2-opinion",
            "Is the auditor's opinion unqualified?",
            "A qualified opinion means that a criterion was not met.",
            "AICPA AT-C 205",
            ("reports",),
        ),
        Item(
            "soc2-exceptions",
            "Was each exception read, and is it of no matter to us or made up for?",
            "An unqualified report can hold exceptions that hit just what we rely on.",
            "AICPA TSC CC9.2, CC4.2",
            ("reports",),
        ),
        Item(
            "soc2-categories",
            "Does it cover Confidentiality besides Security?",
            "Security alone says nothing of how confidential data is kept and disposed of.",
            "AICPA TSC C1.1, C1.2",
            ("reports",),
        ),
        Item(
            "soc2-service",
            "Does the system description name this service?",
            "A new AI product is often not yet in the scope of the company's report.",
            "AICPA DC 200; TSC CC9.2",
            ("reports",),
            each_service=True,
        ),
        Item(
            "soc2-subservices",
            "Are subservice organizations, such as the clouds with the GPUs, covered?",
            "What is carved out needs a report of its own.",
            "AICPA DC 200; TSC CC9.2",
            ("reports",),
        ),
        Item(
            "soc2-ours",
            "Are the controls that the report expects of us in place here?",
            "The vendor's report is about its controls. Access, logging and data handling on our "
            "side remain ours.",
            "AICPA TSC CC9.2; complementary user entity controls",
            ("reports",),
        ),
    ),
)

PLACE = Section(
    "residency",
    "Residency and retention",
    "Where data is, for how long, and that nobody learns from it.",
    (
        Item(
            "residency-region",
            "Is the region of processing pinned, by contract or by a setting that we made?",
            "A default can change without notice; a promise or our own setting cannot.",
            "AICPA TSC C1.1; GDPR Art. 44",
            ("regions", "fact:residency"),
            each_service=True,
        ),
        Item(
            "residency-elsewhere",
            "Do storage, support access and failover stay where processing may be?",
            "Data in one region is often read by support in another, or fails over there.",
            "AICPA TSC C1.1, A1.2",
            ("regions",),
            each_service=True,
        ),
        Item(
            "training-excluded",
            "Is our data left out of training, feedback and files included?",
            "PHI that trained a model cannot be called back.",
            "45 CFR 164.504(e)(2)(i), 164.502(a)(3)",
            ("fact:training_use",),
            each_service=True,
        ),
        Item(
            "retention-default",
            "Do we know how long inputs and outputs are kept unless somebody acts?",
            "Thirty days for abuse monitoring is a common default, and people may read it.",
            "AICPA TSC C1.2; 45 CFR 164.316(b)",
            ("fact:retention_days",),
            each_service=True,
        ),
        Item(
            "retention-reduced",
            "Is zero or short retention agreed and switched on for our account?",
            "Most plans can shorten it; few do so by themselves.",
            "AICPA TSC C1.2",
            ("fact:zero_retention", "fact:retention_days"),
            each_service=True,
        ),
        Item(
            "terms-in-writing",
            "Do training and retention stand in the BAA, the DPA or another signed paper?",
            "A web page changes; a contract does not without us.",
            "45 CFR 164.504(e)(2); GDPR Art. 28(3)",
            ("baa", "dpa"),
        ),
        Item(
            "dpa-signed",
            "Is a data processing agreement in force where personal data of others is sent?",
            "GDPR asks for it whether or not HIPAA applies.",
            "GDPR Art. 28(3)",
            ("dpa", "fact:gdpr_dpa"),
        ),
        Item(
            "private-deployment",
            "Where our policy bars shared infrastructure, is a private deployment in use?",
            "A private endpoint or our own network takes other tenants and the internet away.",
            "AICPA TSC CC6.6, CC6.7",
            ("fact:private_endpoint",),
            each_service=True,
        ),
    ),
)

ENCRYPTION = Section(
    "encryption",
    "Encryption",
    "On the way, at rest, and in whose hands the keys are.",
    (
        Item(
            "tls-minimum",
            "Is TLS 1.2 the least that the endpoint accepts?",
            "PHI on the way has to be protected from being read and changed.",
            "45 CFR 164.312(e)(1), (e)(2)(ii); NIST SP 800-52r2",
            ("fact:tls_minimum",),
            each_service=True,
        ),
        Item(
            "tls-fallback",
            "Was it tried that 1.0 and 1.1 are refused, and is 1.3 on offer?",
            "A server that still speaks old versions can be talked down to them.",
            "NIST SP 800-52r2; RFC 8996",
            ("fact:tls_minimum",),
            each_service=True,
        ),
        Item(
            "at-rest",
            "Is what is stored encrypted with AES-256?",
            "Encrypted data that is lost is not a reportable breach.",
            "45 CFR 164.312(a)(2)(iv), 164.402",
            ("fact:encryption_at_rest",),
            each_service=True,
        ),
        Item(
            "at-rest-copies",
            "Does that hold for stored logs, cached prompts and completions, files and backups?",
            "The main store is the one that everybody encrypts.",
            "45 CFR 164.312(a)(2)(iv); AICPA TSC CC6.1",
            ("fact:encryption_at_rest",),
            each_service=True,
        ),
        Item(
            "keys-managed",
            "Is key management known, and can we bring our own keys where we need to?",
            "Keys of the vendor are acceptable; our own let us end its access.",
            "AICPA TSC CC6.1; NIST SP 800-57",
            ("fact:byok",),
            each_service=True,
        ),
        Item(
            "keys-rotation",
            "Are rotation and the loss of keys settled: who, how often, and what then stops?",
            "Our own keys are our own work: nobody else rotates them.",
            "NIST SP 800-57; AICPA TSC CC6.1",
            ("fact:byok",),
        ),
    ),
)

LOGGING = Section(
    "logging",
    "Audit logging",
    "What happened to PHI can be told later, by the vendor's logs and by ours.",
    (
        Item(
            "log-calls",
            "Does the vendor log each call with time, identity and metadata, and can we get it?",
            "Audit controls have to record and let us examine activity.",
            "45 CFR 164.312(b); AICPA TSC CC7.2",
            ("fact:access_logs",),
            each_service=True,
        ),
        Item(
            "log-content",
            "Do we know whether the vendor logs content, and who may read it there?",
            "Most log that a call was made, not what was sent; the others hold PHI in their logs.",
            "45 CFR 164.312(b), 164.502(b)",
            ("fact:content_logs",),
            each_service=True,
        ),
        Item(
            "log-retention",
            "Are logs kept for six years, by the vendor or by us?",
            "Documentation is kept six years; for raw logs that is our own policy, not HHS's word.",
            "45 CFR 164.316(b)(2)(i)",
            ("fact:log_retention_control",),
            each_service=True,
        ),
        Item(
            "log-integrity",
            "Would it show if a log was changed or a part was taken out?",
            "A log that anyone can edit proves nothing.",
            "45 CFR 164.312(c)(1); AICPA TSC CC7.2",
        ),
        Item(
            "log-before",
            "Is our own record written before each call rather than shipped in batches later?",
            "Between call and batch there is a time in which PHI was sent and nothing says so.",
            "45 CFR 164.312(b)",
        ),
        Item(
            "log-reconstruct",
            "Can we tell what was done with which PHI even where no answer is kept?",
            "Keeping nothing is no defence: after a breach we have to say what was touched.",
            "45 CFR 164.312(b), 164.404, 164.410",
        ),
        Item(
            "log-access",
            "Is reading the logs limited to those who need it, and is it logged itself?",
            "Prompts and outputs in a log are PHI for whoever can open it.",
            "45 CFR 164.312(a)(1), 164.308(a)(4)",
        ),
        Item(
            "controls-first",
            "Were these controls in place before the first call with PHI?",
            "Added later they cost months, and what happened before stays without a record.",
            "AICPA TSC CC8.1; 45 CFR 164.308(a)(1)",
        ),
    ),
)

SECTIONS: tuple[Section, ...] = (BAA, SOC2, PLACE, ENCRYPTION, LOGGING)
BY_CODE: dict[str, Section] = {section.code: section for section in SECTIONS}
ITEMS: dict[str, tuple[Section, Item]] = {
    item.code: (section, item) for section in SECTIONS for item in section.items
}

# An item, and the service it is asked of; None where it is asked of the vendor.
Asked = tuple[str, int | None]


def asked(services: Iterable[int], section: str = "") -> list[Asked]:
    """Everything to be answered for these services (ids), in order; of one section if named."""
    ids = list(services)
    found: list[Asked] = []
    for each in SECTIONS:
        if section in ("", each.code):
            for item in each.items:
                found += (
                    [(item.code, pk) for pk in ids] if item.each_service else [(item.code, None)]
                )
    return found


def unanswered(
    services: Iterable[int], answered: Collection[Asked], section: str = ""
) -> list[Asked]:
    """What is left to answer, in order."""
    return [each for each in asked(services, section) if each not in answered]
