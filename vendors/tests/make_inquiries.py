"""Plain functions that make questionnaires, inquiries and answers for tests."""

from __future__ import annotations

import datetime as dt
from itertools import count

from vendors.models import Inquiry, Question, Questionnaire
from vendors.services.answering import Given, save_answers, submit
from vendors.services.inquiries import issue_link, send_inquiry
from vendors.services.questionnaires import draft_questionnaire, publish_questionnaire
from vendors.tests import make

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
_number = count(1)

TRAINING = {
    "section": "Use",
    "code": "T1",
    "text": "Do you train on what we send?",
    "kind": "yes_no",
    "dimension": "training_use",
    "mapping": {"no": "no", "yes": "yes"},
    "takes_document": True,
}
HOW = {
    "section": "Use",
    "code": "T2",
    "text": "Why do you?",
    "kind": "text",
    "shown_if": {"code": "T1", "values": ["yes"]},
}
DAYS = {
    "section": "Keeping",
    "code": "R1",
    "text": "For how many days is it kept?",
    "kind": "number",
    "dimension": "retention_days",
    "mapping": {"*": "days"},
}
PAPER = {
    "section": "Keeping",
    "code": "R2",
    "text": "Attach the policy.",
    "kind": "file",
    "required": False,
}
QUESTIONS = (TRAINING, HOW, DAYS, PAPER)


def draft(*questions: dict, **fields) -> Questionnaire:
    """A draft with these questions, or with the four above."""
    fields = {"slug": f"set-{next(_number)}", "title": "Short set", **fields}
    rows = [Question(**question) for question in questions or QUESTIONS]
    return draft_questionnaire(Questionnaire(**fields), rows, by=None, on=make.TODAY)


def published(*questions: dict, **fields) -> Questionnaire:
    return publish_questionnaire(draft(*questions, **fields), on=make.TODAY)


def inquiry(of: Questionnaire | None = None, *, at: dt.datetime = NOON, **fields) -> Inquiry:
    """An inquiry about a service, sent at `at`, that stands for ten days."""
    vendor = fields.pop("vendor", None) or make.vendor()
    service = fields.pop("service", None) or make.service(vendor, facts=False)
    row = Inquiry(
        questionnaire=of or published(),
        vendor=vendor,
        service=service,
        contact="trust@vendor.example",
        expires_at=fields.pop("expires_at", at + dt.timedelta(days=10)),
    )
    return send_inquiry(row, by=fields.pop("by", None) or make.person(), at=at)


def linked(**fields) -> tuple[Inquiry, str]:
    """An inquiry and the secret of its link."""
    at = fields.get("at", NOON)
    made = inquiry(**fields)
    token = issue_link(made, at=at)
    made.refresh_from_db()
    return made, token


def submitted(answers: dict[str, object] | None = None, **fields) -> Inquiry:
    """An inquiry that the vendor has answered and submitted."""
    at = fields.get("at", NOON)
    made = inquiry(**fields)
    values = answers or {"T1": "no", "R1": "30"}
    save_answers(made, {code: Given(value) for code, value in values.items()}, at=at)
    submit(made, at=at)
    made.refresh_from_db()
    return made
