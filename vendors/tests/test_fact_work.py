"""Verifying many facts of one source at once, and who looks at what next."""

import csv
import datetime as dt
import io

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from vendors.models import Fact, FactAssignment
from vendors.pages.facts import never_recorded
from vendors.services.facts import assign_facts, record_fact, record_for_services, still_the_same
from vendors.tests import make
from vendors.tests.make import TODAY, person
from vendors.tests.test_pages import VIEWS, WRITES, signed_in

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
OLD = TODAY - 200 * DAY


@pytest.fixture
def service():
    return make.service(facts=False)


def stale(service, dimension: str, value: str = "1.2", **fields) -> Fact:
    fields = {"source": "https://trust.example", "verified_on": OLD, "recorded_on": OLD, **fields}
    return make.fact(service, dimension=dimension, value=value, **fields)


def test_each_becomes_a_new_fact_and_nothing_but_who_and_when_differs(service):
    facts = [
        stale(service, "tls_minimum", model_pattern="gpt-*", region="us-east-1", page="4"),
        stale(service, "encryption_at_rest", "aes-256", detail="With backups.", plan="Team"),
    ]
    officer = person()
    new = still_the_same(facts, by=officer, on=TODAY)
    same = ("dimension", "value", "number", "detail", "model_pattern", "region", "endpoint")
    same += ("plan", "grade", "source", "page", "expires_on", "service_id")
    for old, made in zip(facts, new, strict=True):
        assert [getattr(old, name) for name in same] == [getattr(made, name) for name in same]
        assert (made.verified_on, made.recorded_on, made.verified_by) == (TODAY, TODAY, officer)
    assert Fact.objects.count() == 4
    assert not Fact.objects.stale(TODAY, fresh_days=90).exists()


def test_one_source_is_read_at_a_time(service):
    facts = [stale(service, "tls_minimum"), stale(service, "byok", "yes", source="The contract")]
    with pytest.raises(ValidationError, match="one source at a time"):
        still_the_same(facts, by=person(), on=TODAY)


def test_what_somebody_changed_meanwhile_is_not_overwritten(service):
    seen = stale(service, "tls_minimum")
    other = stale(service, "encryption_at_rest", "aes-256")
    make.fact(service, dimension="tls_minimum", value="1.3", recorded_on=TODAY)
    with pytest.raises(ValidationError, match="newer answer meanwhile"):
        still_the_same([seen, other], by=person(), on=TODAY)
    assert Fact.objects.count() == 3
    new = Fact(service=service, dimension="tls_minimum", value="1.2", grade="public", source="x")
    with pytest.raises(ValidationError, match="newer answer meanwhile"):
        record_fact(new, by=person(), on=TODAY, seen=seen.pk)


def test_what_has_run_out_by_its_own_day_is_recorded_anew(service):
    fact = stale(service, "tls_minimum", expires_on=TODAY)
    with pytest.raises(ValidationError, match="ran out on"):
        still_the_same([fact], by=person(), on=TODAY)


def test_who_looks_next_is_asked_once_and_is_done_when_it_is_verified(service):
    fact, officer = stale(service, "tls_minimum"), person()
    assign_facts([fact], assignee=officer, look_by=TODAY + DAY, by=officer, on=TODAY)
    assign_facts([fact], assignee=officer, look_by=None, by=officer, on=TODAY)
    row = FactAssignment.objects.get()
    assert (row.assignee, row.look_by) == (officer, None)
    still_the_same([fact], by=officer, on=TODAY)
    assert not FactAssignment.objects.exists()


def test_an_assignment_can_be_taken_away(service):
    fact, officer = stale(service, "tls_minimum"), person()
    assign_facts([fact], assignee=officer, look_by=None, by=officer, on=TODAY)
    assign_facts([fact], assignee=None, look_by=None, by=officer, on=TODAY)
    assert not FactAssignment.objects.exists()
    with pytest.raises(ValidationError, match="Tick what"):
        assign_facts([], assignee=officer, look_by=None, by=officer, on=TODAY)


def test_one_answer_is_recorded_for_several_services(service):
    other = make.service(facts=False)
    assert {each.dimension for each in never_recorded(TODAY)} >= {"tls_minimum"}
    said = Fact(
        dimension="tls_minimum", value="1.3", grade="public", source="https://trust.example"
    )
    record_for_services(said, [service, other], by=person(), on=TODAY)
    assert {f.service for f in Fact.objects.filter(dimension="tls_minimum")} == {service, other}
    assert "tls_minimum" not in {each.dimension for each in never_recorded(TODAY)}
    with pytest.raises(ValidationError, match="Choose the services"):
        record_for_services(said, [], by=person(), on=TODAY)


