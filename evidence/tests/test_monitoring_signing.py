"""What is done about agreements is watched: notices, requests, clauses, return of data."""

import pytest

from evidence.models import Finding, Notice
from evidence.services.notices import plan_notices
from evidence.tests.make import codes, day, paper, quiet, run, service
from policies.tests.make import person
from vendors.models import Agreement, Vendor
from vendors.services.agreements import confirm_return, terminate_agreement
from vendors.services.clauses import ClauseAnswer, read_clauses
from vendors.services.requests import move_request
from vendors.tests import make as register

pytestmark = pytest.mark.django_db


def found(code: str) -> Finding:
    return Finding.objects.open().get(check_code=code)


@pytest.mark.parametrize(
    ("ends", "severity"), [(151, None), (150, "low"), (134, "medium"), (119, "high")]
)
def test_a_notice_that_is_due_is_told_thirty_days_before(ends, severity):
    quiet(service=service(baa={"ends_on": day(ends), "notice_days": 120}))
    run()
    assert codes() == ({"agreement-notice"} if severity else set())
    if severity:
        finding = found("agreement-notice")
        assert (finding.due_on, finding.severity) == (day(ends - 120), severity)


def test_a_renewal_under_way_is_told_by_its_own_day_instead():
    made = service(baa={"ends_on": day(130), "notice_days": 120})
    quiet(service=made)
    baa = Agreement.objects.get()
    asked = register.agreement_request(made.vendor, renews=baa, due_on=day(31))
    run()
    assert codes() == set()
    run(1)
    assert codes() == {"agreement-request-due"}
    finding = found("agreement-request-due")
    assert (finding.due_on, finding.detail) == (day(31), "Requested")
    move_request(asked, "dropped")
    run(2)
    assert codes() == {"agreement-notice"}


def test_required_clauses_that_are_absent_or_weak_are_told_until_they_are_there():
    quiet()
    baa = Agreement.objects.get()
    by = person()
    read_clauses(
        baa,
        [
            ClauseAnswer("books", "absent"),
            ClauseAnswer("access", "weak"),
            ClauseAnswer("offshore", "absent"),
        ],
        by=by,
        on=day(),
    )
    run()
    assert codes() == {"agreement-clauses"}
    assert (
        found("agreement-clauses").detail == "Books open to HHS absent, Access of individuals weak"
    )
    good = [ClauseAnswer("books", "present"), ClauseAnswer("access", "present")]
    read_clauses(baa, good, by=by, on=day(1))
    run(1)
    assert codes() == set()


def test_the_proof_that_data_is_gone_is_told_until_it_is_there():
    made = service(state=Vendor.State.OFFBOARDED)
    baa = Agreement.objects.get()
    baa = terminate_agreement(baa, on=day(), reason="Left.", return_due_on=day(30))
    run()
    assert codes() == {"return-due"}
    assert (found("return-due").due_on, found("return-due").severity) == (day(30), "low")
    run(31)
    assert found("return-due").severity == "high"
    confirm_return(baa, "destroyed", by=person(), on=day(31), document=paper())
    run(32)
    assert codes() == set()
    assert made.vendor.agreements.get().return_state == "destroyed"


def test_the_agreement_shows_what_was_sent_about_it(client):
    quiet(service=service(baa={"ends_on": day(10), "reference": "BAA-7"}))
    run()
    plan_notices(day())
    assert Notice.objects.get().window_days == 14
    Notice.objects.update(sent_at="2026-11-20T08:00Z")
    baa = Agreement.objects.get()
    client.force_login(person("officer"))
    body = client.get(f"/findings/notices/agreement/{baa.pk}/").content.decode()
    assert "BAA ends" in body
    assert "14 days before" in body
    assert "20 Nov 2026" in body
    client.force_login(person("viewer"))
    shown = client.get(f"/findings/notices/agreement/{baa.pk}/").content.decode()
    assert Notice.objects.get().recipient not in shown
    client.force_login(person())
    assert client.get(f"/findings/notices/agreement/{baa.pk}/").status_code == 403
