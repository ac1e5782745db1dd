import datetime as dt

import pytest
from auditlog.context import set_actor
from auditlog.models import LogEntry
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.template import Context, Template
from django.test import RequestFactory
from guardian.shortcuts import assign_perm, remove_perm

from policies.roles import OWNER
from policies.tests import make as uses
from vendors.services.history import describe, entries
from vendors.tests import make


def told(subject, viewer):
    return describe(entries(subject, viewer=viewer), subject)


@pytest.fixture
def officer(db):
    return uses.person("officer")


def test_a_change_names_its_actor_and_both_values(officer):
    vendor = make.vendor("Acme")
    with set_actor(officer):
        vendor.criticality = "high"
        vendor.owner = officer
        vendor.save()
    entry = told(vendor, officer)[0]
    assert entry.actor == str(officer)
    assert entry.verb == "Changed"
    assert entry.subject == ""
    assert {(c.field, c.old, c.new) for c in entry.changes} == {
        ("Criticality", "Medium", "High"),
        ("Owner", "", str(officer)),
    }


def test_without_an_actor_it_was_the_portal(officer):
    assert told(make.vendor(), officer)[-1].actor == "The portal"


def test_creation_lists_only_fields_that_have_a_value(officer):
    entry = told(make.vendor("Acme", website=""), officer)[-1]
    fields = {c.field: c.new for c in entry.changes}
    assert fields["Name"] == "Acme"
    assert "Website" not in fields
    assert "Services" not in fields


def test_parts_belong_to_the_history_even_when_they_are_gone(officer):
    service = make.service(facts=False)
    service.regions.get().delete()
    verbs = [(e.verb, e.subject) for e in told(service, officer)]
    assert verbs[0] == ("Removed", "Service region us-east-1")
    assert ("Created", "Service region us-east-1") in verbs
    assert ("Created", "Service model gpt-*") in verbs
    other = make.service(facts=False)
    assert not [e for e in told(other, officer) if e.verb == "Removed"]


def test_parts_that_a_person_may_not_see_stay_out(officer):
    integration = uses.active_integration()
    uses.key(integration)
    kinds = {e.subject.split(" ")[0] for e in told(integration, officer)}
    assert kinds == {"", "Approval", "Integration", "to"}
    assert {e.subject for e in told(integration, AnonymousUser())} == {""}


def test_grants_given_and_taken_are_told_to_who_may_see_people(officer):
    integration = uses.integration()
    with set_actor(officer):
        assign_perm("policies.send_prompt", officer, integration)
        remove_perm("policies.send_prompt", officer, integration)
    found = [
        (e.verb, e.subject, e.changes[0].old or e.changes[0].new)
        for e in told(integration, officer)
        if "send prompts" in str(e.changes)
    ]
    words = "send prompts through an integration"
    assert found == [
        ("Withdrawn", f"from {officer}: {integration}", words),
        ("Granted", f"to {officer}: {integration}", words),
    ]
    assert "send prompts" not in str(told(integration, uses.person("viewer")))
    assert [e.verb for e in told(officer, officer)][:2] == ["Withdrawn", "Granted"]


def test_permissions_given_at_once_are_one_entry(officer):
    integration = uses.integration()
    entries = [e for e in told(integration, officer) if e.verb == "Granted"]
    assert sum(len(e.changes) for e in entries) == len(OWNER)
    assert len(entries) == 1


def test_days_and_moments_read_like_days_and_moments(officer, settings):
    settings.TIME_ZONE = "America/New_York"
    integration = uses.active_integration()
    key, _ = uses.key(integration)
    key.revoked_at = dt.datetime(2026, 11, 20, 3, 30, tzinfo=dt.UTC)
    key.save()
    vendor = integration.service.vendor
    vendor.next_review_on = dt.date(2027, 3, 1)
    vendor.save()
    assert told(integration, officer)[0].changes[0].new == "19 Nov 2026, 22:30"
    assert told(vendor, officer)[0].changes[0].new == "1 Mar 2027"


def test_long_texts_are_shortened(officer):
    vendor = make.vendor()
    vendor.description = "long " * 300
    vendor.save()
    assert len(told(vendor, officer)[0].changes[0].new) == 300


def test_a_password_is_never_told(officer):
    officer.set_password("correct horse battery")
    officer.save()
    (change,) = told(officer, uses.person("administrator"))[0].changes
    assert (change.field, change.old, change.new) == ("Password", "hidden", "hidden")
    kept = str(list(LogEntry.objects.values_list("changes", flat=True)))
    assert officer.password not in kept
    assert "hidden" in kept


def test_names_cost_one_query_for_each_kind(officer, django_assert_max_num_queries):
    service = make.service()
    for days in range(5):
        make.fact(
            service, dimension="byok", value="no", recorded_on=make.TODAY + dt.timedelta(days)
        )
    # A process asks for each content type once in its life; what is counted is each time's.
    ContentType.objects.get_for_models(*apps.get_models())
    with django_assert_max_num_queries(6):
        assert len(told(service, officer)) >= 10


def render(subject, viewer, address="/"):
    request = RequestFactory().get(address)
    request.user = viewer
    template = Template("{% load history %}{% history subject %}")
    return template.render(Context({"subject": subject, "request": request}))


def test_the_tab_shows_a_page_at_a_time_and_keeps_the_filters(officer):
    vendor = make.vendor()
    for number in range(25):
        vendor.name = f"Name {number}"
        vendor.save()
    first, second = render(vendor, officer, "/?tab=h"), render(vendor, officer, "/?history=2")
    assert "Name 24" in first
    assert "Name 2<" not in first
    assert "tab=h&amp;history=2" in first
    assert "Name 2<" in second


def test_markup_in_a_value_is_text(officer):
    vendor = make.vendor("<script>alert(1)</script>")
    assert "<script>" not in render(vendor, officer)
