"""What two reports of Larkspur Speech say line by line, reviewed as in the workbench."""

from __future__ import annotations

from portal.demo.acting import Company, acting
from portal.demo.register_plans import READ_WHOLE, ReportPlan
from vendors.models import (
    AssuranceReport,
    Cuec,
    ReportCondition,
    ReportException,
    ReportScope,
    Service,
    Subservice,
)
from vendors.services.report_reviews import Parts, Verdict, begin_draft, finish_review

KEYS = "User entities revoke the API keys of people who leave without delay."
RETENTION = "User entities choose how long their transcripts are kept."
INCIDENTS = "User entities tell Larkspur of security incidents that concern their accounts."
USERS = "User entities review the list of their users every quarter."

# By the last day of the report's period: the later one repeats an exception of the earlier.
EXCEPTIONS = {
    -501: (
        ("LAC-07", "CC6.2", "Access of 1 of 25 people who left was removed late.", 1, 25, "41"),
        ("LBK-02", "A1.2", "A test of restoring a backup was not documented.", 1, 4, "47"),
    ),
    -135: (
        ("LAC-07", "CC6.2", "Access of 2 of 25 people who left was removed late.", 2, 25, "44"),
        ("LCM-11", "CC8.1", "The peer review of 1 of 40 changes was not kept.", 1, 40, "51"),
        ("LRA-03", "CC3.2", "The yearly risk assessment came six weeks late.", 1, 1, "53"),
    ),
}
CUECS = {
    -501: ((KEYS, "in_place"), (RETENTION, "in_place"), (INCIDENTS, "partly")),
    -135: (
        (KEYS, "in_place"),
        (RETENTION, "in_place"),
        (INCIDENTS, "partly"),
        (USERS, "not_assessed"),
    ),
}
OUR_CONTROLS = {
    KEYS: "Offboarding list of the people team, closed within one working day",
    RETENTION: "Retention is set to 14 days in the console",
    INCIDENTS: "Incident plan, section 4; Larkspur's contact is not in it yet",
}


def review_whole(
    alder: Company, plan: ReportPlan, report: AssuranceReport, services: list[Service]
) -> None:
    """Record a report with its lines and our verdict at once, on the day of the review."""
    assert plan.reviewed is not None
    reviewer, on = alder.second_officer, alder.day(plan.reviewed)
    report.pages = {"kind": 1, "period": 1, "auditor": 1, "opinion": 1}
    with acting(reviewer, alder.moment(plan.reviewed, 11)):
        draft = begin_draft(report.vendor, by=reviewer, document=report.document)
        scopes = [ReportScope(service=service, page="6") for service in services]
        parts = Parts(
            scopes=scopes,
            exceptions=_exceptions(plan),
            subservices=_subservices(alder),
            cuecs=_cuecs(alder, plan, report),
        )
        finish_review(draft, report, parts, _verdict(alder, plan), by=reviewer, on=on)


def _exceptions(plan: ReportPlan) -> list[ReportException]:
    return [
        ReportException(
            control=control,
            criterion=criterion,
            failed=failed,
            sample_failed=n,
            sample_size=of,
            response="Management has changed the procedure and tells its people of it.",
            relevant=control != "LRA-03",
            compensating="Our keys are rotated every 90 days" if control == "LAC-07" else "",
            disposition="compensated" if control == "LAC-07" else "accepted",
            page=page,
        )
        for control, criterion, failed, n, of, page in EXCEPTIONS[plan.end]
    ]


def _subservices(alder: Company) -> list[Subservice]:
    """The hosting is carved out; its own report stands in the register."""
    hosting = AssuranceReport.objects.standing().filter(vendor=alder.vendors["amazon-web-services"])
    return [
        Subservice(
            name="Amazon Web Services",
            function="hosting and storage of recordings",
            method=Subservice.Method.CARVE_OUT,
            own_report=hosting.order_by("-period_end").first(),
            page="35",
        ),
        Subservice(
            name="Dellwood Transcribers",
            function="people who correct transcripts",
            method=Subservice.Method.INCLUSIVE,
            needs_own_report=False,
            page="36",
        ),
    ]


def _cuecs(alder: Company, plan: ReportPlan, report: AssuranceReport) -> list[Cuec]:
    """Those of the report, with the entry of the year before where it reads the same."""
    earlier = {cuec.text: cuec for cuec in Cuec.objects.filter(report__vendor=report.vendor)}
    return [
        Cuec(
            reference=f"CUEC-{number}",
            text=text,
            page="38",
            state=state,
            our_control=OUR_CONTROLS.get(text, ""),
            owner=alder.officer if text in OUR_CONTROLS else None,
            carried_from=earlier.get(text),
        )
        for number, (text, state) in enumerate(CUECS[plan.end], start=1)
    ]


def _verdict(alder: Company, plan: ReportPlan) -> Verdict:
    if plan.end != max(READ_WHOLE["larkspur-speech"]):
        return Verdict(plan.review, plan.note)
    condition = ReportCondition(
        text="Larkspur shows that people who leave lose their access on their last day.",
        due_on=alder.day(20),
        owner=alder.officer,
    )
    return Verdict(AssuranceReport.Review.CONDITIONS, "", None, [condition])
