"""The pages of agreements: their page, their clauses, the list, requests, the form's rows."""

import csv
import datetime as dt
import io

import pytest
from django.utils import timezone

from vendors.models import Agreement, AgreementRequest, CoveredScope
from vendors.services.agreements import amend_agreement, terminate_agreement
from vendors.services.clauses import ClauseAnswer, read_clauses
from vendors.tests import make
from vendors.tests.test_forms import agreement, errors, rows, upload
from vendors.tests.test_pages import VIEWS, WRITES, signed_in
from vendors.tests.test_uploads import pdf

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
READS = [*VIEWS, "vendors.view_agreementclause", "vendors.view_agreementrequest"]
OFFICER = [
    *READS,
    *WRITES,
    "vendors.view_document",
    "vendors.change_agreementclause",
    "vendors.add_agreementrequest",
    "vendors.change_agreementrequest",
]


def today() -> dt.date:
    return timezone.localdate()


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def officer():
    return signed_in(*OFFICER)


@pytest.fixture
def reader():
    return signed_in(*READS)


@pytest.fixture
def service():
    return make.service(make.vendor("Acme", legal_name="Acme, Inc."))


@pytest.fixture
def baa(service):
    return make.baa(service.vendor, reference="BAA-7", ends_on=today() + 40 * DAY, notice_days=30)


