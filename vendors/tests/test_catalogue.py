import datetime as dt
import json

import pytest

from vendors.dimensions import VALUES
from vendors.models import Fact, Service, Vendor
from vendors.posture import Target
from vendors.services.catalogue import CATALOGUE, Loaded, load_catalogue
from vendors.services.facts import record_fact
from vendors.services.postures import postures
from vendors.tests import make

ON = dt.date(2026, 11, 21)
CONTENT = json.loads(CATALOGUE.read_text(encoding="utf-8"))
pytestmark = pytest.mark.django_db


def value(service: str, dimension: str, on: dt.date = ON) -> str:
    row = Service.objects.get(slug=service)
    return postures([row], on)[row.pk].fact(dimension, Target("claude-opus", "us")).value


def test_ten_offerings_come_as_prospects_with_every_fact():
    loaded = load_catalogue(on=ON)
    assert loaded == Loaded(vendors=10, services=10, facts=73 + 36, costs=15)
    assert set(Vendor.objects.values_list("state", flat=True)) == {"prospect"}
    assert set(Service.objects.values_list("provider", flat=True)) >= {
        "openai",
        "aws.bedrock",
        "azure.ai.openai",
        "gcp.vertex_ai",
        "anthropic",
        "cohere",
        "mistral_ai",
    }


def test_loading_again_adds_nothing_on_any_day():
    load_catalogue(on=ON)
    assert load_catalogue(on=ON) == Loaded()
    assert load_catalogue(on=ON + dt.timedelta(days=400)) == Loaded()


@pytest.mark.parametrize("entry", [*CONTENT["facts"], *CONTENT["article"]["facts"]])
def test_every_fact_has_a_source_a_grade_and_a_value_of_its_dimension(entry):
    assert entry["source"].strip()
    assert entry["grade"] in ("public", "self_attested")
    assert entry["value"] in VALUES[entry["dimension"]]
    undated = not entry["as_of"][:4].isdigit() or "undated" in entry["as_of"]
    assert (entry["verified_on"] is None) == undated
    if entry["verified_on"]:
        assert entry["verified_on"].startswith(entry["as_of"])


def test_no_two_facts_of_a_day_speak_of_the_same_thing():
    for facts in (CONTENT["facts"], CONTENT["article"]["facts"]):
        keys = [(f["service"], f["dimension"], f.get("model_pattern", "")) for f in facts]
        assert len(keys) == len(set(keys))


def test_what_was_found_since_stands_over_the_article_which_stays_in_the_history():
    load_catalogue(on=ON)
    assert value("openai-api", "baa") == "on_request"
    assert value("openai-api", "baa", dt.date(2025, 6, 1)) == "enterprise"
    assert value("openai-api", "gdpr_dpa") == "yes"
    baa = Fact.objects.filter(service__slug="openai-api", dimension="baa")
    assert [f.recorded_on for f in baa] == [ON, dt.date(2025, 1, 15)]


def test_a_fact_of_one_model_is_its_own():
    load_catalogue(on=ON)
    service = Service.objects.get(slug="claude-api")
    posture = postures([service], ON)[service.pk]
    covered = posture.fact("retention_days", Target("claude-fable-5-20261001", "us"))
    assert covered.model_pattern == "claude-fable-5*"
    assert posture.fact("retention_days", Target("claude-opus", "us")).model_pattern == ""


def test_the_catalogue_goes_stale_by_itself():
    load_catalogue(on=ON)
    assert Fact.objects.stale(ON, fresh_days=90).exists()
    current = Fact.objects.current(ON).values("pk")
    everything = Fact.objects.filter(pk__in=current).count()
    assert Fact.objects.stale(ON + dt.timedelta(days=91), fresh_days=90).count() == everything


def test_what_a_person_verified_later_stays():
    load_catalogue(on=dt.date(2026, 7, 1))
    service = Service.objects.get(slug="openai-api")
    person = make.person()
    fact = Fact(
        service=service, dimension="baa", value="none", grade="contract", source="Their letter"
    )
    record_fact(fact, by=person, on=dt.date(2026, 8, 1))
    loaded = load_catalogue(on=ON)
    assert loaded.facts > 0
    assert value("openai-api", "baa") == "none"


def test_what_was_read_after_the_day_is_not_known_yet():
    load_catalogue(on=dt.date(2026, 7, 1))
    assert not Fact.objects.filter(verified_on__gt=dt.date(2026, 7, 1)).exists()
    assert value("openai-api", "baa") == "enterprise"


def test_what_people_changed_stays():
    load_catalogue(on=ON)
    vendor = Vendor.objects.get(slug="openai")
    vendor.legal_name = "Renamed, Inc."
    vendor.save()
    load_catalogue(on=ON)
    vendor.refresh_from_db()
    assert vendor.legal_name == "Renamed, Inc."
