"""Data classes and their matrix: starter set, contradictions, what a change would do."""

import csv
import io

import pytest
from django.urls import reverse

from policies.gate import effect
from policies.models import DataClass, Requirement
from policies.reasons import REASONS, UNCONDITIONAL
from policies.services.deciding import class_terms, evaluate
from policies.services.requirements import contradictions, effects_of, impact, save_class
from policies.services.starter import CHOICES, STARTERS, load_data_classes
from policies.tests import make
from vendors.tests import make as register
from vendors.tests.make import TODAY

NAMES = {"phi", "pii", "credentials", "financial", "internal", "public"}


def test_the_starter_classes_come_once_and_keep_what_was_changed(db):
    assert {c.slug for c in load_data_classes()} == NAMES
    row = Requirement.objects.get(data_class__slug="public", reason="fact-stale")
    row.effect = "warn"
    row.save()
    assert load_data_classes() == []
    row.refresh_from_db()
    assert row.effect == "warn"
    assert Requirement.objects.count() == len(NAMES) * len(CHOICES)


@pytest.mark.parametrize("starter", STARTERS, ids=lambda s: s.slug)
def test_no_starter_contradicts_itself_and_each_reads_well(starter):
    assert contradictions(starter.effects()) == {}
    assert set(starter.effects()) == set(CHOICES)
    assert starter.description.endswith(".")


def test_phi_blocks_on_everything_and_what_is_unconditional_cannot_be_chosen(db):
    load_data_classes()
    phi = next(t for t in class_terms() if t.slug == "phi")
    assert {effect(phi, code) for code in CHOICES} == {"block"}
    assert not set(CHOICES) & set(UNCONDITIONAL)


def test_public_data_needs_no_baa(db):
    load_data_classes()
    service = register.service()
    public = [DataClass.objects.get(slug="public")]
    assert evaluate(make.active_integration(service=service, data_classes=public), TODAY).allowed
    phi = [DataClass.objects.get(slug="phi")]
    reasons = evaluate(make.active_integration(service=service, data_classes=phi), TODAY).reasons
    assert reasons == ("baa-missing", "report-missing")


def test_a_worse_lack_is_never_milder():
    effects = dict.fromkeys(CHOICES, "block") | {"baa-missing": "warn"}
    assert list(contradictions(effects)) == ["baa-missing"]
    assert contradictions(dict.fromkeys(CHOICES, "off")) == {}


def test_effects_that_contradict_or_are_not_complete_are_not_saved(db):
    data_class = make.data_class()
    for effects in (
        {},
        dict.fromkeys(CHOICES, "block") | {"report-missing": "off"},
        dict.fromkeys([*CHOICES, "approval-void"], "off"),
    ):
        with pytest.raises(ValueError, match="not complete or contradict"):
            save_class(data_class, effects)
    assert not Requirement.objects.exists()


def test_the_impact_is_what_then_happens(db):
    data_class = make.data_class()
    near = make.active_integration(data_classes=[data_class])
    far = make.active_integration(data_classes=[make.data_class("pii")])
    draft = make.integration(data_classes=[data_class])
    data_class.allowed_regions = ["eu-west-1"]
    found = impact(data_class, effects_of(data_class), TODAY)
    assert (found.denied, found.allowed, found.judged) == ((near,), (), 2)
    assert evaluate(near, TODAY).allowed
    save_class(data_class, effects_of(data_class))
    assert not evaluate(near, TODAY).allowed
    assert evaluate(far, TODAY).allowed
    assert not evaluate(draft, TODAY).allowed
    back = impact(data_class, effects_of(data_class) | {"region-not-allowed": "warn"}, TODAY)
    assert (back.denied, back.allowed) == ((), (near,))


@pytest.fixture
def officer(client, db):
    person = make.person("officer")
    client.force_login(person)
    return person


def posted(**changed):
    matrix = {f"effect_{code}": "block" for code in CHOICES}
    return {"name": "PHI", "slug": "phi", "is_phi": "on", "position": "10", **matrix, **changed}


def test_an_officer_sees_what_would_change_before_saving(client, officer):
    integration = make.active_integration()
    page = reverse("policies:dataclass-edit", args=["phi"])
    change = posted(allowed_regions="eu-west-1")
    preview = client.post(page, change).text
    assert "Allowed now, denied once saved" in preview
    assert integration.name in preview
    assert DataClass.objects.get(slug="phi").allowed_regions == []
    assert client.post(page, {**change, "action": "save"}).status_code == 302
    assert DataClass.objects.get(slug="phi").allowed_regions == ["eu-west-1"]
    assert "Denied" in client.get(reverse("policies:integration-list")).text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"effect_baa-missing": "off"}, "At least as strict as"),
        ({"effect_baa-missing": "smith"}, "Choose an effect"),
        ({"allowed_regions": "Mr Smith"}, "lower case"),
        ({"allowed_deployments": ["smith"]}, "from the list"),
        ({"max_retention_days": "-1"}, "greater than or equal to 0"),
        ({"position": "0"}, "greater than or equal to 1"),
        ({"name": ""}, "required"),
    ],
)
def test_a_bad_matrix_is_told_and_nothing_is_saved(client, officer, changed, says):
    make.data_class()
    page = reverse("policies:dataclass-edit", args=["phi"])
    answer = client.post(page, {**posted(**changed), "action": "save"})
    assert answer.status_code == 200
    assert says in answer.text
    assert not Requirement.objects.exists()


def test_the_slug_of_a_class_stays(client, officer):
    make.data_class()
    page = reverse("policies:dataclass-edit", args=["phi"])
    client.post(page, posted(slug="other", name="Health", action="save"))
    assert DataClass.objects.get().slug == "phi"
    assert DataClass.objects.get().name == "Health"


@pytest.mark.parametrize("slug", ["new", "phi", "UPPER"])
def test_a_new_class_has_a_slug_of_its_own(client, officer, slug):
    make.data_class()
    page = reverse("policies:dataclass-create")
    assert client.post(page, posted(slug=slug, name="X", action="save")).status_code == 200
    assert client.post(page, posted(slug="notes", name="X", action="save")).status_code == 302
    assert effects_of(DataClass.objects.get(slug="notes")) == dict.fromkeys(CHOICES, "block")


def test_the_list_can_be_taken_out_with_what_each_reason_does(client, officer):
    load_data_classes()
    DataClass.objects.filter(slug="public").update(description="=cmd()")
    phi = DataClass.objects.get(slug="phi")
    make.active_integration(data_classes=[phi])
    answer = client.get(reverse("policies:dataclass-export", args=["csv"]))
    rows = {row["Class"]: row for row in csv.DictReader(io.StringIO(answer.getvalue().decode()))}
    assert len(rows) == DataClass.objects.count()
    stored = rows[phi.name]
    assert (stored["PHI"], stored["Integrations"]) == ("yes", "1")
    assert {stored[REASONS[code].title] for code in CHOICES} == {"Blocks"}
    assert rows["Public"]["Description"] == "'=cmd()"
    xlsx = client.get(reverse("policies:dataclass-export", args=["xlsx"]))
    assert xlsx.getvalue().startswith(b"PK")
    other = reverse("policies:dataclass-export", args=["pdf"])
    assert client.get(other).status_code == 404
