"""What the officers of Alder Grove Health went through by the checklist, and whom they left."""

from __future__ import annotations

from typing import Any

from countersign.canonical import digest
from policies.services.offboarding import leave_vendor
from portal.demo.acting import Company, acting
from portal.demo.papers import paper
from vendors.checklist import ITEMS, SECTIONS, asked
from vendors.models import (
    Fact,
    Offboarding,
    OffboardingStep,
    ReviewItem,
    Service,
    Vendor,
    VendorReview,
)
from vendors.services.facts import assign_facts, record_fact
from vendors.services.offboarding import do_step, start_offboarding
from vendors.services.pointers import Known, Pointer
from vendors.services.register import change_vendor_state, retire_service, review_vendor
from vendors.services.reviews import SignOff, answer_items, finish_review, start_review
from vendors.services.snapshots import snapshot

REVIEWED, REVIEWED_DAY = "amazon-web-services", -9
BEGUN, BEGUN_DAY = "openai", -1
LEFT, KNOWN_DAY, LEAVING_DAY, LEFT_DAY = "marlow-text", -380, -60, -31
# What the register cannot say, in the words of who asked around.
SAID = {
    "baa-deidentified": ("not_applicable", "Nothing is sent as de-identified."),
    "soc2-type1-plan": ("not_applicable", "A Type II is held."),
    "log-integrity": ("yes", "Our own records are append-only; changes of them are refused."),
    "log-before": ("yes", "The record is written before the call, by the gate."),
    "log-reconstruct": ("yes", "By the calls of the integration, each with its digest."),
    "log-access": ("yes", "Role and grant; each reading of records is recorded."),
    "controls-first": ("yes", "The first key was made after the approval."),
}
NOTES = {"partly": "To be asked again.", "unknown": "Asked the vendor; no answer yet."}


def record_reviews(alder: Company) -> None:
    """Record reviews, an offboarding and who looks at which facts; the papers are there."""
    _leave(alder)
    _finished(alder)
    _begun(alder)
    _assign(alder)


def _answers(alder: Company, vendor: Vendor, day: int, sections: int) -> list[ReviewItem]:
    """Answers to the first sections, as an officer reads them off what the register says."""
    on = alder.day(day)
    services = list(vendor.services.offered(on).prefetch_related("regions").order_by("name"))
    known, by_id = Known(vendor, services, on), {each.pk: each for each in services}
    wanted = {section.code for section in SECTIONS[:sections]}
    return [
        _answer(known, code, by_id.get(pk or 0))
        for code, pk in asked(by_id)
        if ITEMS[code][0].code in wanted
    ]


def _answer(known: Known, code: str, service: Service | None) -> ReviewItem:
    pointers = known.pointers(ITEMS[code][1], service)
    answer, note = SAID.get(code, ("", ""))
    answer = answer or _read(pointers)
    named = next((each.evidence for each in pointers if each.evidence), "")
    kind, _, number = named.partition(":")
    evidence: dict[str, Any] = {f"{kind}_id": int(number)} if kind else {}
    note = note or NOTES.get(answer, "")
    return ReviewItem(code=code, service=service, answer=answer, note=note, **evidence)


def _read(pointers: list[Pointer]) -> str:
    kinds = {each.kind for each in pointers}
    if not kinds or kinds == {"bad"}:
        return "unknown"
    return "yes" if kinds == {"ok"} else "partly"


def _finished(alder: Company) -> VendorReview:
    vendor, on = alder.vendors[REVIEWED], alder.day(REVIEWED_DAY)
    with acting(alder.officer, alder.moment(REVIEWED_DAY, 13)):
        review = start_review(vendor, by=alder.officer, on=on)
        answer_items(review, _answers(alder, vendor, REVIEWED_DAY, len(SECTIONS)))
        note = "Papers and terms read again; what is partly answered is no bar to our use."
        signed = SignOff("valid", digest(snapshot(vendor, on)), note=note)
        finish_review(review, signed, by=alder.officer, on=on)
    vendor.refresh_from_db()
    # Since then somebody found in the contract what only a page had said.
    found = Fact(
        service=alder.services["amazon-bedrock"],
        dimension="content_logs",
        value="opt_in",
        grade="contract",
        source="Demonstration: the contract of Alder Grove Health",
        page="9",
    )
    with acting(alder.second_officer, alder.moment(-3, 10)):
        record_fact(found, by=alder.second_officer, on=alder.day(-3))
    return review


def _begun(alder: Company) -> None:
    vendor, who = alder.vendors[BEGUN], alder.second_officer
    with acting(who, alder.moment(BEGUN_DAY, 14)):
        review = start_review(vendor, by=who, on=alder.day(BEGUN_DAY))
        answer_items(review, _answers(alder, vendor, BEGUN_DAY, 2))


def _leave(alder: Company) -> None:
    vendor = alder.vendors[LEFT]
    at = alder.moment(KNOWN_DAY, 15)
    with acting(alder.officer, at):
        who: dict[str, Any] = {"by": alder.officer, "at": at}
        change_vendor_state(vendor, Vendor.State.IN_REVIEW, reason="For letters.", **who)
        review_vendor(vendor, on=alder.day(KNOWN_DAY))
        change_vendor_state(vendor, Vendor.State.APPROVED, reason="Without PHI.", **who)
    at = alder.moment(LEAVING_DAY, 9)
    with acting(alder.officer, at):
        begun = start_offboarding(
            vendor,
            reason="Another vendor does the same with a BAA.",
            planned_last_day=alder.day(LEFT_DAY + 1),
            by=alder.officer,
            at=at,
            on=alder.day(LEAVING_DAY),
        )
    for number, step in enumerate(begun.steps.all()):
        _step(alder, step, LEAVING_DAY + 4 * (number + 1))
    at = alder.moment(LEFT_DAY, 11)
    with acting(alder.officer, at):
        for service in vendor.services.all():
            retire_service(service, on=alder.day(LEFT_DAY))
        leave_vendor(begun, by=alder.officer, at=at, on=alder.day(LEFT_DAY))
    vendor.refresh_from_db()


def _step(alder: Company, step: OffboardingStep, day: int) -> None:
    of_data = step.kind == OffboardingStep.Kind.DATA
    lines = {
        "Of": step.offboarding.vendor.legal_name,
        "Says": "All data of Alder Grove Health was deleted, backups included.",
        "Day": f"{alder.day(day):%-d %B %Y}",
    }
    with acting(alder.officer, alder.moment(day, 10)):
        name = "marlow-certificate.pdf"
        proof = (
            paper("Certificate of destruction", lines, name=name, by=alder.officer)
            if of_data
            else None
        )
        do_step(
            step,
            by=alder.officer,
            on=alder.day(day),
            document=proof,
            disposal=Offboarding.Disposal.DESTROYED if of_data else "",
        )


def _assign(alder: Company) -> None:
    """The second officer reads the stale terms of Snowflake again next week."""
    facts = alder.services["snowflake-cortex"].facts.current(alder.on).filter(grade="contract")
    with acting(alder.officer, alder.moment(-1, 16)):
        assign_facts(
            list(facts),
            assignee=alder.second_officer,
            look_by=alder.day(5),
            by=alder.officer,
            on=alder.day(-1),
        )