def page(client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def read(baa, *answers):
    read_clauses(baa, answers, by=make.person(), on=today())


def test_the_page_shows_the_ladder_and_starts_the_renewal(officer, baa):
    body = page(officer, f"/agreements/{baa.pk}/")
    assert "Last day to give notice" in body
    assert "7 days before: a notice goes out" in body
    assert f"/vendors/{baa.vendor.slug}/agreement-requests/new/?renews={baa.pk}" in body
    asked = make.agreement_request(baa.vendor, renews=baa)
    body = page(officer, f"/agreements/{baa.pk}/")
    assert f"/agreement-requests/{asked.pk}/" in body
    assert "Start the renewal" not in body


def test_a_paper_of_another_legal_entity_is_told(reader, service):
    same = make.baa(service.vendor, counterparty="ACME INC", account="a")
    other = make.baa(service.vendor, counterparty="Acme Ltd", account="b")
    assert "legal entity is" not in page(reader, f"/agreements/{same.pk}/")
    assert "legal entity is Acme, Inc." in page(reader, f"/agreements/{other.pk}/")


def test_a_breach_clause_of_other_days_than_the_record_is_told(reader, service):
    baa = make.baa(service.vendor, breach_notice_days=10)
    read(baa, ClauseAnswer("breach_notice", "present", "4", 10))
    assert "The breach clause names" not in page(reader, f"/agreements/{baa.pk}/")
    read(baa, ClauseAnswer("breach_notice", "present", "4", 30))
    assert "names 30 days, the record 10" in page(reader, f"/agreements/{baa.pk}/")


def test_an_agreement_changes_hands_and_keeps_its_words(reader, baa):
    other = make.person()
    url = f"/agreements/{baa.pk}/owner/"
    assert reader.post(url, {"owner": other.pk}).status_code == 403
    officer = signed_in(*OFFICER, "vendors.change_agreement")
    officer.post(url, {"owner": other.pk, "counterparty": "Somebody else"})
    baa.refresh_from_db()
    assert (baa.owner, baa.counterparty) == (other, "Acme, Inc.")
    officer.post(url, {})
    baa.refresh_from_db()
    assert baa.owner is None


def test_a_scope_that_names_what_is_not_offered_is_told(reader, service):
    baa = make.baa(service.vendor, services=[])
    CoveredScope.objects.create(
        agreement=baa, service=service, model_pattern="claude-*", region="eu-west-1"
    )
    body = page(reader, f"/agreements/{baa.pk}/")
    assert "fits claude-*" in body
    assert "does not run in eu-west-1" in body


def test_a_scope_that_names_what_is_not_offered_is_told_when_it_is_recorded(officer, service):
    part = {"service": service.pk, "model_pattern": "claude-*"}
    posted = agreement(service, covers=[], **rows("scopes", part))
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    body = officer.post(url, posted, follow=True).content.decode()
    assert body.count("fits claude-*") == 2


def test_a_new_version_tells_what_it_changed(reader, service, baa):
    new = Agreement(
        counterparty=baa.counterparty, starts_on=today(), notice_days=60, ends_on=baa.ends_on
    )
    amend_agreement(
        baa, new, [CoveredScope(service=service, model_pattern="gpt-4*", plan="Scale")], by=None
    )
    body = page(reader, f"/agreements/{new.pk}/")
    assert "What version 2 changed" in body
    assert f"Covers {service.name}, models gpt-4*, plan Scale" in body
    assert "Notice days: 60" in body
    assert "new in this version" in body
    assert "Replaced" in page(reader, f"/agreements/{baa.pk}/")


def test_concerns_are_told_on_the_agreement_the_vendor_and_its_tab(reader, baa):
    read(baa, ClauseAnswer("books", "absent", "9"))
    assert "Books open to HHS: absent" in page(reader, f"/agreements/{baa.pk}/")
    vendor = f"/vendors/{baa.vendor.slug}/"
    assert "Books open to HHS absent" in page(reader, vendor)
    assert "1 clause to look at" in page(reader, f"{vendor}?tab=agreements")


def test_clauses_are_read_by_a_form_of_their_own(officer, reader, baa):
    url = f"/agreements/{baa.pk}/clauses/"
    posted = {
        "books-reading": "present",
        "books-page": "9",
        "breach_notice-reading": "weak",
        "breach_notice-days": "90",
        "breach_notice-note": "Counts business days.",
    }
    assert officer.post(url, posted).status_code == 302
    found = {row.code: (row.reading, row.page, row.days) for row in baa.clauses.all()}
    assert found == {"books": ("present", "9", None), "breach_notice": ("weak", "", 90)}
    body = page(reader, url)
    assert "2 of 15 read" in body
    assert "Record what was read" not in body
    assert reader.post(url, posted).status_code == 403


@pytest.mark.parametrize(
    ("posted", "message"),
    [
        ({"breach_notice-reading": "present", "breach_notice-days": "61"}, "at most 60 days"),
        ({"books-page": "4"}, "present, weak or absent"),
        ({"books-reading": "maybe"}, "Select a valid choice"),
        ({"access-reading": "present", "access-days": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_reading_that_makes_no_sense_keeps_what_was_typed(officer, baa, posted, message):
    url = f"/agreements/{baa.pk}/clauses/"
    response = officer.post(url, {"safeguards-reading": "present", **posted})
    assert message in response.content.decode()
    assert response.status_code == 200
    assert not baa.clauses.exists()


def test_proposals_are_confirmed_one_by_one(officer, service, baa):
    read(baa, ClauseAnswer("books", "absent"), ClauseAnswer("access", "present", "4"))
    new = amend_agreement(baa, Agreement(counterparty="Acme, Inc.", starts_on=today()), [], by=None)
    url = f"/agreements/{new.pk}/clauses/"
    assert "Carried over from the version before" in page(officer, url)
    assert "wait" in page(officer, f"/agreements/{new.pk}/")
    carried = {"books-reading": "absent", "access-reading": "present", "access-page": "4"}
    officer.post(url, {**carried, "access-confirmed": "on"})
    assert [row.code for row in new.clauses.confirmed()] == ["access"]


def test_rows_are_added_and_removed_and_keep_what_was_typed(officer, service):
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    first = {"service": service.pk, "model_pattern": "gpt-4*", "features": "chat"}
    second = {"service": service.pk, "region": "us-east-1", "general_availability_only": "on"}
    typed = agreement(service, reference="two words", **rows("scopes", first, second))
    more = officer.post(url, {**typed, "add": "1"})
    assert more.status_code == 200
    assert len(more.context["rows"].forms) == 3
    assert "There is a problem" not in more.content.decode()
    assert more.context["form"]["reference"].value() == "two words"
    assert [str(v) for v in more.context["form"]["covers"].value()] == [str(service.pk)]
    fewer = officer.post(url, {**typed, "remove": "0"}).context["rows"]
    assert [form["region"].value() for form in fewer.forms] == ["us-east-1"]
    assert fewer.forms[0]["general_availability_only"].value()
    none = officer.post(url, {**typed, "scopes-TOTAL_FORMS": "9" * 5000, "add": "1"})
    assert none.status_code == 200
    assert not Agreement.objects.exists()


def test_a_scope_with_every_limit_is_stored_and_begins_the_amendment(officer, service):
    part = {
        "service": service.pk,
        "model_pattern": "gpt-4*",
        "region": "us-east-1",
        "plan": "Enterprise",
        "account": "org-1",
        "endpoint": "api.openai.com",
        "features": "chat, batch",
        "features_excluded": "web-search",
        "settings_required": "zero-retention",
        "general_availability_only": "on",
        "page": "12",
    }
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    posted = agreement(service, covers=[], document=upload(pdf()), **rows("scopes", part))
    stored = Agreement.objects.get(pk=officer.post(url, posted).url.split("/")[2])
    scope = stored.scopes.get()
    assert (scope.features, scope.settings_required) == (["chat", "batch"], ["zero-retention"])
    assert scope.general_availability_only
    body = page(officer, f"/agreements/{stored.pk}/")
    assert "only chat, batch" in body
    assert "none in preview" in body
    again = officer.get(f"/agreements/{stored.pk}/amend/").context["rows"].forms
    assert [form["account"].value() for form in again] == ["org-1"]


def test_the_form_of_a_bad_feature_says_so(officer, service):
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    part = {"service": service.pk, "features": "Web Search"}
    response = officer.post(url, agreement(service, **rows("scopes", part)))
    assert "without spaces" in response.content.decode()
    assert not Agreement.objects.exists()


def test_dpa_fields_on_a_baa_are_refused_at_the_field(officer, service):
    url = f"/vendors/{service.vendor.slug}/agreements/new/"
    posted = agreement(service, transfer_mechanism="scc_2021", scc_modules=["2"])
    assert "belongs to a DPA" in errors(officer.post(url, posted))
    dpa = {"kind": "dpa", "our_role": "controller", "transfer_mechanism": "scc_2021"}
    officer.post(url, agreement(service, **dpa, scc_modules=["2"]))
    stored = Agreement.objects.get()
    assert "Standard contractual clauses" in page(officer, f"/agreements/{stored.pk}/")


def test_a_request_is_opened_moved_and_closed_by_its_agreement(officer, service):
    slug = service.vendor.slug
    posted = {"kind": "baa", "services": [service.pk], "contact": "legal@acme.example"}
    response = officer.post(f"/vendors/{slug}/agreement-requests/new/", posted)
    asked = AgreementRequest.objects.get()
    assert response.url == f"/agreement-requests/{asked.pk}/"
    officer.post(f"/agreement-requests/{asked.pk}/move/", {"state": "negotiating"})
    asked.refresh_from_db()
    assert (asked.state, asked.opened_on) == ("negotiating", today())
    assert "Negotiating" in page(officer, f"/vendors/{slug}/?tab=agreements")
    form = officer.get(f"/vendors/{slug}/agreements/new/", {"request": asked.pk}).context["form"]
    assert (form["closes"].value(), form["kind"].value()) == (asked.pk, "baa")
    officer.post(f"/vendors/{slug}/agreements/new/", agreement(service, closes=asked.pk))
    asked.refresh_from_db()
    assert (asked.state, asked.agreement) == ("signed", Agreement.objects.get())
    body = page(officer, f"/agreement-requests/{asked.pk}/")
    assert "/move/" not in body
    response = officer.post(
        f"/agreement-requests/{asked.pk}/move/", {"state": "dropped"}, follow=True
    )
    assert "cannot follow the present one" in response.content.decode()


def test_a_renewal_takes_over_the_agreement_and_its_services(officer, service, baa):
    url = f"/vendors/{baa.vendor.slug}/agreement-requests/new/"
    form = officer.get(url, {"renews": baa.pk}).context["form"]
    assert form["renews"].value() == baa.pk
    assert form["services"].value() == [service.pk]
    other = make.vendor()
    assert officer.get(f"/vendors/{other.slug}/agreement-requests/new/", {"renews": baa.pk})
    officer.post(url, {"kind": "baa", "renews": baa.pk})
    asked = AgreementRequest.objects.get()
    amend = officer.get(f"/agreements/{baa.pk}/amend/", {"request": asked.pk})
    assert amend.context["form"]["closes"].value() == asked.pk
    assert f"/agreements/{baa.pk}/amend/?request={asked.pk}" in page(
        officer, f"/agreement-requests/{asked.pk}/"
    )
    again = officer.post(url, {"kind": "baa", "renews": baa.pk})
    assert "renewal of this agreement is under way" in errors(again)


def test_the_end_of_an_agreement_asks_for_the_proof_and_records_it(officer, baa):
    posted = {
        "terminated_on": today(),
        "reason": "The vendor left.",
        "return_due_on": today() + 30 * DAY,
    }
    officer.post(f"/agreements/{baa.pk}/terminate/", posted)
    body = page(officer, f"/agreements/{baa.pk}/")
    assert "Proof of return or destruction pending" in body
    url = f"/agreements/{baa.pk}/return/"
    said = {"return_state": "destroyed", "confirmed_on": today()}
    assert "Attach the proof" in errors(officer.post(url, said))
    future = {**said, "confirmed_on": today() + DAY, "document": upload(pdf())}
    assert "in the future" in errors(officer.post(url, future))
    officer.post(url, {**said, "document": upload(pdf(), "certificate.pdf")})
    baa.refresh_from_db()
    assert (baa.return_state, baa.return_document.name) == ("destroyed", "certificate.pdf")
    assert "It is recorded on the agreement" in page(officer, url)


def test_an_expired_agreement_can_be_asked_for_its_proof(officer, service):
    old = make.baa(service.vendor, ends_on=today() - DAY)
    assert "Ask for return or destruction" in page(officer, f"/agreements/{old.pk}/")
    officer.post(f"/agreements/{old.pk}/return/", {"return_due_on": today() + DAY})
    old.refresh_from_db()
    assert old.return_state == "pending"


@pytest.fixture
def register(service):
    """An agreement in each state; by its reference."""
    vendor, on = service.vendor, today()
    make.baa(vendor, reference="IN-FORCE", account="1", ends_on=on + 300 * DAY)
    make.baa(vendor, reference="EXPIRING", account="2", ends_on=on + 30 * DAY)
    make.baa(vendor, reference="EXPIRED", account="3", ends_on=on - DAY)
    make.baa(vendor, reference="SIGNED", account="4", starts_on=on + DAY, ends_on=None)
    gone = make.baa(vendor, reference="TERMINATED", account="5")
    terminate_agreement(gone, on=on, reason="Left.")
    old = make.baa(vendor, reference="REPLACED", account="6")
    amend_agreement(old, Agreement(counterparty="x", starts_on=on, account="6"), [], by=None)
    dpa = make.vendor("Zeta", slug="zeta")
    make.baa(dpa, kind="dpa", our_role="controller", reference="DPA-1", owner=make.person())
    return vendor


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "dpa"}, ["DPA-1"]),
        ({"state": "expired"}, ["EXPIRED"]),
        ({"state": "signed"}, ["SIGNED"]),
        ({"state": "expiring"}, ["EXPIRING"]),
        ({"state": "terminated"}, ["TERMINATED"]),
        ({"state": "replaced"}, ["REPLACED"]),
        ({"ending": "30"}, ["EXPIRING"]),
        ({"vendor": "zeta"}, ["DPA-1"]),
        ({"q": "in-f"}, ["IN-FORCE"]),
        ({"owner": "me"}, []),
        ({"state": "nonsense", "kind": "dpa"}, ["DPA-1"]),
    ],
)
def test_the_list_is_narrowed_by_the_address(reader, register, query, found):
    rows_shown = reader.get("/agreements/", query).context["rows"]
    assert [row.agreement.reference for row in rows_shown] == found


def test_the_list_leaves_out_what_was_replaced_unless_asked(reader, register):
    shown = reader.get("/agreements/").context["rows"]
    assert len(shown) == 7
    assert sum(row.agreement.reference == "REPLACED" for row in shown) == 1
    assert len(reader.get("/agreements/", {"state": "all"}).context["rows"]) == 8


def test_the_file_holds_what_the_list_shows(reader, register):
    response = reader.get("/agreements/export/csv/", {"state": "expired"})
    lines = list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    assert [line["Reference"] for line in lines] == ["EXPIRED"]
    assert lines[0]["State"] == "Expired"
    assert lines[0]["Clauses read"] == "0 of 15"
    assert reader.get("/agreements/export/pdf/").status_code == 404


def test_the_list_costs_a_fixed_number_of_queries(officer, register, django_assert_max_num_queries):
    for number in range(30):
        baa = make.baa(register, reference=f"MORE-{number}", account=f"more-{number}")
        read(baa, ClauseAnswer("books", "weak"))
        make.agreement_request(register)
    officer.get("/agreements/")
    with django_assert_max_num_queries(12):
        assert len(officer.get("/agreements/").context["rows"]) == 25
