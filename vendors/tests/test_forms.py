"""What people type and upload: stored when it is right, refused with a sentence when it is not."""

import datetime as dt
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from vendors.models import (
    Agreement,
    AssuranceReport,
    BridgeLetter,
    CoveredScope,
    Document,
    Fact,
    Service,
    Vendor,
)
from vendors.services.register import review_vendor
from vendors.tests import make
from vendors.tests.test_pages import VIEWS, WRITES, signed_in
from vendors.tests.test_uploads import on_open, pdf

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def officer():
    return signed_in(*VIEWS, *WRITES, "vendors.view_document")


@pytest.fixture
def service():
    return make.service(make.vendor("Acme", legal_name="Acme, Inc."))


def today() -> dt.date:
    return timezone.localdate()


def upload(content: bytes, name: str = "paper.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def rows(prefix: str, *filled: dict) -> dict:
    posted = {f"{prefix}-TOTAL_FORMS": len(filled), f"{prefix}-INITIAL_FORMS": 0}
    for number, row in enumerate(filled):
        posted |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return posted


def agreement(service, **changes) -> dict:
    return {
        "kind": "baa",
        "reference": "BAA-7",
        "counterparty": "Acme, Inc.",
        "our_role": "business_associate",
        "starts_on": today().isoformat(),
        "ends_on": (today() + 365 * DAY).isoformat(),
        "notice_days": 30,
        "covers": [service.pk],
        **rows("scopes"),
        **changes,
    }


def errors(response) -> str:
    """The text of the page's error summary."""
    assert response.status_code == 200
    found = re.search(r'<div class="summary".*?</div>', response.content.decode(), re.DOTALL)
    assert found, "The page shows no error."
    return found.group()


def test_a_baa_is_recorded_with_its_pdf_and_its_scope(officer, service):
    content = pdf()
    part = {"service": service.pk, "model_pattern": "gpt-4*", "region": "us-east-1"}
    posted = agreement(service, covers=[], document=upload(content), **rows("scopes", part))
    response = officer.post(f"/vendors/{service.vendor.slug}/agreements/new/", posted)
    stored = Agreement.objects.get()
    assert response.url == f"/agreements/{stored.pk}/"
    assert [(s.model_pattern, s.region) for s in stored.scopes.all()] == [("gpt-4*", "us-east-1")]
    download = officer.get(f"/documents/{stored.document.pk}/download/")
    assert b"".join(download) == content
    assert download["Content-Disposition"] == 'attachment; filename="paper.pdf"'
    assert download["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in download["Content-Security-Policy"]
    assert download["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ends_on": "2020-01-01"}, "The last day is before the first."),
        ({"reference": "two words"}, "without spaces"),
        ({"breach_notice_days": 90}, "at most 60 days"),
        ({"starts_on": "31.12.2026"}, "Enter a valid date"),
        ({"starts_on": ""}, "required"),
        ({"kind": "nda"}, "Select a valid choice"),
        ({"covers": [999999]}, "Select a valid choice"),
        (rows("scopes", {"region": "us"}), "Choose the service"),
    ],
)
def test_an_agreement_that_makes_no_sense_is_refused(officer, service, changes, message):
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    response = officer.post(url, agreement(service, document=upload(pdf()), **changes))
    assert message in response.content.decode()
    assert response.status_code == 200
    assert not Agreement.objects.exists()
    assert not Document.objects.exists()


def test_an_overlap_is_an_error_of_the_form_and_leaves_no_file(officer, service, folder):
    make.baa(service.vendor)
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    response = officer.post(url, agreement(service, document=upload(pdf())))
    assert "overlaps an agreement of the same kind" in errors(response)
    assert Agreement.objects.count() == 1
    assert not Document.objects.exists()
    assert not [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Jane Doe, HIV positive", "not a PDF"),
        (pdf(on_open), "carries a program"),
        (b"%PDF-1.4 Jane Doe", "cannot be read"),
    ],
)
def test_a_paper_that_is_none_is_refused_without_quoting_it(
    officer, service, caplog, content, message
):
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    response = officer.post(url, agreement(service, document=upload(content)))
    assert message in errors(response)
    assert "Jane" not in response.content.decode() + caplog.text
    assert not Agreement.objects.exists()


