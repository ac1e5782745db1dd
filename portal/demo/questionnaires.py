"""Two questionnaires of the demonstration: one answered and under review, one just sent."""

from __future__ import annotations

import datetime as dt

from portal.demo.acting import Company, acting
from portal.demo.knowing import known_at
from vendors.models import Answer, Inquiry, Questionnaire
from vendors.services.answering import Given, save_answers, sheet_of, submit
from vendors.services.inquiries import issue_link, note_opening, send_inquiry
from vendors.services.inquiry_reviews import review_answer
from vendors.services.questionnaires import load_own_sets

SET = "ai-vendor"
# Days from the day of the demonstration.
LOADED, SENT, OPENED, SUBMITTED, REVIEWED, SENT_AGAIN = -90, -20, -17, -6, -2, -5
ANSWERED_BY, SENT_TO = "quillwork-scribe", "fernhill-insights"

ANSWERS: dict[str, object] = {
    "BAA-1": "on_request",
    "BAA-2": "Quillwork Scribe and its API, version 2",
    "BAA-3": "scribe-preview and every other preview",
    "BAA-4": "yes",
    "BAA-5": "Sharing of notes is switched off for the account.",
    "BAA-6": "30",
    "DPA-1": "yes",
    "SOC-1": "type1",
    "SOC-9": None,  # set from the day of the demonstration
    "TRN-1": "no",
    "TRN-3": "no",
    "RET-1": "days",
    "RET-2": "30",
    "RET-3": "approval",
    "RET-4": "Uploaded files, until they are deleted",
    "HUM-1": "abuse",
    "HUM-2": "By ticket, for eight hours, with a log that the customer can ask for",
    "HUM-3": "yes",
    "RES-1": "regional",
    "RES-2": "us-east-1, us-west-2",
    "RES-3": "United States",
    "RES-4": "United States, Ireland",
    "RES-5": "no",
    "SUB-1": "yes",
    "SUB-2": "https://quillwork.example/subprocessors",
    "SUB-3": "14",
    "SUB-4": "yes",
    "ENC-1": "1.2",
    "ENC-2": "aes-256",
    "ENC-3": "enterprise",
    "ENC-4": "Content cannot be read any more within an hour.",
    "ACC-1": "yes",
    "ACC-2": "yes",
    "ACC-3": "By role, reviewed each quarter",
    "LOG-1": "calls",
    "LOG-2": "opt_in",
    "LOG-3": "limited",
    "NET-1": "no",
    "INC-1": "72",
    "INC-2": "no",
    "MOD-1": "90",
    "MOD-2": "no",
    "MOD-3": "Previews are outside the BAA.",
    "SAF-1": "Classifiers on each call; what they flag is kept for 30 days.",
    "END-1": "30",
    "END-2": "yes",
    "CON-1": None,
    "CON-2": "yes",
}
VERDICTS = {
    "BAA-1": ("accepted", ""),
    "DPA-1": ("accepted", ""),
    "TRN-1": ("accepted", ""),
    "RET-2": ("accepted", ""),
    "ENC-1": ("accepted", ""),
    "RES-4": ("clarify", "Does support from Ireland see content, or only metadata?"),
    "CON-1": ("rejected", "The plan has to be tested once a year."),
}


def ask_vendors(alder: Company) -> None:
    """Send both, answer one of them, and begin its review."""
    with known_at(alder.moment(LOADED, 8)):
        load_own_sets(on=alder.day(LOADED))
    answered = _send(alder, ANSWERED_BY, SENT)
    note_opening(answered, peer="203.0.113.20", at=alder.moment(OPENED, 15))
    days = {"SOC-9": alder.day(120).isoformat(), "CON-1": alder.day(-430).isoformat()}
    given = {code: Given(value or days[code]) for code, value in ANSWERS.items()}
    save_answers(answered, given, at=alder.moment(OPENED, 16))
    submit(answered, at=alder.moment(SUBMITTED, 10))
    answers = sheet_of(answered).answers
    with acting(alder.officer, alder.moment(REVIEWED, 11)):
        for code, (verdict, note) in VERDICTS.items():
            _review(alder, answers[code], verdict, note)
    waiting = _send(alder, SENT_TO, SENT_AGAIN)
    note_opening(waiting, peer="198.51.100.7", at=alder.moment(SENT_AGAIN + 1, 9))


def _send(alder: Company, slug: str, day: int) -> Inquiry:
    service = alder.services[slug]
    at = alder.moment(day, 10)
    with acting(alder.officer, at):
        inquiry = Inquiry(
            questionnaire=Questionnaire.objects.get(slug=SET, state="published"),
            vendor=service.vendor,
            service=service,
            contact=f"trust@{service.vendor.slug}.example",
            expires_at=at + dt.timedelta(days=28),
        )
        send_inquiry(inquiry, by=alder.officer, at=at)
        # Nobody is told this secret: the link in the demonstration opens nothing.
        issue_link(inquiry, at=at)
    return Inquiry.objects.select_related("questionnaire", "vendor", "service").get(pk=inquiry.pk)


def _review(alder: Company, answer: Answer, verdict: str, note: str) -> None:
    review_answer(answer, verdict, note=note, by=alder.officer, on=alder.day(REVIEWED))
