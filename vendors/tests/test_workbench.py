"""A report is reviewed section by section; nothing typed is lost, nothing taken over silently."""

import datetime as dt
import io

import pikepdf
import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from vendors.models import (
    AssuranceReport,
    Cuec,
    Document,
    DocumentReading,
    ReportCondition,
    ReportDraft,
    ReportException,
    Subservice,
)
from vendors.services.assurance import coverage_of
from vendors.services.readings import read_document
from vendors.tests import make
from vendors.tests.soc2_paper import soc2_pdf

OFFICER = (
    "vendors.view_vendor",
    "vendors.view_assurancereport",
    "vendors.add_assurancereport",
    "vendors.review_assurancereport",
    "vendors.view_document",
    "vendors.view_cuec",
)
DAY = dt.date(2026, 11, 20)


@pytest.fixture(autouse=True)
def _private(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "documents"
    settings.PAGE_IMAGE_ROOT = tmp_path / "pages"


@pytest.fixture
def officer(db):
    return make.person(*OFFICER)


@pytest.fixture
def vendor(db):
    made = make.vendor("Larkspur Speech", slug="larkspur", legal_name="Larkspur Speech, Inc.")
    make.service(made, name="Larkspur Transcribe")
    return made


@pytest.fixture
def signed_in(client, officer):
    client.force_login(officer)
    return client


def paper(content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile("report.pdf", content or soc2_pdf(), content_type="application/pdf")


@pytest.fixture
def draft(signed_in, vendor) -> ReportDraft:
    """A review begun with the report, which has been read."""
    url = reverse("vendors:reportdraft-create", args=[vendor.slug])
    answer = signed_in.post(url, {"document": paper()})
    assert answer.status_code == 302
    made = ReportDraft.objects.get()
    read_document(made.document.reading.pk, at=timezone.now())
    return made


def address(draft: ReportDraft, section: str) -> str:
    return reverse("vendors:reportdraft-section", args=[draft.pk, section])


def offers(answer, label: str) -> list:
    return [offer for offer in answer.context["offers"] if offer.label == label]


def rows(*filled: dict, **values) -> dict:
    """A section as a browser posts it: values of its own, and of each row."""
    posted = {"form-TOTAL_FORMS": str(len(filled)), "form-INITIAL_FORMS": "0", **values}
    for number, row in enumerate(filled):
        posted |= {f"form-{number}-{name}": value for name, value in row.items()}
    return posted


GOOD = {
    "report": {
        "kind": "soc2_type2",
        "period_start": "2025-10-01",
        "period_end": "2026-09-30",
        "period_page": "1",
        "issued_on": "2026-10-28",
        "auditor": "Ridgeline Assurance LLP",
        "auditor_page": "4",
    },
    "opinion": {"opinion": "unqualified", "opinion_page": "4"},
    "categories": {"categories": ["security", "availability"], "categories_page": "1"},
    "exceptions": rows(
        {
            "control": "LAC-07",
            "criterion": "CC6.2",
            "failed": "Access was removed late.",
            "sample_failed": "2",
            "sample_size": "25",
            "relevant": "on",
            "disposition": "accepted",
            "page": "44",
        }
    ),
    "subservices": rows(
        {"name": "Dellwood", "method": "inclusive", "function": "hosting", "page": "35"}
    ),
    "cuecs": rows(
        {
            "text": "Users revoke keys.",
            "page": "40",
            "state": "in_place",
            "our_control": "Offboarding list",
        },
        {"text": "Users choose a retention period.", "page": "40", "state": "not_assessed"},
    ),
    "bridges": rows(
        {"covers_from": "2026-10-01", "covers_to": "2026-11-30", "signer": "Head of compliance"}
    ),
    "verdict": rows(
        {"text": "Ask how leavers are handled now.", "due_on": "2027-01-31"},
        review="accept_with_conditions",
    ),
}


def store(client, draft: ReportDraft, section: str, **changes):
    return client.post(address(draft, section), {"action": "save", **GOOD[section], **changes})


def store_all(client, draft: ReportDraft) -> None:
    service = draft.vendor.services.get()
    scope = {f"scope_{service.pk}": "yes", f"page_{service.pk}": "6", "action": "save"}
    client.post(address(draft, "scope"), scope)
    for section in GOOD:
        if section != "verdict":
            assert store(client, draft, section).status_code == 302


def finish(client, draft: ReportDraft, **changes):
    draft.refresh_from_db()
    posted = {"seen": draft.revision, **GOOD["verdict"], **changes, "action": "finish"}
    return client.post(address(draft, "verdict"), posted)


def test_what_the_paper_says_is_proposed_with_page_and_quote(signed_in, draft):
    answer = signed_in.get(address(draft, "report"))
    (period,) = offers(answer, "Period")
    assert (period.text, period.page) == ("1 October 2025 to 30 September 2026", 1)
    assert "October 1, 2025" in period.quote
    assert not period.used
    assert answer.context["form"]["period_start"].value() is None


def test_using_a_proposal_fills_the_form_and_keeps_what_was_typed(signed_in, draft):
    (auditor,) = offers(signed_in.get(address(draft, "report")), "Auditor")
    typed = {"as_of": "not a day", "use": auditor.key}
    answer = signed_in.post(address(draft, "report"), typed)
    form = answer.context["form"]
    assert form["auditor"].value() == "Ridgeline Assurance LLP"
    assert form["auditor_page"].value() == str(auditor.page)
    assert form["as_of"].value() == "not a day"
    assert not form.errors
    assert answer.context["viewer"].page == auditor.page
    assert offers(answer, "Auditor")[0].used
    draft.refresh_from_db()
    assert "report" not in draft.answers


def test_a_proposal_is_set_aside_and_taken_back(signed_in, draft):
    (issued,) = offers(signed_in.get(address(draft, "report")), "Auditor's letter")
    answer = signed_in.post(address(draft, "report"), {"aside": issued.key})
    assert offers(answer, "Auditor's letter")[0].aside
    assert offers(signed_in.get(address(draft, "report")), "Auditor's letter")[0].aside
    answer = signed_in.post(address(draft, "report"), {"back": issued.key})
    assert not offers(answer, "Auditor's letter")[0].aside


def test_rows_are_taken_one_by_one_or_those_that_were_chosen(signed_in, draft):
    found = offers(signed_in.get(address(draft, "cuecs")), "CUEC")
    assert len(found) == 4
    posted = rows(use=found[0].key)
    answer = signed_in.post(address(draft, "cuecs"), posted)
    assert [row["text"].value() for row in answer.context["rows"]] == [found[0].values["text"]]
    posted = rows(
        {"text": found[0].values["text"]},
        **{"use-chosen": "1", "chosen": [found[1].key, found[2].key]},
    )
    answer = signed_in.post(address(draft, "cuecs"), posted)
    assert len(answer.context["rows"].forms) == 3
    assert [offer.used for offer in offers(answer, "CUEC")] == [True, True, True, False]


def test_turning_a_page_and_adding_a_row_find_no_fault(signed_in, draft):
    posted = rows({"control": "LAC-07"}, page="7", action="add")
    answer = signed_in.post(address(draft, "exceptions"), posted)
    assert answer.context["viewer"].page == 7
    assert len(answer.context["rows"].forms) == 2
    assert answer.context["rows"].forms[0]["control"].value() == "LAC-07"
    assert b"This field is required" not in answer.content


def test_words_are_found_in_the_paper(signed_in, draft):
    answer = signed_in.post(address(draft, "report"), {"action": "find", "find": "peer review"})
    assert answer.context["hits"]
    assert "peer review" in answer.context["hits"][0].quote


def test_where_a_service_is_named_is_proposed_as_its_scope(signed_in, draft):
    service = draft.vendor.services.get()
    (place, *_) = offers(signed_in.get(address(draft, "scope")), "Service")
    answer = signed_in.post(address(draft, "scope"), {"use": place.key})
    form = answer.context["form"]
    assert form[f"scope_{service.pk}"].value() == "yes"
    assert form[f"page_{service.pk}"].value() == str(place.page)


def test_a_section_that_does_not_check_keeps_its_input(signed_in, draft):
    answer = store(signed_in, draft, "report", period_end="2025-01-01")
    assert answer.status_code == 200
    assert answer.context["form"].errors["period_end"] == ["The period ends before it begins."]
    draft.refresh_from_db()
    assert draft.answers == {}


def test_going_back_and_forth_loses_nothing(signed_in, draft):
    store_all(signed_in, draft)
    for section in ("report", "opinion", "categories"):
        form = signed_in.get(address(draft, section)).context["form"]
        for name, value in GOOD[section].items():
            shown = form[name].value()
            assert (shown if isinstance(value, list) else str(shown)) == value
    answer = signed_in.get(address(draft, "cuecs"))
    assert [row["text"].value() for row in answer.context["rows"]] == [
        "Users revoke keys.",
        "Users choose a retention period.",
    ]


def test_the_finished_review_is_recorded_as_a_whole(signed_in, draft, officer):
    store_all(signed_in, draft)
    answer = finish(signed_in, draft)
    report = AssuranceReport.objects.get()
    assert answer.url == reverse("vendors:report-detail", args=[report.pk])
    assert (report.kind, report.auditor) == ("soc2_type2", "Ridgeline Assurance LLP")
    assert (report.period_start, report.period_end) == (dt.date(2025, 10, 1), dt.date(2026, 9, 30))
    assert report.pages == {"period": 1, "auditor": 4, "opinion": 4, "categories": 1}
    assert (report.review, report.reviewed_by) == ("accept_with_conditions", officer)
    assert report.exception_count == 1
    assert ReportException.objects.get().sample_size == 25
    assert Subservice.objects.get().method == "inclusive"
    assert [c.state for c in Cuec.objects.all()] == ["in_place", "not_assessed"]
    assert [c.assessed_by for c in Cuec.objects.all()] == [officer, None]
    assert report.bridges.get().covers_to == dt.date(2026, 11, 30)
    assert ReportCondition.objects.get().due_on == dt.date(2027, 1, 31)
    assert report.scopes.get().page == "6"
    (covered,) = coverage_of([draft.vendor.services.get()], DAY)
    assert covered.coverage.report_id == report.pk
    page = signed_in.get(answer.url)
    assert page.status_code == 200
    for said in ("LAC-07", "2 of 25", "Dellwood", "Users revoke keys.", "Ask how leavers"):
        assert said in page.text


def test_an_acceptance_with_conditions_names_one(signed_in, draft):
    store_all(signed_in, draft)
    answer = finish(signed_in, draft, **{"form-TOTAL_FORMS": "0"})
    assert "Name at least one condition" in answer.text
    assert not AssuranceReport.objects.exists()


def test_what_is_missing_is_named_and_nothing_is_recorded(signed_in, draft):
    answer = finish(signed_in, draft)
    assert "Not complete yet: Report, Opinion" in answer.text
    assert not AssuranceReport.objects.exists()


def test_what_the_register_refuses_leaves_nothing_behind(signed_in, draft):
    store_all(signed_in, draft)
    letter = {"covers_from": "2026-01-01", "covers_to": "2026-02-01", "signer": "Head"}
    signed_in.post(address(draft, "bridges"), {"action": "save", **rows(letter)})
    answer = finish(signed_in, draft)
    assert "covers these days already" in answer.text
    assert not AssuranceReport.objects.exists()
    assert not Cuec.objects.exists()


def test_another_person_who_stored_the_section_meanwhile_is_named(client, draft, officer):
    other = make.person(*OFFICER)
    client.force_login(other)
    store(client, draft, "opinion")
    client.force_login(officer)
    answer = store(client, draft, "opinion", opinion="qualified", revision="0")
    assert f"{other} stored this at" in answer.text
    assert answer.context["form"]["opinion"].value() == "qualified"
    draft.refresh_from_db()
    assert draft.answers["opinion"]["values"]["opinion"] == "unqualified"
    again = store(client, draft, "opinion", opinion="qualified", revision="1")
    assert again.status_code == 302


def test_a_review_that_changed_meanwhile_is_looked_at_before_it_is_recorded(client, draft, officer):
    client.force_login(officer)
    store_all(client, draft)
    draft.refresh_from_db()
    seen = draft.revision
    other = make.person(*OFFICER)
    client.force_login(other)
    store(client, draft, "opinion", opinion="adverse", revision="1")
    client.force_login(officer)
    answer = client.post(
        address(draft, "verdict"), {**GOOD["verdict"], "action": "finish", "seen": seen}
    )
    assert "has changed the review since" in answer.text
    assert not AssuranceReport.objects.exists()


def test_a_review_that_another_person_finished_leads_to_what_was_recorded(signed_in, draft):
    store_all(signed_in, draft)
    finish(signed_in, draft)
    report = AssuranceReport.objects.get()
    for answer in (signed_in.get(address(draft, "report")), store(signed_in, draft, "opinion")):
        assert answer.url == reverse("vendors:report-detail", args=[report.pk])
    url = reverse("vendors:reportdraft-discard", args=[draft.pk])
    assert signed_in.post(url).url == reverse("vendors:report-detail", args=[report.pk])
    assert ReportDraft.objects.exists()


def test_a_recorded_report_is_taken_up_with_all_it_says(signed_in, draft):
    store_all(signed_in, draft)
    finish(signed_in, draft)
    first = AssuranceReport.objects.get()
    answer = signed_in.post(reverse("vendors:report-workbench", args=[first.pk]))
    again = ReportDraft.objects.open().get()
    assert answer.url == address(again, "report")
    signed_in.post(reverse("vendors:report-workbench", args=[first.pk]))
    assert ReportDraft.objects.open().count() == 1
    store(signed_in, again, "opinion", opinion="qualified", revision="1")
    assert finish(signed_in, again).status_code == 302
    second = AssuranceReport.objects.get(replaces=first)
    assert second.opinion == "qualified"
    assert second.document == first.document
    assert second.bridges.count() == second.exceptions.count() == 1
    assert [c.text for c in second.cuecs.all()] == [c.text for c in first.cuecs.all()]
    assert signed_in.post(reverse("vendors:report-workbench", args=[first.pk])).url == reverse(
        "vendors:report-detail", args=[first.pk]
    )


def test_last_years_answers_are_proposed_for_the_same_text(signed_in, draft, officer):
    before = make.report(
        draft.vendor,
        by=officer,
        period_start=dt.date(2024, 10, 1),
        period_end=dt.date(2025, 9, 30),
    )
    said = "User entities are responsible for choosing the retention period of their transcripts."
    known = Cuec.objects.create(
        report=before,
        text=said.upper(),
        state="in_place",
        our_control="30 days",
        assessed_on=DAY,
        assessed_by=officer,
    )
    gone = Cuec.objects.create(report=before, text="Users make their own backups.")
    store(signed_in, draft, "report")
    found = offers(signed_in.get(address(draft, "cuecs")), "CUEC")
    same = next(o for o in found if o.values["text"] == said)
    assert (same.values["our_control"], same.values["carried_from"]) == ("30 days", known.pk)
    assert found[-1].values["text"] == gone.text
    assert found[-1].page is None
    answer = signed_in.post(address(draft, "cuecs"), rows(use=same.key))
    row = answer.context["rows"].forms[0]
    assert row["our_control"].value() == "30 days"
    store_all(signed_in, draft)
    verdict = signed_in.get(address(draft, "verdict"))
    assert "Follows without a gap" in verdict.text


def test_a_letter_is_kept_at_once_and_only_ones_own_can_be_named(signed_in, draft, officer):
    foreign = Document.objects.create(
        name="other.pdf", sha256="0" * 64, size_bytes=1, content_type="application/pdf"
    )
    letter = {"covers_from": "2026-10-01", "covers_to": "2026-11-30", "signer": "Head"}
    blank = pikepdf.new()
    blank.add_blank_page()
    buffer = io.BytesIO()
    blank.save(buffer)
    posted = rows(letter, letter | {"document_id": str(foreign.pk)}, page="3")
    answer = signed_in.post(
        address(draft, "bridges"), posted | {"form-0-document": paper(buffer.getvalue())}
    )
    kept = answer.context["rows"].forms[0]["document_id"].value()
    assert Document.objects.get(pk=kept).uploaded_by == officer
    store_all(signed_in, draft)
    two = rows(
        letter | {"document_id": kept},
        letter
        | {"covers_from": "2026-12-01", "covers_to": "2026-12-31", "document_id": foreign.pk},
    )
    signed_in.post(address(draft, "bridges"), {"action": "save", "revision": "1", **two})
    finish(signed_in, draft)
    letters = AssuranceReport.objects.get().bridges.all()
    assert [each.document_id for each in letters] == [int(kept), None]


def encrypted() -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    buffer = io.BytesIO()
    document.save(buffer, encryption=pikepdf.Encryption(owner="o", user="u"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [(encrypted(), "encrypted"), (b"MZ", "not a PDF"), (b"%PDF-1.7 no", "cannot be read")],
    ids=["encrypted", "program", "broken"],
)
def test_a_paper_that_is_refused_says_why_and_keeps_the_input(signed_in, draft, content, said):
    answer = signed_in.post(
        address(draft, "report"),
        {**GOOD["report"], "action": "save", "document": paper(content)},
    )
    assert said in answer.text
    assert answer.context["form"]["auditor"].value() == "Ridgeline Assurance LLP"
    assert Document.objects.count() == 1


def test_a_scan_is_told_and_the_review_goes_on_by_hand(signed_in, vendor):
    blank = pikepdf.new()
    blank.add_blank_page()
    buffer = io.BytesIO()
    blank.save(buffer)
    url = reverse("vendors:reportdraft-create", args=[vendor.slug])
    signed_in.post(url, {"document": paper(buffer.getvalue())})
    draft = ReportDraft.objects.get()
    assert "is being read" in signed_in.get(address(draft, "report")).text
    read_document(draft.document.reading.pk, at=timezone.now())
    assert "holds no text" in signed_in.get(address(draft, "report")).text
    store_all(signed_in, draft)
    assert finish(signed_in, draft).status_code == 302


def test_a_file_that_is_gone_is_told_as_not_read(signed_in, draft):
    reading = DocumentReading.objects.get()
    draft.document.file.delete(save=False)
    signed_in.post(address(draft, "report"), {"action": "read"})
    read_document(reading.pk, at=timezone.now())
    assert "could not be read" in signed_in.get(address(draft, "report")).text


def test_a_page_is_shown_as_a_picture_and_the_person_noted_once(signed_in, draft):
    url = reverse("vendors:document-page", args=[draft.document.pk, 2])

    before = LogEntry.objects.filter(action=LogEntry.Action.ACCESS).count()
    first, second = signed_in.get(url), signed_in.get(url)
    assert first.content == second.content
    assert first.content.startswith(b"\x89PNG")
    assert first["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert LogEntry.objects.filter(action=LogEntry.Action.ACCESS).count() == before + 1
    gone = reverse("vendors:document-page", args=[draft.document.pk, 999])
    assert signed_in.get(gone).status_code == 404


def test_the_whole_paper_opens_in_no_frame_of_another_site(signed_in, draft):
    answer = signed_in.get(reverse("vendors:document-view", args=[draft.document.pk]))
    assert answer["Content-Disposition"] == "inline"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert b"".join(answer.streaming_content).startswith(b"%PDF")


@pytest.mark.parametrize("missing", ["add_assurancereport", "review_assurancereport"])
def test_who_may_not_record_and_review_sees_no_workbench(client, draft, missing):
    person = make.person(*(p for p in OFFICER if not p.endswith(missing)))
    client.force_login(person)
    assert client.get(address(draft, "report")).status_code == 403
    assert store(client, draft, "opinion").status_code == 403
    url = reverse("vendors:reportdraft-create", args=[draft.vendor.slug])
    assert client.get(url).status_code == 403


def test_a_discarded_review_leaves_the_report_as_it_was(signed_in, vendor, officer):
    report = make.report(vendor, by=officer)
    signed_in.post(reverse("vendors:report-workbench", args=[report.pk]))
    draft = ReportDraft.objects.get()
    signed_in.post(reverse("vendors:reportdraft-discard", args=[draft.pk]))
    assert not ReportDraft.objects.exists()
    report.refresh_from_db()
    assert report.review == "accept"


@pytest.mark.parametrize("section", ["report", "exceptions", "cuecs", "verdict"])
def test_a_section_takes_few_queries(signed_in, draft, section, django_assert_max_num_queries):
    store_all(signed_in, draft)
    with django_assert_max_num_queries(22):
        assert signed_in.get(address(draft, section)).status_code == 200


@pytest.mark.parametrize("count", ["", "x", "-1", "999999999999", "٣"])
def test_numbers_that_are_none_break_nothing(signed_in, draft, count):
    posted = {"form-TOTAL_FORMS": count, "revision": "x", "seen": "x", "page": "x", "at": "-4"}
    for action in ("add", "find", "save"):
        answer = signed_in.post(address(draft, "cuecs"), posted | {"action": action})
        assert answer.status_code in (200, 302)