def test_a_paper_too_large_is_refused(officer, service, settings):
    settings.UPLOAD_MAX_BYTES = 50
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    response = officer.post(url, agreement(service, document=upload(pdf())))
    assert "larger than is allowed" in errors(response)


def test_a_service_of_another_vendor_cannot_be_covered(officer, service):
    other = make.service()
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    response = officer.post(url, agreement(service, covers=[other.pk]))
    assert "Select a valid choice" in errors(response)
    response = officer.post(url, agreement(service, **rows("scopes", {"service": other.pk})))
    assert "Select a valid choice" in response.content.decode()
    assert not Agreement.objects.exists()


def test_the_vendor_of_an_agreement_cannot_be_typed(officer, service):
    other = make.vendor()
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    officer.post(url, agreement(service, vendor=other.pk))
    assert Agreement.objects.get().vendor == service.vendor


def test_a_baa_is_amended_and_terminated(officer, service):
    old = make.baa(service.vendor, reference="BAA-1")
    new = agreement(service, reference="other", kind="dpa", ends_on="")
    response = officer.post(f"/agreements/{old.pk}/amend/", new)
    made = Agreement.objects.get(version=2)
    assert response.url == f"/agreements/{made.pk}/"
    assert (made.reference, made.kind, made.amends) == ("BAA-1", "baa", old)
    body = officer.get(f"/agreements/{old.pk}/").content.decode()
    assert "Replaced" in body
    posted = {"terminated_on": today().isoformat(), "reason": "The vendor left."}
    officer.post(f"/agreements/{made.pk}/terminate/", posted)
    assert not Agreement.objects.in_force(today()).exists()
    again = officer.post(f"/agreements/{made.pk}/terminate/", posted)
    assert "ended by that day already" in errors(again)


def test_an_amendment_begins_with_all_that_the_old_version_covers(officer, service):
    old = make.baa(service.vendor, services=[])
    part = {"model_pattern": "gpt-*", "features_excluded": ["web-search", "batch"], "page": "4"}
    CoveredScope.objects.create(agreement=old, service=service, **part)
    form = officer.get(f"/agreements/{old.pk}/amend/").context
    assert form["form"]["covers"].value() == []
    row = form["rows"].forms[0].initial
    assert {name: row[name] for name in part} == part
    typed = {**part, "service": service.pk, "features_excluded": "web-search,batch"}
    posted = agreement(service, covers=[], **rows("scopes", typed))
    officer.post(f"/agreements/{old.pk}/amend/", {**posted, "scopes-INITIAL_FORMS": 1})
    stored = CoveredScope.objects.get(agreement__version=2)
    assert stored.features_excluded == part["features_excluded"]


@pytest.mark.parametrize("page", ["amend", "terminate"])
def test_who_may_not_cannot_by_post_either(service, page):
    baa = make.baa(service.vendor)
    client = signed_in(*VIEWS)
    assert client.post(f"/agreements/{baa.pk}/{page}/", {}).status_code == 403
    baa.refresh_from_db()
    assert baa.terminated_on is None


def report(service, **changes) -> dict:
    return {
        "kind": "soc2_type2",
        "auditor": "Example Audit LLP",
        "period_start": (today() - 400 * DAY).isoformat(),
        "period_end": (today() - 35 * DAY).isoformat(),
        "opinion": "unqualified",
        "categories": ["security"],
        "exception_count": 0,
        f"scope_{service.pk}": "yes",
        **changes,
    }


