"""Which services PHI could go to: what a vendor's page and the home page say."""

import datetime as dt

from django.urls import reverse

from policies.services.phi import phi_by_service, phi_summary
from policies.tests import make
from vendors.models import ServiceRegion
from vendors.tests import make as register
from vendors.tests.make import TODAY, YEAR

DAY = dt.timedelta(days=1)


def test_phi_is_allowed_for_the_services_that_papers_and_facts_carry(db):
    make.data_class()
    vendor = register.vendor()
    covered, named_not = register.service(vendor), register.service(vendor)
    bare = register.service(vendor, facts=False)
    register.baa(vendor, services=[covered, bare], ends_on=TODAY + 72 * DAY)
    register.report(vendor, by=make.person())
    found = phi_by_service([covered, named_not, bare], TODAY)
    assert found[covered.pk].verdict.allowed
    assert found[covered.pk].verdict.until == TODAY + 72 * DAY
    assert found[named_not.pk].verdict.reasons == ("baa-scope",)
    assert "training-not-excluded" in found[bare.pk].verdict.reasons
    summary = phi_summary(list(found.values()))
    assert summary.sentence == "PHI allowed for 1 of 3 services until 31 January 2027"
    after = phi_by_service([covered], TODAY + 73 * DAY)
    assert not after[covered.pk].verdict.allowed


def test_the_best_model_and_region_that_a_service_offers_counts(db):
    make.data_class()
    service = register.service()
    ServiceRegion.objects.create(service=service, region="eu-west-1", guarantee="contract")
    agreement = register.baa(service.vendor, services=[])
    agreement.scopes.create(service=service, region="eu-west-1")
    register.report(service.vendor, by=make.person())
    found = phi_by_service([service], TODAY)[service.pk]
    assert found.verdict.allowed
    assert found.region == "eu-west-1"


def test_without_a_phi_class_nothing_is_allowed(db):
    make.data_class("internal")
    service = make.good_service()
    verdict = phi_by_service([service], TODAY)[service.pk].verdict
    assert verdict.reasons == ("data-class-not-allowed",)


def test_sentences_for_none_one_and_no_service(db):
    make.data_class()
    assert phi_summary([]).sentence == "No service is recorded yet."
    good = make.good_service()
    found = phi_by_service([good], TODAY)
    assert phi_summary(list(found.values())).sentence.startswith("PHI allowed for 1 of 1 service ")
    later = phi_by_service([good], TODAY + 3 * YEAR)
    assert phi_summary(list(later.values())).sentence == "PHI allowed for none of 1 service"


def test_the_number_of_queries_does_not_grow(db, django_assert_num_queries):
    make.data_class()
    services = [make.good_service() for _ in range(5)]
    with django_assert_num_queries(5):
        phi_by_service(services, TODAY)


def test_the_vendor_page_says_it_service_by_service(client, db):
    integration = make.active_integration()
    vendor = integration.service.vendor
    register.service(vendor, facts=False)
    client.force_login(make.person("viewer"))
    text = client.get(reverse("policies:vendor-verdict", args=[vendor.slug])).text
    assert "PHI allowed for 1 of 2 services" in text
    assert "BAA does not cover this use" in text
    uses = client.get(reverse("policies:vendor-integrations", args=[vendor.slug])).text
    assert integration.name in uses
