"""Services side by side: the rule, then the page and its files."""

import csv
import datetime as dt
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from vendors.comparison import (
    GATE_DIMENSIONS,
    TONES,
    Asked,
    BaaState,
    Look,
    Other,
    baa_standing,
    compare,
    differing,
    tone,
)
from vendors.coverage import Assurance, Limits
from vendors.dimensions import VALUES
from vendors.models import Dimension
from vendors.posture import AgreementFacts, FactValue, Scope, ServicePosture
from vendors.tests import make
from vendors.tests.test_pages import VIEWS, signed_in

TODAY = dt.date(2026, 11, 21)
DAY = dt.timedelta(days=1)
ANY = Asked()


def fact(number=1, dimension="training_use", value="no", **fields) -> FactValue:
    fields = {"number": None, "grade": "contract", "stale_on": TODAY + 30 * DAY, **fields}
    return FactValue(fact_id=number, dimension=dimension, value=value, **fields)


def posture(*facts: FactValue, number=1, baas=()) -> ServicePosture:
    return ServicePosture(
        service_id=number,
        service=f"Service {number}",
        vendor="Vendor",
        vendor_state="approved",
        review_due_on=None,
        deployment="public_api",
        regions=("us",),
        models=("gpt-*",),
        baas=tuple(baas),
        reports=(),
        facts=facts,
        limits=Limits(stale_days=365, bridge_days=92),
    )


def cell(*facts: FactValue, asked=ANY, looks=None, dimension="training_use"):
    return compare([posture(*facts)], looks or {}, [dimension], asked, TODAY)[0].cells[dimension]


def test_a_cell_tells_words_grade_and_age():
    found = cell(fact(), looks={1: Look(TODAY - 12 * DAY, "https://vendor.example")})
    assert (found.words, found.tone, found.grade) == ("No", "ok", "contract")
    assert (found.age_days, found.stale, found.source) == (12, False, "https://vendor.example")


def test_a_fact_that_nobody_verified_has_no_age_and_is_stale():
    found = cell(fact(stale_on=None), looks={1: Look(None, "hearsay")})
    assert found.age_days is None
    assert found.stale


def test_the_general_fact_counts_and_what_differs_stands_beside_it():
    special = fact(2, value="yes", model_pattern="gpt-4*", region="eu")
    found = cell(fact(), special)
    assert found.fact_id == 1
    assert found.others == (Other("gpt-4*, eu", "Yes"),)


def test_for_a_model_the_most_specific_fact_counts():
    special = fact(2, value="yes", model_pattern="gpt-4*")
    found = cell(fact(), special, asked=Asked(model="gpt-4o"))
    assert (found.fact_id, found.words, found.tone) == (2, "Yes", "bad")
    assert cell(fact(), special, asked=Asked(model="o3")).fact_id == 1


def test_a_scoped_fact_that_says_the_same_is_not_named():
    assert cell(fact(), fact(2, model_pattern="gpt-4*")).others == ()


def test_without_a_fact_for_what_was_asked_the_others_still_show():
    found = cell(fact(value="yes", region="eu"))
    assert found.fact_id is None
    assert found.others == (Other("eu", "Yes"),)


@pytest.mark.parametrize(("days", "said"), [(0, "ok"), (30, "soon"), (31, "bad")])
def test_retention_is_read_by_its_days(days, said):
    assert tone("retention_days", "days", days) == said


def test_every_tone_belongs_to_a_value_that_exists():
    assert set(TONES) == set(VALUES) == set(Dimension.values)
    assert set(GATE_DIMENSIONS) <= set(VALUES)
    for dimension, tones in TONES.items():
        assert set(tones) <= set(VALUES[dimension])
        assert set(VALUES[dimension]) - set(tones) <= {
            *("unknown", "not_applicable", "days", "operator_set")
        }


def baa(*scopes: Scope, first=TODAY - 9 * DAY, last=TODAY + 9 * DAY, reference="BAA-1"):
    return AgreementFacts(1, reference, first, last, scopes)


@pytest.mark.parametrize(
    ("given", "asked", "state"),
    [
        (baa(Scope()), Asked(), BaaState.IN_FORCE),
        (baa(Scope("gpt-*", "us")), Asked(), BaaState.IN_FORCE),
        (baa(Scope("gpt-*", "us")), Asked("gpt-4o", "us"), BaaState.IN_FORCE),
        (baa(Scope("gpt-*", "us")), Asked("claude-4", "us"), BaaState.NOT_COVERED),
        (baa(Scope("gpt-*", "us")), Asked("gpt-4o", "eu"), BaaState.NOT_COVERED),
        (baa(), Asked(), BaaState.NOT_COVERED),
        (baa(Scope(), last=TODAY), Asked(), BaaState.IN_FORCE),
        (baa(Scope(), last=TODAY - DAY), Asked(), BaaState.ENDED),
        (baa(Scope(), first=TODAY + DAY), Asked(), BaaState.STARTS),
    ],
)
def test_where_a_baa_stands(given, asked, state):
    assert baa_standing([given], asked, TODAY).state == state