def test_a_report_is_recorded_reviewed_corrected_and_bridged(officer, service):
    url = f"/vendors/{service.vendor.slug}/reports/new/"
    officer.post(url, report(service, document=upload(pdf())))
    stored = AssuranceReport.objects.get()
    assert [s.in_scope for s in stored.scopes.all()] == ["yes"]
    officer.post(f"/reports/{stored.pk}/review/", {"review": "accept"})
    stored.refresh_from_db()
    assert (stored.review, stored.reviewed_on) == ("accept", today())
    letter = {"covers_from": today(), "covers_to": today() + 30 * DAY, "signer": "CISO"}
    officer.post(f"/reports/{stored.pk}/bridge/", letter)
    assert BridgeLetter.objects.get().report == stored
    officer.post(f"/reports/{stored.pk}/correct/", report(service, exception_count=2))
    newest = AssuranceReport.objects.get(replaces=stored)
    assert (newest.exception_count, newest.review) == (2, "pending")
    assert newest.document == stored.document
    stored.refresh_from_db()
    assert stored.exception_count == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"period_end": "2020-01-01"}, "ends before it begins"),
        ({"period_end": ""}, "covers a period"),
        ({"kind": "soc2_type1", "period_start": "", "period_end": ""}, "describes one day"),
        ({"categories": ["everything"]}, "Select a valid choice"),
        ({"exception_count": -1}, "greater than or equal to 0"),
        ({"document": upload(b"not a pdf")}, "not a PDF"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(officer, service, changes, message):
    url = f"/vendors/{service.vendor.slug}/reports/new/"
    assert message in errors(officer.post(url, report(service, **changes)))
    assert not AssuranceReport.objects.exists()


def test_a_review_needs_what_its_verdict_needs(officer, service):
    made = make.report(service.vendor, by=make.person(), review="pending", reviewed_by=None)
    url = f"/reports/{made.pk}/review/"
    assert "Name the conditions" in errors(officer.post(url, {"review": "accept_with_conditions"}))
    assert "Select a valid choice" in errors(officer.post(url, {"review": "pending"}))


def test_a_bridge_letter_that_ends_before_it_begins_is_refused(officer, service):
    made = make.report(service.vendor, by=make.person())
    letter = {"covers_from": today(), "covers_to": today() - DAY, "signer": "CISO"}
    response = officer.post(f"/reports/{made.pk}/bridge/", letter)
    assert "The last day is before the first" in errors(response)


def test_a_fact_is_verified_by_the_person_on_the_day(officer, service):
    posted = {"value": "days", "number": 30, "grade": "contract", "source": "DPA, annex 2"}
    officer.post(f"/services/{service.slug}/facts/retention_days/verify/", posted)
    newest = Fact.objects.filter(dimension="retention_days").order_by("-pk").first()
    assert (newest.number, newest.verified_on) == (30, today())
    assert newest.verified_by is not None
    body = officer.get(f"/services/{service.slug}/facts/retention_days/").content.decode()
    assert "30 days" in body
    assert "None kept" in body


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": "maybe"}, "Select a valid choice"),
        ({"number": ""}, "Give the number of days"),
        ({"number": -1}, "not negative"),
        ({"source": ""}, "required"),
        ({"model_pattern": "two words"}, "model name"),
        ({"region": "US East!"}, "lower case"),
    ],
)
def test_a_fact_that_says_nothing_is_refused(officer, service, changes, message):
    before = Fact.objects.count()
    posted = {"value": "days", "number": 30, "grade": "contract", "source": "DPA", **changes}
    response = officer.post(f"/services/{service.slug}/facts/retention_days/verify/", posted)
    assert message in errors(response)
    assert Fact.objects.count() == before


def test_the_form_begins_with_the_last_answer(officer, service):
    response = officer.get(f"/services/{service.slug}/facts/training_use/verify/")
    assert response.context["form"]["value"].value() == "no"
    assert response.context["form"]["source"].value() == "https://vendor.example/terms"


