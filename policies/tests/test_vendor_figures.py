"""The columns that this app adds to the list of vendors: PHI by the gate, and uses."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from policies.pages.vendors import vendor_standings
from policies.tests import make
from vendors.tests import make as register

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    client = Client()
    client.force_login(make.person("viewer"))
    return client


def test_phi_and_uses_of_a_vendor(client):
    service = make.good_service()
    make.active_integration(service=service)
    bare = register.service(facts=False).vendor
    found = vendor_standings([service.vendor, bare], make.TODAY)
    assert (found[service.vendor.pk].words, found[service.vendor.pk].uses) == ("Yes", 1)
    assert (found[bare.pk].words, found[bare.pk].uses) == ("No", 0)
    register.service(service.vendor, facts=False)
    assert vendor_standings([service.vendor], make.TODAY)[service.vendor.pk].words == "1 of 2"


def test_a_vendor_without_a_service_is_told_so():
    make.data_class()
    vendor = register.vendor()
    assert vendor_standings([vendor], make.TODAY)[vendor.pk].words == "No service"


def test_the_part_holds_a_cell_for_each_vendor_asked_for(client):
    make.data_class()
    vendor, other = register.service().vendor, register.service().vendor
    text = client.get("/figures/vendors/", {"vendor": vendor.slug}).content.decode()
    assert f'id="phi-{vendor.pk}"' in text
    assert f'id="uses-{vendor.pk}"' in text
    assert f'id="phi-{other.pk}"' not in text


def test_the_list_asks_for_all_vendors_of_its_page_at_once(client):
    vendor = register.service().vendor
    text = client.get("/vendors/").content.decode()
    assert f"/figures/vendors/?vendor={vendor.slug}" in text
    assert f"#phi-{vendor.pk},#uses-{vendor.pk}" in text


def test_the_file_has_phi_and_uses_where_the_page_has_them(client):
    service = make.good_service()
    make.active_integration(service=service)
    answer = client.get("/figures/vendors/csv/", {"cols": "name.uses.phi"})
    header, row = list(csv.reader(io.StringIO(b"".join(answer).decode())))
    assert header == ["Vendor", "Legal entity", "Services", "Integrations", "PHI", "PHI until"]
    assert row[0] == service.vendor.name
    assert row[3] == "1"
    assert b"".join(client.get("/figures/vendors/xlsx/")).startswith(b"PK")
    assert client.get("/figures/vendors/exe/").status_code == 404


def test_the_number_of_queries_does_not_depend_on_the_vendors(client):
    make.data_class()
    one = [register.service().vendor]
    many = [register.service().vendor for _ in range(20)]
    with CaptureQueriesContext(connection) as few:
        vendor_standings(one, make.TODAY)
    with CaptureQueriesContext(connection) as more:
        vendor_standings(many, make.TODAY)
    assert len(few) == len(more) <= 10
