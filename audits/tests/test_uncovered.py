"""Calls with PHI that no BAA covers, and what the gate's facts cost."""

import datetime as dt

from django.urls import reverse
from django.utils import timezone

from audits.services.facts import Facts
from audits.services.uncovered import uncovered_calls
from policies.tests.make import person
from vendors.tests import make as register
from vendors.tests.make import TODAY


def narrow(integration) -> None:
    """From now on the BAA covers no files."""
    agreement = integration.service.vendor.agreements.get()
    agreement.superseded_on = TODAY
    agreement.save()
    newer = register.baa(integration.service.vendor, services=[], starts_on=TODAY)
    register.scope(newer, integration.service, features_excluded=["files"])


def test_each_way_of_calling_that_is_not_covered_is_counted_once(api, integration):
    since = timezone.now() - dt.timedelta(days=30)
    vendor = integration.service.vendor
    for features in (["files"], ["files"], ["batch"], []):
        api.open(features=features)
    assert uncovered_calls(vendor, TODAY, since=since) == []
    narrow(integration)
    found = uncovered_calls(vendor, TODAY, since=since)
    assert [(way.features, way.calls, way.missing.lacking) for way in found] == [
        (("files",), 2, ("feature files",))
    ]
    assert uncovered_calls(vendor, TODAY, since=since, integrations=[]) == []
    assert uncovered_calls(vendor, TODAY, since=timezone.now()) == []


def test_the_page_is_for_those_who_read_calls(api, integration, client):
    api.open(features=["files"])
    narrow(integration)
    url = reverse("audits:vendor-uncovered", args=[integration.service.vendor.slug])
    client.force_login(person("officer"))
    assert "feature files" in client.get(url).text


def test_the_host_of_a_call_is_measured(api, integration):
    agreement = integration.service.vendor.agreements.get()
    agreement.superseded_on = TODAY
    agreement.save()
    newer = register.baa(integration.service.vendor, services=[], starts_on=TODAY)
    register.scope(newer, integration.service, endpoint="eu.example.com")
    answers = [
        api.open(endpoint_host=host).json()["decision"]
        for host in ("eu.example.com:443", "us.example.com")
    ]
    assert answers == ["allow", "deny"]


def test_the_gates_facts_of_an_integration_take_six_queries(
    db, integration, django_assert_num_queries
):
    integration.known_actors_only = True
    integration.save()
    report = integration.service.report_scopes.get().report
    own = register.report(register.vendor(), by=person(), services=[])
    register.subservice(report, own_report=own)
    state = Facts().state()
    with django_assert_num_queries(6):
        state.load_uses([integration.pk], TODAY)
    posture = state.uses[integration.pk, TODAY][0]
    assert posture.reports[0].carve_outs[0].reports[0].report_id == own.pk
