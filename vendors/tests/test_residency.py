"""Areas of regions, and what leaves them."""

import pytest

from vendors.residency import Place, area, remarks


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", "United States"),
        ("us", "United States"),
        ("eastus2", "United States"),
        ("us-gov-west-1", "United States"),
        ("eu-central-1", "Europe"),
        ("europe-west4", "Europe"),
        ("westeurope", "Europe"),
        ("uk-south", "United Kingdom"),
        ("ap-southeast-2", "Asia and Pacific"),
        ("ca-central-1", "Canada"),
        ("global", "Anywhere"),
        ("own-datacenter", "own-datacenter"),
        ("usability", "usability"),
    ],
)
def test_a_region_is_of_an_area_by_its_name(region, expected):
    assert area(region) == expected


def places(**regions: str) -> list[Place]:
    return [Place(region, purpose, "contract") for purpose, region in regions.items()]


EVERYWHERE = {"processing": "us-east-1", "at_rest": "us-east-1", "support_access": "us-west-2"}


def test_where_all_stays_in_one_area_nothing_is_remarked():
    assert remarks(places(**EVERYWHERE, failover="us-west-2")) == []


@pytest.mark.parametrize("purpose", ["at_rest", "support_access", "failover"])
def test_what_leaves_the_area_of_processing_is_told(purpose):
    said = {**EVERYWHERE, "failover": "us-west-2", purpose: "eu-west-1"}
    [remark] = remarks(places(**said))
    assert remark.kind == "bad"
    assert "eu-west-1 is outside" in remark.text


def test_what_is_not_known_and_not_promised_is_told():
    found = remarks([Place("us-east-1", "processing", "default")])
    texts = [remark.text for remark in found]
    assert "Processing in us-east-1 is not promised." in texts
    assert "No region is recorded for support access." in texts
    assert {remark.kind for remark in found} == {"soon"}


def test_processing_anywhere_lets_everything_be_anywhere():
    said = {"processing": "global", "at_rest": "eu-west-1"}
    assert not [remark for remark in remarks(places(**said)) if remark.kind == "bad"]
