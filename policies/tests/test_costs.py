"""Cost plans: what is proposed, what it comes to, who may change it."""

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from policies.models import CostPlan
from policies.pages.costs import span
from policies.services.costs import estimates, proposal
from policies.services.deciding import class_terms
from policies.tests import make
from vendors.pricing import Range
from vendors.services.costs import load_costs

pytestmark = pytest.mark.django_db


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def integration():
    load_costs()
    return make.active_integration()


def plan(integration, **fields) -> CostPlan:
    fields = {
        "author": integration.owner,
        "monthly_spend": Decimal(1000),
        "capabilities": ["byok", "audit_support"],
        **fields,
    }
    return CostPlan.objects.create(integration=integration, **fields)


def test_phi_needs_a_baa_audit_support_and_content_logs(integration):
    needed = proposal(integration, class_terms())
    assert {"baa", "audit_support", "content_logging"} <= set(needed)
    assert "164.502(e)" in needed["baa"]


def test_what_the_policy_does_not_ask_for_is_not_proposed(integration):
    integration.data_classes.set([])
    assert proposal(integration, class_terms()) == {}


def test_regions_and_deployments_of_the_policy_are_needs(integration):
    phi = integration.data_classes.get()
    phi.allowed_regions, phi.allowed_deployments = ["us-east-1"], ["vpc"]
    phi.save()
    assert {"residency", "private_endpoint"} <= set(proposal(integration, class_terms()))


def test_the_page_adds_low_to_low_and_high_to_high(integration):
    shown = plan(integration)
    context = signed_in(make.person("viewer")).get(f"/costs/{shown.pk}/").context["shown"]
    # 12,000 a year: 10 to 20 percent, and 20 to 40 hours at 150.
    assert context.base == "USD 12,000"
    assert context.yearly == "USD 4,200 to 8,400"
    assert context.share == "35 to 70 %"
    assert context.total == "USD 16,200 to 20,400"
    assert context.stale == 2


def test_the_rule_of_thumb_stands_beside_it_and_is_not_added(integration):
    page = signed_in(make.person("viewer")).get(f"/costs/{plan(integration).pk}/")
    text = page.content.decode()
    assert "costs 30 to 60 % more" in text
    assert "A comparison, not part of the sum." in text


def test_each_line_names_its_source_and_age(integration):
    text = signed_in(make.person("viewer")).get(f"/costs/{plan(integration).pk}/").content.decode()
    assert "SOC2 &amp; HIPAA Compliant AI APIs" in text
    assert "Estimate of an article" in text
    assert "read it again" in text


def test_a_plan_is_made_with_what_is_needed_ticked(integration):
    client = signed_in(make.person("engineer"))
    url = f"/integrations/{integration.slug}/costs/new/"
    assert "baa" in client.get(url).context["form"].initial["capabilities"]
    form = {
        "name": "Base",
        "monthly_spend": "2500.50",
        "currency": "usd",
        "hourly_rate": "120",
        "capabilities": ["baa", "byok"],
    }
    preview = client.post(url, {**form, "preview": "1"})
    assert preview.context["shown"].base == "USD 30,006"
    assert not CostPlan.objects.exists()
    assert client.post(url, form).status_code == 302
    saved = CostPlan.objects.get()
    assert (saved.monthly_spend, saved.currency) == (Decimal("2500.50"), "USD")


@pytest.mark.parametrize(
    ("field", "value"),
    [("monthly_spend", "-1"), ("currency", "dollars"), ("capabilities", "overall")],
)
def test_nonsense_is_refused_and_kept_in_the_form(integration, field, value):
    form = {"name": "Base", "monthly_spend": "1", "currency": "USD", "hourly_rate": "1"}
    client = signed_in(make.person("engineer"))
    answer = client.post(f"/integrations/{integration.slug}/costs/new/", {**form, field: value})
    assert field in answer.context["form"].errors
    assert not CostPlan.objects.exists()


def test_two_plans_of_a_name_are_refused_in_words(integration):
    plan(integration, name="Base")
    form = {"name": "Base", "monthly_spend": "1", "currency": "USD", "hourly_rate": "1"}
    client = signed_in(make.person("engineer"))
    answer = client.post(f"/integrations/{integration.slug}/costs/new/", form)
    assert "has a plan of this name" in answer.content.decode()


def test_only_its_author_and_officers_change_or_delete_a_plan(integration):
    author = make.person("engineer")
    made = plan(integration, author=author)
    other, officer = make.person("engineer", "other@example.com"), make.person("officer")
    assert signed_in(other).get(f"/costs/{made.pk}/edit/").status_code == 403
    assert signed_in(other).post(f"/costs/{made.pk}/delete/").status_code == 403
    assert "Delete" not in signed_in(other).get(f"/costs/{made.pk}/").content.decode()
    assert signed_in(author).get(f"/costs/{made.pk}/edit/").status_code == 200
    assert signed_in(officer).post(f"/costs/{made.pk}/delete/").status_code == 302
    assert not CostPlan.objects.exists()


def test_the_file_holds_the_lines_and_their_sum(integration):
    made = plan(integration)
    response = signed_in(make.person("viewer")).get(f"/costs/{made.pk}/?export=csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode())))
    assert [row["Capability"] for row in rows] == [
        "Customer-managed keys",
        "Compliance audit support",
        "Total",
    ]
    assert [row["A year to"] for row in rows] == ["2400.00", "6000.00", "8400.00"]
    assert rows[0]["As of"] == "2025-01-15"
    xlsx = signed_in(make.person("viewer")).get(f"/costs/{made.pk}/?export=xlsx")
    assert b"".join(xlsx).startswith(b"PK")


def test_the_list_takes_few_queries_whatever_the_number_of_plans(integration):
    plan(integration)
    client = signed_in(make.person("viewer"))
    client.get("/costs/")
    with CaptureQueriesContext(connection) as few:
        client.get("/costs/")
    for number in range(20):
        plan(integration, name=f"Plan {number}")
    with CaptureQueriesContext(connection) as many:
        client.get("/costs/")
    assert len(many) == len(few) <= 12


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [("0", "0", "0"), ("1200", "2400", "1,200 to 2,400"), ("0.5", "0.5", "1"), ("2.4", "2", "2")],
)
def test_ranges_are_read_in_whole_units(low, high, words):
    assert span(Range(Decimal(low), Decimal(high))) == words


def test_a_plan_made_by_an_older_day_counts_only_what_was_known(integration):
    made = plan(integration)
    before = estimates([made], dt.date(2025, 1, 14))[made.pk].estimate
    assert before.lines == ()
    assert before.unpriced == ("audit_support", "byok")


def test_the_list_can_be_taken_out_as_it_is_narrowed(integration):
    plan(integration, name="=cmd()")
    plan(make.active_integration(), name="Another")
    client = signed_in(make.person("viewer"))
    answer = client.get("/costs/export/csv/", {"integration": integration.slug})
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["Plan"] for row in rows] == ["'=cmd()"]
    assert (rows[0]["API, a year"], rows[0]["Compliance, a year, to"]) == ("12000.00", "8400.00")
    assert rows[0]["On top to, %"] == "70.00"
    everything = client.get("/costs/export/csv/").getvalue().decode()
    assert "Another" in everything
    assert client.get("/costs/export/xlsx/").getvalue().startswith(b"PK")
    assert client.get("/costs/export/pdf/").status_code == 404
