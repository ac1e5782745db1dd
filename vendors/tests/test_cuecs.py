"""CUECs are a register: of the reports we rely on, and assessed by people."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.urls import reverse

from vendors.models import AssuranceReport, Cuec, ReportCondition
from vendors.services.cuecs import Assessment, assess_cuec, close_condition
from vendors.services.reports import correct_report
from vendors.tests import make

VIEW = ("vendors.view_vendor", "vendors.view_assurancereport", "vendors.view_cuec")
CHANGE = (*VIEW, "vendors.change_cuec", "vendors.change_reportcondition")
TODAY = make.TODAY


@pytest.fixture
def officer(db):
    return make.person(*CHANGE)


@pytest.fixture
def report(officer):
    return make.report(make.vendor("Larkspur", slug="larkspur"), by=officer)


@pytest.fixture
def cuec(report):
    return Cuec.objects.create(report=report, reference="C1", text="Users revoke keys.")


@pytest.fixture
def signed_in(client, officer):
    client.force_login(officer)
    return client


def newer(report, **fields):
    day = dt.timedelta(days=30)
    return make.report(
        report.vendor, by=report.reviewed_by, period_end=report.period_end + day, **fields
    )


def test_the_register_holds_those_of_the_newest_report_we_rely_on(report, cuec):
    assert list(Cuec.objects.standing()) == [cuec]
    newer(report, review=AssuranceReport.Review.PENDING, reviewed_by=None, reviewed_on=None)
    assert list(Cuec.objects.standing()) == [cuec]
    later = newer(report)
    assert list(Cuec.objects.standing()) == []
    now = Cuec.objects.create(report=later, text="Users revoke keys.")
    assert list(Cuec.objects.standing()) == [now]


def test_another_kind_of_report_takes_nothing_away(report, cuec):
    newer(report, kind=AssuranceReport.Kind.SOC1)
    assert list(Cuec.objects.standing()) == [cuec]


def test_a_rejected_report_asks_nothing_of_us(report, officer):
    rejected = newer(report, review=AssuranceReport.Review.REJECT)
    Cuec.objects.create(report=rejected, text="Users revoke keys.")
    assert not Cuec.objects.standing().exists()


def test_an_assessment_notes_who_and_when(cuec, officer):
    said = Assessment(Cuec.State.IN_PLACE, "Offboarding list", officer, "Ticket queue")
    assess_cuec(cuec, said, by=officer, on=TODAY)
    cuec.refresh_from_db()
    assert (cuec.state, cuec.assessed_by, cuec.assessed_on) == ("in_place", officer, TODAY)
    assess_cuec(cuec, Assessment(Cuec.State.OPEN), by=officer, on=TODAY)
    cuec.refresh_from_db()
    assert (cuec.assessed_by, cuec.assessed_on) == (None, None)


def test_what_is_in_place_names_our_control(cuec, officer):
    with pytest.raises(ValidationError, match="which control of ours"):
        assess_cuec(cuec, Assessment(Cuec.State.IN_PLACE), by=officer, on=TODAY)


def test_what_the_report_says_never_changes(cuec):
    for change in ({"text": "x"}, {"page": "2"}, {"reference": "C2"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Cuec.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Cuec.objects.all().delete()


def test_the_quick_correction_keeps_the_lines(report, cuec, officer):
    new = AssuranceReport(
        kind=report.kind,
        period_start=report.period_start,
        period_end=report.period_end,
        auditor="Another LLP",
    )
    correct_report(report, new, [], by=officer)
    assert [c.text for c in new.cuecs.all()] == ["Users revoke keys."]
    with pytest.raises(ValidationError, match="newer row corrects"):
        assess_cuec(cuec, Assessment(Cuec.State.OPEN), by=officer, on=TODAY)


def test_a_condition_is_met_or_waived_with_a_reason(report, officer):
    condition = ReportCondition.objects.create(report=report, text="Ask again.", due_on=TODAY)
    with pytest.raises(ValidationError, match="why it is waived"):
        close_condition(condition, "waived", by=officer, on=TODAY)
    close_condition(condition, "met", by=officer, on=TODAY, note="Their answer of today.")
    with pytest.raises(ValidationError, match="has closed this condition already"):
        close_condition(condition, "waived", by=officer, on=TODAY, note="No")
    condition.refresh_from_db()
    assert (condition.state, condition.closed_by) == ("met", officer)


def test_a_condition_is_closed_on_its_page(signed_in, report):
    condition = ReportCondition.objects.create(report=report, text="Ask again.", due_on=TODAY)
    url = reverse("vendors:reportcondition-close", args=[condition.pk])
    answer = signed_in.post(url, {"state": "waived", "note": ""})
    assert "Say why it is waived." in answer.text
    assert signed_in.post(url, {"state": "met", "note": "Seen."}).status_code == 302
    condition.refresh_from_db()
    assert condition.state == "met"


def test_assessing_on_its_page_keeps_the_input(signed_in, cuec):
    url = reverse("vendors:cuec-assess", args=[cuec.pk])
    answer = signed_in.post(url, {"state": "in_place", "evidence": "Ticket queue"})
    assert "Say which control of ours does it." in answer.text
    assert "Ticket queue" in answer.text
    posted = {"state": "in_place", "our_control": "Offboarding list"}
    assert signed_in.post(url, posted).status_code == 302
    cuec.refresh_from_db()
    assert cuec.state == "in_place"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("?state=in_place", 1),
        ("?vendor=larkspur", 2),
        ("?owner=me", 1),
        ("?owner=nobody", 1),
        ("?q=retention", 1),
        ("?sort=-state", 2),
    ],
)
def test_the_list_and_its_file_show_the_same(signed_in, cuec, officer, query, found):
    Cuec.objects.create(
        report=cuec.report,
        text="Users choose a retention.",
        state="in_place",
        our_control="=cmd()",
        owner=officer,
        assessed_on=TODAY,
        assessed_by=officer,
    )
    listed = signed_in.get(reverse("vendors:cuec-list") + query)
    assert len(listed.context["lines"]) == found
    file = signed_in.get(reverse("vendors:cuec-export", args=["csv"]) + query)
    text = b"".join(file.streaming_content).decode()
    assert text.count("Larkspur") == found
    assert ",=cmd()" not in text


def test_the_list_takes_few_queries(signed_in, report, django_assert_max_num_queries):
    for number in range(30):
        Cuec.objects.create(report=report, text=f"Users do {number}.")
    with django_assert_max_num_queries(12):
        answer = signed_in.get(reverse("vendors:cuec-list"))
    assert len(answer.context["lines"]) == 25


def test_who_only_reads_changes_nothing(client, cuec):
    client.force_login(make.person(*VIEW))
    answer = client.get(reverse("vendors:cuec-list"))
    assert answer.status_code == 200
    url = reverse("vendors:cuec-assess", args=[cuec.pk])
    assert url not in answer.text
    assert client.get(url).status_code == 403