def test_the_best_baa_counts_whatever_the_order():
    ended, standing = baa(Scope(), last=TODAY - DAY, reference="OLD"), baa(Scope())
    for order in ([ended, standing], [standing, ended]):
        assert baa_standing(order, Asked(), TODAY).reference == "BAA-1"
    assert baa_standing([], Asked(), TODAY).state == BaaState.NONE


def test_a_service_without_a_report_is_covered_by_none():
    assert compare([posture()], {}, [], Asked(), TODAY)[0].coverage.state == Assurance.NONE


def test_only_dimensions_that_differ():
    same = fact(3, "byok", "yes")
    lines = compare(
        [posture(fact(), same), posture(fact(2, value="yes"), same, number=2)],
        {},
        ["training_use", "byok"],
        Asked(),
        TODAY,
    )
    assert differing(lines, ["training_use", "byok"]) == ("training_use",)


def page(**query):
    return signed_in(*VIEWS).get("/compare/", query)


@pytest.mark.django_db
class TestPage:
    def test_it_shows_words_grade_and_age(self):
        service = make.service()
        day = timezone.localdate() - 100 * DAY
        make.fact(service, dimension="byok", value="enterprise", verified_on=day, grade="public")
        text = page().content.decode()
        assert "Enterprise contract only" in text
        assert "Public page" in text
        assert "100 days, verify again" in text

    def test_the_papers_are_those_of_agreements_and_reports(self):
        service = make.service()
        on = timezone.localdate()
        make.baa(service.vendor, ends_on=on + 20 * DAY)
        make.report(service.vendor, by=make.person(), period_end=on - 60 * DAY)
        row = page().context["rows"][0]
        assert (row.baa.kind, row.baa.words, row.baa.day) == ("soon", "In force", on + 20 * DAY)
        assert row.coverage.words == "Current"

    def test_services_dimensions_and_scope_travel_in_the_address(self):
        first, second = make.service(), make.service()
        make.service()
        make.fact(first, dimension="training_use", value="yes", model_pattern="gpt-4*")
        response = page(
            service=[first.slug, second.slug], dimension=["training_use"], model="gpt-4o"
        )
        rows = response.context["rows"]
        assert [row.service for row in rows] == [first, second]
        assert [heading.dimension for heading in response.context["headings"]] == ["training_use"]
        assert [row.cells[0].cell.words for row in rows] == ["Yes", "No"]

    def test_what_the_gate_needs_and_where_they_differ(self):
        first = make.service()
        make.service(facts=False)
        gate = page(show="gate").context["headings"]
        assert [h.dimension for h in gate] == list(GATE_DIMENSIONS)
        assert all(h.gate for h in gate)
        make.fact(first, dimension="byok", value="yes")
        differ = page(show="differ").context["headings"]
        assert {h.dimension for h in differ} == {*GATE_DIMENSIONS, "byok"}

    @pytest.mark.parametrize(
        "query",
        [
            {"dimension": "nonsense"},
            {"model": "<script>"},
            {"region": "nowhere at all"},
            {"service": "not a slug"},
        ],
    )
    def test_nonsense_is_refused_without_repeating_it(self, query):
        make.service()
        response = page(**query)
        assert response.status_code == 400
        assert "No service fits" in response.content.decode()

    def test_turned_down_vendors_show_only_if_asked_for(self):
        hidden = make.service(make.vendor(state="rejected"))
        assert not page().context["rows"]
        assert page(of="all").context["rows"][0].service == hidden
        assert page(service=hidden.slug).context["rows"][0].service == hidden

    def test_the_file_holds_exactly_what_the_page_shows(self):
        first = make.service()
        make.service(first.vendor)
        query = {"service": first.slug, "dimension": "training_use"}
        shown = page(**query).context
        response = page(**query, export="csv")
        header, line = list(csv.reader(io.StringIO(b"".join(response).decode())))
        assert header[8:] == [
            "Training on our data",
            "Training on our data: grade",
            "Training on our data: source read",
            "Training on our data: age in days",
            "Training on our data: verify again",
            "Training on our data: differs for",
        ]
        cell = shown["rows"][0].cells[0]
        assert line[1] == first.name
        assert line[8:] == [
            cell.cell.words,
            cell.grade,
            cell.cell.verified_on.isoformat(),
            str(cell.cell.age_days),
            "no",
            "",
        ]
        xlsx = page(**query, export="xlsx")
        assert b"".join(xlsx).startswith(b"PK")

    def test_a_hundred_services_take_few_queries(self):
        for _ in range(3):
            vendor = make.vendor()
            services = [make.service(vendor) for _ in range(4)]
            make.baa(vendor, services=services)
            make.report(vendor, by=make.person(), services=services)
        client = signed_in(*VIEWS)
        client.get("/compare/")
        with CaptureQueriesContext(connection) as few:
            client.get("/compare/")
        for number in range(90):
            make.service(make.vendor(f"More {number}"))
        with CaptureQueriesContext(connection) as many:
            response = client.get("/compare/")
        assert response.context["most"] == 100
        assert len(many) == len(few) <= 12

    def test_whoever_may_not_read_facts_may_not_compare(self):
        assert signed_in(*VIEWS[:2]).get("/compare/").status_code == 403
