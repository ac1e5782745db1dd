"""Pages as of a day: what was not known then is not there, what was still is."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from audits.models import ReadEvent
from policies.models import Integration, PromptGrant
from policies.services.deciding import evaluate
from policies.services.granting import withdraw_grant
from policies.services.verdicts import live_answers, verdicts
from policies.tests import make
from portal import past
from portal.tests.test_matrix import PATTERNS, address
from portal.tests.world import World, build
from vendors import as_of
from vendors.models import Vendor
from vendors.services.agreements import terminate_agreement
from vendors.tests import make as register
from vendors.tests.make import TODAY, done_by

DAY = dt.timedelta(days=1)
READABLE = sorted(name for name in PATTERNS if past.readable(name))
ONE_WORD = re.compile(r'<form[^>]*method="post"[^>]*action="([^"]*)"', re.DOTALL)


def on(day: dt.date, url: str) -> str:
    return f"/as-of/{day.isoformat()}{url}"


def text(answer) -> str:
    body = answer.getvalue() if answer.streaming else answer.content
    return body.decode(errors="replace")


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        found = build()
        done_by(make.NOON)
        yield found
        transaction.set_rollback(True)


@pytest.fixture
def officer(world: World, client, db):
    client.force_login(world.people["officer"])
    return client


def test_what_can_be_read_as_of_a_day():
    """Pages of forms and of people are today's; a new list or object has a past by its name."""
    todays = {name.partition(":")[2] for name in PATTERNS if not past.readable(name)}
    words = ("create", "edit", "delete", "home", "user-list", "user-detail", "draft-list")
    assert {"vendor-create", "vendor-edit", "home", "user-list", "draft-list"} <= todays
    assert all(not name.endswith(("-create", "-edit")) for name in READABLE)
    assert set(words) & {name.partition(":")[2] for name in READABLE} == set()
    for app in past.APPS:
        lists = {
            n for n in PATTERNS if n.startswith(f"{app}:") and n.endswith(("-list", "-detail"))
        }
        assert lists - set(past.TODAYS) <= set(READABLE)


@pytest.mark.parametrize("name", READABLE)
def test_a_page_as_of_the_day_offers_nothing_to_change(name, world, officer):
    url = address(name, world)
    answer = officer.get(on(TODAY, url))
    assert answer.status_code == 200, url
    page = text(answer)
    if "text/html" not in answer["Content-Type"]:
        return
    allowed = {on(TODAY, reverse(n)) for n in past.HARMLESS}
    assert set(ONE_WORD.findall(page)) <= allowed
    for link in re.findall(r'(?:href|hx-get|action)="(/[^"]*)"', page):
        if not link.startswith(("/static/", "/as-of/")):
            assert link.partition("?")[0] == url, link


@pytest.mark.parametrize(
    "name", [n for n in READABLE if "<" not in str(PATTERNS[n].pattern) and n != "portal:search"]
)
def test_a_list_has_what_was_known_and_not_what_came_later(name, world, officer):
    """The names of the world stand in its lists on the day, and in none the day before."""
    words = ("larkspur", world.integration.name.lower(), "quarter", str(world.call.call_id)[:8])
    known = text(officer.get(on(TODAY, address(name, world)))).lower()
    before = text(officer.get(on(TODAY - DAY, address(name, world)))).lower()
    today = text(officer.get(address(name, world))).lower()
    assert any(word in known for word in words) or not any(word in today for word in words)
    assert not any(word in before for word in words)


@pytest.mark.parametrize("name", [n for n in READABLE if n.endswith("-detail")])
def test_an_object_is_not_there_before_it_was_recorded(name, world, officer):
    answer = officer.get(on(TODAY - DAY, address(name, world)))
    assert answer.status_code == 404
    assert "nothing of this address was recorded" in text(answer)
    assert f'href="{address(name, world)}"' in text(answer)


def test_a_parameter_leads_to_the_day_and_keeps_the_filters(world, officer):
    answer = officer.get("/vendors/", {"q": "lark", "page": "1", "as_of": "2026-11-20"})
    assert answer.status_code == 302
    assert answer.url == "/as-of/2026-11-20/vendors/?q=lark&page=1"
    page = text(officer.get(answer.url))
    assert "As of 20 November 2026" in page
    assert 'href="/vendors/?q=lark&amp;page=1"' in page
    assert 'href="/as-of/2026-11-20/vendors/larkspur/"' in page
    assert '<input type="hidden" name="q" value="lark">' in page
    assert 'value="2026-11-20"' in page


