import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from audits.models import ReadEvent
from evidence.models import Finding
from policies.tests import make
from vendors.tests import make as register

CANARY = "Mr Smith HIV"


@pytest.fixture
def officer(db, client):
    person = make.person("officer")
    client.force_login(person)
    return person


def search(client, text):
    return client.post(reverse("portal:search"), {"q": text})


def test_each_kind_is_found_by_a_part_of_its_name(officer, client):
    vendor = register.vendor("Larkspur AI", legal_name="Larkspur Inc")
    service = register.service(vendor, name="Larkspur Chat")
    register.baa(vendor, reference="BAA-larkspur")
    make.integration(name="Larkspur summaries", service=service)
    text = search(client, "LARKSPUR").text
    for name in ("Larkspur AI", "Larkspur Chat", "BAA-larkspur", "Larkspur summaries"):
        assert name in text


def test_nothing_of_the_text_is_kept_anywhere(officer, client, caplog):
    answer = search(client, CANARY)
    assert "Nothing found" in answer.text
    title = answer.text.split("<title>")[1].split("</title>")[0]
    assert "Smith" not in title + caplog.text + answer.request["QUERY_STRING"]
    event = ReadEvent.objects.get()
    assert "Smith" not in str(vars(event))
    assert event.row_count == 0


def test_a_get_shows_the_empty_form_whatever_its_address_says(officer, client):
    register.vendor("Larkspur AI")
    text = client.get(reverse("portal:search"), {"q": "Larkspur"}).text
    assert "Larkspur AI" not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "This field is required"), ("x", "at least 2"), ("x" * 101, "at most 100")],
)
def test_a_text_that_is_no_search_gets_a_sentence(officer, client, text, message):
    answer = search(client, text)
    assert answer.status_code == 200
    assert message in answer.text


def test_people_find_only_what_they_may_see(client, db):
    register.vendor("Larkspur AI")
    client.force_login(make.person())
    assert "Larkspur AI" not in search(client, "larkspur").text


def test_many_hits_are_cut_and_say_so(officer, client, django_assert_max_num_queries):
    for number in range(12):
        register.vendor(f"Larkspur {number:02}")
    with django_assert_max_num_queries(15):
        text = search(client, "larkspur").text
    assert "the first 8" in text
    assert "Larkspur 09" not in text


def test_findings_are_found_open_ones_first(officer, client):
    vendor = register.vendor("Larkspur AI")
    kind = ContentType.objects.get_for_model(vendor)
    common = {
        "check_code": "review-due",
        "subject_type": kind,
        "severity": "low",
        "opened_at": make.NOON,
        "last_seen_at": make.NOON,
    }
    Finding.objects.create(
        **common, subject_id=vendor.pk, subject_label="Aspen done", closed_at=make.NOON
    )
    Finding.objects.create(**common, subject_id=vendor.pk, subject_label="Aspen open")
    text = search(client, "aspen").text
    assert text.index("Aspen open") < text.index("Aspen done")