def test_the_page_groups_by_source_and_verifies_what_is_ticked(
    service, django_assert_max_num_queries
):
    client = signed_in(*VIEWS, *WRITES, "vendors.add_factassignment")
    facts = [stale(service, "tls_minimum"), stale(service, "byok", "yes", source="The contract")]
    url = reverse("vendors:fact-list")
    body = client.get(url).content.decode()
    assert body.index("The contract") < body.index("https://trust.example")
    for _ in range(20):
        stale(make.service(facts=False), "tls_minimum")
    with django_assert_max_num_queries(12):
        client.get(url)
    client.post(reverse("vendors:fact-verify"), {"fact": [facts[0].pk]})
    newest = Fact.objects.current(timezone.localdate()).get(
        service=service, dimension="tls_minimum"
    )
    assert newest.verified_on == timezone.localdate()
    answer = client.post(
        reverse("vendors:fact-verify"), {"fact": [f.pk for f in facts]}, follow=True
    )
    assert "one source at a time" in answer.content.decode()
    answer = client.post(reverse("vendors:fact-assign"), {"fact": [facts[1].pk]}, follow=True)
    assert "Nobody looks at 1 next." in answer.content.decode()


def test_a_number_of_any_length_is_no_fact(service):
    fact = stale(service, "tls_minimum")
    client = signed_in(*VIEWS, *WRITES)
    for posted in ({"fact": ["9" * 5000]}, {"fact": [fact.pk], "of": "9" * 5000}):
        assert client.post(reverse("vendors:fact-verify"), posted).status_code == 302


@pytest.mark.parametrize("due", ["", "stale", "all", "nonsense"])
@pytest.mark.parametrize("looks", ["", "me", "nobody", "somebody"])
def test_the_list_can_be_narrowed(service, due, looks):
    fact = stale(service, "tls_minimum")
    today = timezone.localdate()
    make.fact(service, dimension="byok", value="yes", verified_on=today, recorded_on=today)
    client = signed_in(*VIEWS)
    answer = client.get(reverse("vendors:fact-list"), {"due": due, "looks": looks})
    found = {work.line.fact for work in answer.context["lines"]}
    assert (fact in found) == (looks in ("", "nobody"))
    assert len(found) == (0 if looks in ("me", "somebody") else 2 if due == "all" else 1)


def test_several_services_are_recorded_by_the_form(service):
    client = signed_in(*VIEWS, *WRITES)
    other = make.service(facts=False)
    url = reverse("vendors:fact-several", args=["tls_minimum"])
    assert client.get(url, {"service": [service.slug]}).status_code == 200
    posted = {"value": "1.3", "grade": "public", "source": "https://trust.example"}
    assert "required" in client.post(url, posted).content.decode()
    client.post(url, {**posted, "services": [service.pk, other.pk]})
    assert Fact.objects.filter(dimension="tls_minimum", value="1.3").count() == 2
    assert client.get(reverse("vendors:fact-several", args=["mood"])).status_code == 404


@pytest.mark.parametrize("query", [{}, {"due": "all"}, {"looks": "nobody"}, {"grade": "gated"}])
def test_the_file_holds_what_the_list_shows(service, query):
    fact = stale(service, "tls_minimum", source="=cmd()", region="us-east-1")
    today = timezone.localdate()
    make.fact(service, dimension="byok", value="yes", verified_on=today, recorded_on=today)
    who = person(*VIEWS)
    assign_facts([fact], assignee=who, look_by=today + 7 * DAY, by=who, on=today)
    client = signed_in(*VIEWS)
    listed = client.get(reverse("vendors:fact-list"), query)
    answer = client.get(reverse("vendors:fact-export", args=["csv"]), query)
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    shown = [work.line for work in listed.context["lines"]]
    assert [row["Dimension"] for row in rows] == [line.label for line in shown]
    assert [row["Age in days"] for row in rows] == [str(line.age_days) for line in shown]
    for row in rows:
        if row["Source"] == "'=cmd()":
            assert (row["Who looks"], row["Verify again"]) == (str(who), "yes")
    xlsx = client.get(reverse("vendors:fact-export", args=["xlsx"]), query)
    assert xlsx.getvalue().startswith(b"PK")
    assert client.get(reverse("vendors:fact-export", args=["pdf"])).status_code == 404
