import datetime as dt

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from evidence.models import EvidencePack
from policies.models import Integration
from policies.tests import make
from portal.inbox import KINDS, waiting_for
from portal.services.standing import standing
from vendors.models import AssuranceReport
from vendors.tests import make as register
from vendors.tests.make import TODAY


def titles(user, on=TODAY):
    return {pile.kind.title: [item.title for item in pile.items] for pile in waiting_for(user, on)}


def submitted(name="Claims triage", **fields) -> Integration:
    integration = make.integration(name=name, **fields)
    integration.state = Integration.State.SUBMITTED
    integration.save()
    return integration


def test_a_submitted_integration_waits_for_officers_alone(db):
    integration = submitted()
    assert titles(make.person("officer"))["Integrations to decide on"] == ["Claims triage"]
    assert "Integrations to decide on" not in titles(integration.owner)
    assert titles(make.person("viewer")) == {}


def test_an_engineer_sees_their_own_next_steps(db):
    engineer = make.person("engineer")
    for state in ("draft", "changes_requested", "approved", "submitted", "active"):
        integration = make.integration(name=f"Is {state}", owner=engineer)
        integration.state = state
        integration.save()
    make.integration(name="Of another")
    assert set(titles(engineer)["Your integrations"]) == {
        "Is draft",
        "Is changes_requested",
        "Is approved",
    }


def test_reports_and_vendor_reviews_wait_for_officers(db):
    officer = make.person("officer")
    vendor = register.vendor("Larkspur", next_review_on=TODAY - dt.timedelta(days=3))
    register.report(
        vendor,
        by=officer,
        review=AssuranceReport.Review.PENDING,
        reviewed_by=None,
        reviewed_on=None,
    )
    found = {pile.kind.title: pile.items for pile in waiting_for(officer, TODAY)}
    assert found["Reports to review"][0].title.startswith("Larkspur: SOC 2 Type II")
    assert [i.days_left for i in found["Vendor reviews"] if i.title == "Larkspur"] == [-3]


def test_a_ready_pack_waits_for_who_asked_until_they_fetched_it(db):
    auditor = make.person("auditor")
    pack = EvidencePack.objects.create(
        title="Third quarter",
        period_start=TODAY - dt.timedelta(days=90),
        period_end=TODAY,
        state=EvidencePack.State.READY,
        file="pack.zip",
        sha256="0" * 64,
        requested_by=auditor,
        requested_at=make.NOON,
        as_of=make.NOON,
    )
    assert titles(auditor)["Evidence packs"] == ["Third quarter"]
    assert titles(make.person("officer")) == {}
    pack.events.create(kind="downloaded", actor=auditor, at=make.NOON)
    assert titles(auditor) == {}


def test_more_than_a_handful_is_cut_and_says_so(db):
    service = make.good_service()
    for number in range(7):
        submitted(f"Use {number}", service=service)
    (pile,) = [p for p in waiting_for(make.person("officer"), TODAY) if p.kind is KINDS[0]]
    assert (len(pile.items), pile.more) == (5, True)


def test_standing_names_what_is_blocked_and_why(db):
    allowed, denied = make.active_integration(), make.active_integration(name="Without BAA")
    agreement = denied.service.vendor.agreements.get()
    agreement.terminated_on = TODAY
    agreement.save()
    found = standing(TODAY)
    assert [(b.name, b.reasons) for b in found.blocked] == [("Without BAA", ("BAA not in force",))]
    assert (found.phi.allowed, found.phi.total) == (1, 2)
    assert allowed.name not in str(found.blocked)


def test_standing_is_read_anew_after_any_change_that_matters(db, django_assert_num_queries):
    integration = make.active_integration()
    assert standing(TODAY).blocked == ()
    with django_assert_num_queries(1):
        standing(TODAY)
    integration.service.vendor.state = "suspended"
    integration.service.vendor.save()
    assert standing(TODAY).blocked[0].reasons == ("Vendor not approved or review overdue",)


def test_where_reading_is_slow_the_last_answer_serves_for_a_while(db, monkeypatch):
    integration = make.active_integration()
    monkeypatch.setattr("portal.services.standing.SLOW_SECONDS", 0)
    monkeypatch.setattr("portal.services.standing.AGES", 1_000_000)
    before = standing(TODAY)
    integration.service.vendor.state = "suspended"
    integration.service.vendor.save()
    assert standing(TODAY) == before
    cache.delete(f"portal:standing:{TODAY}")
    assert standing(TODAY).blocked != before.blocked


def test_due_counts_by_owner(db):
    owner = make.person("officer")
    vendor = register.vendor(owner=owner)
    service = register.service(vendor)
    register.baa(vendor, ends_on=TODAY + dt.timedelta(days=5), owner=owner)
    make.active_integration(service=service)
    found = standing(TODAY)
    assert found.due_by_owner[owner.pk].week >= 1
    assert found.due.week >= found.due_by_owner[owner.pk].week


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("officer", ["Blocked by the gate", "Health", "Last evidence pack"], ["Yours blocked"]),
        ("auditor", ["Blocked by the gate", "Health"], ["Yours blocked"]),
        ("engineer", ["Yours blocked", "Due for you"], ["Health", "Last evidence pack"]),
        ("viewer", ["Blocked by the gate"], ["Health", "Last evidence pack"]),
        ("administrator", ["Health"], ["Last evidence pack"]),
        ("", ["Nothing waits for you"], ["Blocked", "Health", "PHI allowed", "Overdue"]),
    ],
)
def test_each_role_sees_what_it_may(db, client, role, shown, hidden):
    make.active_integration()
    client.force_login(make.person(role))
    text = client.get(reverse("portal:home")).text
    assert [word for word in shown if word not in text] == []
    assert [word for word in hidden if word in text] == []


@pytest.mark.parametrize("role", ["officer", "engineer", "auditor", "viewer", "administrator"])
def test_home_costs_few_queries(db, client, role, django_assert_max_num_queries):
    for _ in range(3):
        make.active_integration()
    submitted()
    client.force_login(make.person(role))
    cache.clear()
    with django_assert_max_num_queries(75):
        client.get(reverse("portal:home"))
    # One for each kind of work that may wait for them, beside the page's own.
    with django_assert_max_num_queries(25):
        assert client.get(reverse("portal:home")).status_code == 200


def test_a_dead_scheduler_is_said_to_who_can_do_something(db, client):
    client.force_login(make.person("officer"))
    assert "The scheduler has been silent" in client.get(reverse("portal:home")).text
    client.force_login(make.person("engineer"))
    assert "The scheduler has been silent" not in client.get(reverse("portal:home")).text


def test_the_day_is_that_of_the_organization(db, client, settings):
    settings.TIME_ZONE = "Pacific/Kiritimati"
    client.force_login(make.person("viewer"))
    day = timezone.localdate()
    assert f"{day:%-d %B %Y}" in client.get(reverse("portal:home")).text