def test_today_needs_no_past(world, officer):
    today = timezone.localdate()
    assert officer.get(on(today, "/vendors/?q=x")).url == "/vendors/?q=x"
    assert officer.get("/vendors/", {"as_of": today.isoformat()}).url == "/vendors/"
    assert officer.get("/vendors/", {"as_of": ""}).url == "/vendors/"
    assert "As of today" in text(officer.get("/vendors/"))


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2999-01-01", "lies ahead"),
        ("2026-02-30", "such as 2026-03-31"),
        ("yesterday", "such as 2026-03-31"),
        ("20261120", "such as 2026-03-31"),
        ("2026-11-20T00:00", "such as 2026-03-31"),
        ("2001-01-01", "Versions are kept since"),
        ("2026-11-20; DROP", "such as 2026-03-31"),
    ],
)
def test_a_day_that_cannot_be_read_is_refused_with_its_reason(day, why, world, officer):
    by_parameter = officer.get("/vendors/", {"as_of": day})
    assert by_parameter.status_code == 400
    assert why in text(by_parameter)
    assert 'name="as_of"' in text(by_parameter)
    by_path = officer.get(f"/as-of/{day}/vendors/")
    assert by_path.status_code == 400
    assert why in text(by_path)


def test_nothing_is_posted_to_a_past_day(world, officer):
    before = Vendor.objects.get(pk=world.vendor.pk).state
    for url in (
        on(TODAY, f"/vendors/{world.vendor.slug}/state/"),
        on(TODAY, "/vendors/new/"),
        f"/vendors/{world.vendor.slug}/?as_of=2026-11-20",
    ):
        answer = officer.post(url, {"state": "rejected", "name": "Late"})
        assert answer.status_code == 405
        assert "read, not changed" in text(answer)
    assert Vendor.objects.get(pk=world.vendor.pk).state == before
    assert not Vendor.objects.filter(name="Late").exists()


def test_forms_and_other_pages_are_todays(world, officer):
    assert officer.get(on(TODAY, "/vendors/new/")).url == "/vendors/new/"
    assert officer.get(on(TODAY, "/access/")).url == "/access/"
    assert officer.get(on(TODAY, "/")).url == "/"
    assert officer.get(on(TODAY, "/nowhere/")).status_code == 404
    assert officer.get("/as-of/2026-11-20//evil.example/").status_code == 404
    assert officer.get("/vendors/new/?as_of=2026-11-20").status_code == 200


def test_theme_search_and_signing_out_work_on_a_past_day(world, officer):
    there = on(TODAY, "/vendors/")
    answer = officer.post(on(TODAY, "/theme/"), {"theme": "dark", "next": there})
    assert (answer.status_code, answer.url) == (302, there)
    found = text(officer.post(on(TODAY, "/search/"), {"q": "Larkspur"}))
    assert "/as-of/2026-11-20/vendors/larkspur/" in found
    before = text(officer.post(on(TODAY - DAY, "/search/"), {"q": "Larkspur"}))
    assert "/vendors/larkspur/" not in before
    assert officer.post(on(TODAY, "/accounts/logout/")).status_code == 302
    assert officer.get("/vendors/").status_code == 302


def test_who_may_read_is_decided_today(world, client, db):
    url = on(TODAY, "/calls/")
    client.force_login(world.people["viewer"])
    assert client.get(url).status_code == 403
    assert client.get(on(TODAY, "/vendors/")).status_code == 200
    newcomer = make.person("auditor")
    client.force_login(newcomer)
    assert client.get(url).status_code == 200
    newcomer.groups.clear()
    assert client.get(url).status_code == 403


def test_strangers_sign_in_and_come_back_to_the_day(client, db):
    answer = client.get(on(TODAY, "/vendors/?q=x"))
    assert answer.status_code == 302
    assert answer.url == "/accounts/login/?next=/as-of/2026-11-20/vendors/%3Fq%3Dx"


def test_reading_the_calls_of_a_day_is_recorded_with_the_day(world, officer):
    officer.get(on(TODAY, "/calls/"))
    read = ReadEvent.objects.order_by("-pk").first()
    assert read.filters["as_of"] == "2026-11-20"
    assert read.at.date() >= timezone.localdate() - DAY


def cells(answer, kind: str) -> set[str]:
    """Everything that stands in a table as a file."""
    body = answer.getvalue()
    if kind == "csv":
        return {cell for row in csv.reader(io.StringIO(body.decode())) for cell in row}
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return set(
            re.findall(r"<t[^>]*>([^<]*)</t>", book.read("xl/worksheets/sheet1.xml").decode())
        )


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_has_what_the_list_of_the_day_shows(kind, world, officer):
    world.vendor.name = "Larkspur Renamed"
    world.vendor.save()
    register.vendor("Newcomer")
    names = cells(officer.get(on(TODAY, f"/vendors/export/{kind}/")), kind)
    assert "Larkspur" in names
    assert not {"Larkspur Renamed", "Newcomer"} & names
    today = cells(officer.get(f"/vendors/export/{kind}/"), kind)
    assert {"Larkspur Renamed", "Newcomer"} <= today


def test_the_present_is_read_again_after_a_past_day(world, officer):
    officer.get(on(TODAY, "/vendors/"))
    assert as_of.day_read() is None
    assert reverse("vendors:vendor-list") == "/vendors/"
    vendor = register.vendor("Newcomer")
    assert "Newcomer" in text(officer.get(f"/vendors/{vendor.slug}/"))


def terminated(world: World) -> None:
    """Today, the BAA ends."""
    terminate_agreement(world.agreement, on=timezone.localdate(), reason="Ended")


