"""What Alder Grove Health does about its agreements: clauses read, renewals, ends, proofs."""

from __future__ import annotations

from collections.abc import Iterable

from portal.demo.acting import Company, acting
from portal.demo.papers import paper
from vendors.clauses import checklist
from vendors.models import Agreement, AgreementRequest, CoveredScope
from vendors.services.agreements import amend_agreement, record_agreement, terminate_agreement
from vendors.services.clauses import ClauseAnswer, read_clauses
from vendors.services.requests import move_request, save_request

# What the papers say where it is not simply there: clause, reading, page, days, note.
WEAK = (
    ClauseAnswer("incident_reports", "weak", "5", None, "Names no days."),
    ClauseAnswer("subcontractors", "weak", "6", None, "Binds affiliates, not all subprocessors."),
    ClauseAnswer("books", "absent"),
    ClauseAnswer("deidentification", "present", "9", None, "May de-identify to improve services."),
    ClauseAnswer("offshore", "absent"),
)
GOOD = (
    ClauseAnswer("incident_reports", "present", "4", 5),
    ClauseAnswer("breach_notice", "present", "4", 30),
    ClauseAnswer("return_or_destroy", "present", "8", 30),
    ClauseAnswer("deidentification", "absent", "3", None, "Barred in so many words."),
)
BAA, DPA = Agreement.Kind.BAA, Agreement.Kind.DPA


def sign_and_read(alder: Company) -> None:
    """Read clauses, amend, terminate and ask for renewals, after all papers are recorded."""
    _read(alder, "snowflake", BAA, -300, GOOD)
    _sandbox_ends(alder)
    _read(alder, "amazon-web-services", BAA, -95, GOOD)
    _read(alder, "openai", BAA, -80, WEAK)
    _read(alder, "openai", DPA, -80, ())
    _amend_snowflake(alder)
    _renewals(alder)


def _newest(alder: Company, vendor: str, kind: str) -> Agreement:
    found = alder.vendors[vendor].agreements.filter(kind=kind, amended_by__isnull=True, account="")
    return found.select_related("vendor").get()


def _read(
    alder: Company, vendor: str, kind: str, day: int, otherwise: Iterable[ClauseAnswer]
) -> None:
    """An officer reads a paper: each clause is there as it should be, but for `otherwise`."""
    said = {answer.code: answer for answer in otherwise}
    answers = [
        said.get(clause.code)
        or ClauseAnswer(clause.code, "absent" if clause.wish == "unwelcome" else "present", "4")
        for clause in checklist(kind)
    ]
    with acting(alder.officer, alder.moment(day, 10)):
        agreement = _newest(alder, vendor, kind)
        read_clauses(agreement, answers, by=alder.officer, on=alder.day(day))


def _amend_snowflake(alder: Company) -> None:
    """The vendor reports breaches sooner; what was read of the first version waits for a look."""
    with acting(alder.officer, alder.moment(-45, 11)):
        old = _newest(alder, "snowflake", BAA)
        new = Agreement(
            counterparty=old.counterparty,
            our_role=old.our_role,
            signed_by_us="Olivia Hart",
            signed_by_vendor="Demonstration signatory",
            signed_on=alder.day(-50),
            vendor_signed_on=alder.day(-48),
            starts_on=alder.day(-45),
            ends_on=old.ends_on,
            notice_days=60,
            breach_notice_days=10,
            document=paper(
                f"{old}, version 2",
                {"Amends": old.reference, "Breach notice": "within 10 days of discovery"},
                name=f"{old.reference}-v2.pdf",
                by=alder.officer,
            ),
            owner=alder.officer,
        )
        covers = [CoveredScope(service=scope.service) for scope in old.scopes.all()]
        amend_agreement(old, new, covers, by=alder.officer)


def _sandbox_ends(alder: Company) -> None:
    """A trial account had a BAA of its own; it ended, and the vendor owes the proof."""
    vendor = alder.vendors["snowflake"]
    with acting(alder.officer, alder.moment(-260, 16)):
        trial = Agreement(
            vendor=vendor,
            kind=BAA,
            reference=f"BAA-{alder.day(-260).year}-012",
            account="trial-4410",
            our_role=Agreement.OurRole.COVERED_ENTITY,
            counterparty=vendor.legal_name,
            starts_on=alder.day(-260),
            notice_days=30,
            breach_notice_days=30,
            owner=alder.officer,
        )
        services = [each for each in alder.services.values() if each.vendor_id == vendor.pk]
        covers = [CoveredScope(service=each, account="trial-4410") for each in services]
        record_agreement(trial, covers, by=alder.officer)
    with acting(alder.officer, alder.moment(-33, 15)):
        terminate_agreement(
            trial,
            on=alder.day(-32),
            reason="The trial is over; the account is closed.",
            return_due_on=alder.day(-2),
        )


def _renewals(alder: Company) -> None:
    """One renewal is being negotiated, another was only asked for, one BAA is still needed."""
    _request(alder, "openai", BAA, (-28, 20), ("requested", "negotiating"))
    _request(alder, "fernhill-analytics", DPA, (-20, 5), ("requested",))
    _request(alder, "fernhill-analytics", BAA, (-6, 60), ())


def _request(
    alder: Company, vendor: str, kind: str, days: tuple[int, int], steps: Iterable[str]
) -> None:
    """A request opened on the first of `days` and due on the second, taken through `steps`."""
    opened, due = days
    with acting(alder.officer, alder.moment(opened, 9)):
        signed = alder.vendors[vendor].agreements.filter(kind=kind, amended_by__isnull=True)
        asked = AgreementRequest(
            vendor=alder.vendors[vendor],
            kind=kind,
            owner=alder.officer,
            opened_on=alder.day(opened),
            due_on=alder.day(due),
            contact=f"legal@{vendor}.example",
            renews=signed.first(),
        )
        services = [s for s in alder.services.values() if s.vendor.slug == vendor]
        save_request(asked, services)
    for number, step in enumerate(steps, start=1):
        with acting(alder.officer, alder.moment(opened + 5 * number, 10)):
            move_request(asked, step)