def test_a_vendor_is_added_as_a_prospect_with_a_name_of_its_own(officer):
    posted = {
        "name": "New",
        "criticality": "high",
        "review_cadence": "after_last",
        "review_interval_days": 365,
    }
    response = officer.post("/vendors/new/", posted)
    stored = Vendor.objects.get()
    assert response.url == "/vendors/new-2/"
    assert (stored.state, stored.slug) == ("prospect", "new-2")
    assert "exists" in errors(officer.post("/vendors/new/", {**posted, "name": "NEW"}))
    bad = officer.post("/vendors/new/", {**posted, "name": "B", "review_interval_days": 0})
    assert "at least one day" in errors(bad)
    assert Vendor.objects.count() == 1


def test_a_vendor_is_edited_reviewed_and_taken_through_its_states(officer):
    vendor = make.vendor("Acme", state="in_review", next_review_on=None)
    url = f"/vendors/{vendor.slug}"
    rows = {"conditions-TOTAL_FORMS": 0, "conditions-INITIAL_FORMS": 0, "reason": "As agreed."}
    approval = {"state": "approved", **rows}
    assert "Record a review first" in errors(officer.post(f"{url}/state/", approval))
    review_vendor(vendor, on=today())
    assert "required" in errors(officer.post(f"{url}/state/", {**approval, "reason": ""}))
    officer.post(f"{url}/state/", approval)
    fields = {
        "name": "Acme Corp",
        "criticality": "low",
        "review_cadence": "fixed",
        "review_interval_days": 90,
    }
    officer.post(f"{url}/edit/", fields)
    vendor.refresh_from_db()
    assert (vendor.name, vendor.state, vendor.criticality) == ("Acme Corp", "approved", "low")
    assert vendor.review_cadence == "fixed"
    assert vendor.next_review_on == today() + 365 * DAY
    back = officer.post(f"{url}/state/", {"state": "prospect", **rows})
    assert "Select a valid choice" in errors(back)
    assert vendor.transitions.get().reason == "As agreed."


def test_a_service_is_added_changed_and_retired(officer, service):
    slug = service.vendor.slug
    posted = {
        "name": "Embeddings",
        "provider": "acme",
        "deployment": "public_api",
        "endpoint_hosts": "api.acme.com\nEU.acme.com",
        **rows(
            "models", {"pattern": "embed-*", "lifecycle": "ga"}, {"pattern": "", "lifecycle": "ga"}
        ),
        **rows("regions", {"region": "eu", "purpose": "processing", "guarantee": "default"}),
    }
    assert "Enter a host name" in errors(officer.post(f"/vendors/{slug}/services/new/", posted))
    posted["endpoint_hosts"] = "api.acme.com\neu.acme.com"
    officer.post(f"/vendors/{slug}/services/new/", posted)
    stored = Service.objects.get(name="Embeddings")
    assert stored.endpoint_hosts == ["api.acme.com", "eu.acme.com"]
    assert [m.pattern for m in stored.offered_models.all()] == ["embed-*"]
    twice = rows("models", {"pattern": "a", "lifecycle": "ga"}, {"pattern": "a", "lifecycle": "ga"})
    response = officer.post(f"/services/{stored.slug}/edit/", {**posted, **twice})
    assert "Two rows name the same" in response.content.decode()
    changed = {**posted, "name": service.name.upper()}
    response = officer.post(f"/services/{stored.slug}/edit/", changed)
    assert "a service of this name" in errors(response)
    officer.post(f"/services/{stored.slug}/retire/", {"retired_on": today()})
    stored.refresh_from_db()
    assert (stored.name, stored.retired_on) == ("Embeddings", today())


def test_a_paper_is_for_those_who_may_read_papers(service, officer):
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    officer.post(url, agreement(service, document=upload(pdf())))
    document = Document.objects.get()
    reader = signed_in(*VIEWS)
    assert reader.get(f"/documents/{document.pk}/download/").status_code == 403
    body = reader.get(f"/agreements/{Agreement.objects.get().pk}/").content.decode()
    assert "/download/" not in body
    document.file.storage.delete(document.file.name)
    assert officer.get(f"/documents/{document.pk}/download/").status_code == 404