def test_the_gate_of_a_day_does_not_know_of_a_later_termination(world, officer):
    terminated(world)
    today = evaluate(Integration.objects.get(pk=world.integration.pk), timezone.localdate())
    assert "baa-expired" in today.reasons or "baa-missing" in today.reasons
    with as_of.reading(TODAY):
        then = Integration.objects.get(pk=world.integration.pk)
        verdict = evaluate(then, as_of.reading_day())
        assert verdicts([then], TODAY)[then.pk].allowed
        assert then.pk in live_answers(TODAY)[0]
    assert verdict.allowed
    assert {paper.kind for paper in verdict.papers} >= {"agreement", "report"}
    assert world.integration.pk not in live_answers(timezone.localdate())[0]
    page = text(officer.get(on(TODAY, f"/integrations/{world.integration.slug}/")))
    assert world.agreement.reference in page
    assert "Denied" not in page
    assert "Denied" in text(officer.get(f"/integrations/{world.integration.slug}/"))


def test_an_approval_given_later_does_not_count_before(world, officer):
    later = make.integration(service=world.service)
    done_by(make.NOON)
    make.approve(later, on=timezone.localdate())
    with as_of.reading(TODAY):
        verdict = evaluate(Integration.objects.get(pk=later.pk), TODAY)
    assert "integration-not-active" in verdict.reasons
    assert evaluate(later, TODAY).allowed


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        (lambda w: register.baa(w.vendor), "baa-missing"),
        (lambda w: register.report(w.vendor, by=w.people["officer"]), "report-missing"),
        (
            lambda w: register.fact(w.service, dimension="training_use", value="no"),
            "training-not-excluded",
        ),
    ],
    ids=["agreement", "report", "fact"],
)
def test_a_paper_recorded_later_was_not_there(late, reason, world, db):
    """Each is valid on the day by its own dates, and nobody knew it."""
    service = register.service(register.vendor(), facts=reason != "training-not-excluded")
    if reason != "baa-missing":
        register.baa(service.vendor)
    if reason != "report-missing":
        register.report(service.vendor, by=world.people["officer"])
    if reason == "training-not-excluded":
        for dimension, (value, days) in register.GOOD_FACTS.items():
            if dimension != "training_use":
                register.fact(service, dimension=dimension, value=value, number=days)
    use = make.active_integration(service=service)
    done_by(make.NOON)
    world_of = type(
        "Of", (), {"vendor": service.vendor, "service": service, "people": world.people}
    )
    late(world_of)
    assert evaluate(use, TODAY).allowed
    with as_of.reading(TODAY):
        assert evaluate(Integration.objects.get(pk=use.pk), TODAY).reasons == (reason,)


def test_a_report_reviewed_later_was_not_reviewed(world, db):
    report = register.report(register.vendor(), by=world.people["officer"])
    type(report).objects.filter(pk=report.pk).update(review="")
    done_by(make.NOON)
    type(report).objects.filter(pk=report.pk).update(review="accept")
    with as_of.reading(TODAY):
        assert type(report).objects.get(pk=report.pk).review == ""
    report.refresh_from_db()
    assert report.review == "accept"


def granted_actors(integration: Integration) -> set[str]:
    found = PromptGrant.objects.filter(integration_id=integration.pk)
    return set(found.values_list("actor", flat=True))


def test_grants_count_as_of_the_day_for_the_gate_alone(world, client, db):
    person = make.person("viewer", "nurse@example.com")
    leaver = make.person("viewer", "leaver@example.com")
    given = [*make.grant(world.integration, person), *make.grant(world.integration, leaver)]
    done_by(make.NOON)
    withdraw_grant(given[0], by=make.person("officer"), at=timezone.now())
    leaver.is_active = False
    leaver.save()
    make.grant(world.integration, make.person("", "late@example.com"), at=timezone.now())
    assert granted_actors(world.integration) == {"user:late@example.com"}
    with as_of.reading(TODAY):
        assert granted_actors(world.integration) == {
            "user:nurse@example.com",
            "user:leaver@example.com",
        }
        assert not person.has_perm("policies.send_prompt", world.integration)


def test_permissions_to_change_rest_while_a_past_day_is_read(world, db):
    officer = type(world.people["officer"]).objects.get(pk=world.people["officer"].pk)
    administrator = type(officer)(email="root@example.com", is_superuser=True, is_active=True)
    assert officer.has_perm("vendors.change_vendor")
    assert administrator.has_perm("vendors.change_vendor")
    with as_of.reading(TODAY):
        assert officer.has_perm("vendors.view_vendor")
        assert not officer.has_perm("vendors.change_vendor")
        assert not administrator.has_perm("vendors.change_vendor")
        assert not officer.has_perms(["vendors.view_vendor", "vendors.change_vendor"])


def test_the_address_of_a_page_on_a_day_keeps_what_it_shows():
    request = RequestFactory().get("/vendors/", {"q": "a b", "as_of": "x", "state": ["1", "2"]})
    assert past.address_on(request, None) == "/vendors/?q=a+b&state=1&state=2"
    assert past.address_on(request, TODAY) == "/as-of/2026-11-20/vendors/?q=a+b&state=1&state=2"
