"""The pages of findings: what they show, to whom, and what a press of a button does."""

import pytest
from django.urls import reverse

from evidence.models import CheckRun, Finding
from evidence.services.findings import start_run
from evidence.tests import make
from evidence.tests.make import at, day, quiet, run
from policies.tests.make import ROLES, person
from vendors.tests import make as register

LIST = "/findings/"


@pytest.fixture
def officer(client, db):
    who = person("officer")
    client.force_login(who)
    return who


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    """The pages read the clock; here it stands at TODAY."""
    monkeypatch.setattr("django.utils.timezone.now", at)


@pytest.fixture
def sent(monkeypatch):
    """What would have gone to the broker."""
    found = []
    monkeypatch.setattr("evidence.tasks.run_checks.apply_async", lambda *a, **k: found.append(a))
    return found


def reviews(*days: int) -> list[Finding]:
    for each in days:
        register.vendor(next_review_on=day(each))
    run()
    return list(Finding.objects.order_by("due_on"))


def test_the_list_shows_open_findings_the_gravest_first(client, officer):
    reviews(20, -1, 10)
    page = client.get(LIST)
    assert [f.severity for f in page.context["page_obj"]] == ["high", "medium", "low"]
    assert "1 day ago" in page.text
    assert "in 20 days" in page.text
    assert page.context["figures"] == {"high": 1, "medium": 1, "low": 1, "overdue": 1}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("severity=high", 1),
        ("check=review-due", 3),
        ("check=baa-ending", 0),
        ("due=overdue", 1),
        ("due=7", 2),
        ("due=30", 3),
        ("due=none", 0),
        ("owner=me", 1),
        ("owner=none", 2),
        ("state=closed", 1),
        ("state=all", 4),
    ],
)
def test_filters(client, officer, query, found):
    gone = register.vendor(next_review_on=day(2))
    run(-1)
    gone.next_review_on = None
    gone.save()
    register.vendor(next_review_on=day(5), owner=officer)
    reviews(-1, 20)
    assert client.get(f"{LIST}?{query}").context["page_obj"].paginator.count == found


@pytest.mark.parametrize(
    ("sort", "first"), [("due", -1), ("-due", 20), ("severity", -1), ("-severity", 20)]
)
def test_sorting(client, officer, sort, first):
    reviews(10, -1, 20)
    page = client.get(f"{LIST}?sort={sort}")
    assert page.context["page_obj"][0].due_on == day(first)


@pytest.mark.parametrize("query", ["severity=worst", "owner=x", "due=9", "page=z", "sort=secret"])
def test_a_wrong_filter_is_no_error_of_the_server(client, officer, query):
    reviews(1)
    assert client.get(f"{LIST}?{query}").status_code == 200


def test_a_page_holds_25_and_costs_the_same_for_more(
    client, officer, django_assert_max_num_queries
):
    reviews(*[3] * 30)
    with django_assert_max_num_queries(12):
        page = client.get(LIST)
    assert len(page.context["page_obj"]) == 25
    assert "1 to 25 of 30" in page.text


def test_the_export_is_what_the_list_shows(client, officer):
    register.vendor(name="=cmd|'/c calc'!A1", next_review_on=day(-1))
    reviews(20)
    export = client.get("/findings/export/?severity=high&kind=csv")
    lines = export.getvalue().decode().splitlines()
    assert len(lines) == 2
    assert "'=cmd" in lines[1]
    assert client.get("/findings/export/?kind=xlsx").getvalue().startswith(b"PK")


def test_the_page_of_a_finding_says_what_to_do(client, officer, django_assert_max_num_queries):
    made = quiet(service=make.service(baa={"ends_on": day(-1), "reference": "BAA-7"}))
    run()
    finding = Finding.objects.get(check_code="baa-not-in-force")
    with django_assert_max_num_queries(14):
        page = client.get(reverse("evidence:finding-detail", args=[finding.pk]))
    assert "Sign and record a BAA" in page.text
    assert "45 CFR 164.502(e)" in page.text
    assert "BAA-7 has ended" in page.text
    assert "Opened" in page.text
    about = client.get(reverse("evidence:subject-findings", args=["integration", made.pk]))
    assert "Live integration that the gate denies" in about.text
    vendor = made.service.vendor
    about = client.get(reverse("evidence:subject-findings", args=["vendor", vendor.pk]))
    assert "PHI in use without a BAA in force" in about.text
    assert "Live integration" not in about.text


@pytest.mark.parametrize("path", ["user/1/", "vendor/999999/"])
def test_findings_about_nothing_we_know(client, officer, path):
    assert client.get(f"/findings/about/{path}").status_code == 404


def test_an_officer_assigns_and_writes_a_note(client, officer):
    (finding,) = reviews(3)
    engineer = person("engineer")
    client.post(f"/findings/{finding.pk}/assign/", {"owner": engineer.pk})
    client.post(f"/findings/{finding.pk}/note/", {"note": "Asked them <b>twice</b>."})
    finding.refresh_from_db()
    assert finding.owner == engineer
    page = client.get(f"/findings/{finding.pk}/").text
    assert "Asked them &lt;b&gt;twice&lt;/b&gt;." in page
    assert f"To {engineer}" in page


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("assign", {"owner": "999999"}, "Select a valid choice"),
        ("note", {"note": " "}, "This field is required"),
        ("note", {"note": "x" * 501}, "at most 500 characters"),
    ],
)
def test_a_wrong_form_comes_back_with_its_error(client, officer, path, body, words):
    (finding,) = reviews(3)
    answer = client.post(f"/findings/{finding.pk}/{path}/", body)
    assert answer.status_code == 400
    assert words in answer.text
    assert finding.events.count() == 1


def test_someone_who_left_cannot_be_made_owner(client, officer):
    (finding,) = reviews(3)
    gone = person("engineer")
    gone.is_active = False
    gone.save()
    answer = client.post(f"/findings/{finding.pk}/assign/", {"owner": gone.pk})
    assert answer.status_code == 400


def test_a_closed_finding_offers_nothing_and_takes_nothing(client, officer):
    (finding,) = reviews(3)
    Finding.objects.update(closed_at=at(1))
    page = client.get(f"/findings/{finding.pk}/").text
    assert "Add a note" not in page
    assert "What to do next" not in page
    answer = client.post(f"/findings/{finding.pk}/note/", {"note": "Late."}, follow=True)
    assert "has closed meanwhile" in answer.text
    assert finding.events.count() == 1


def test_run_now_enqueues_one_run_that_the_page_waits_for(
    client, officer, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post("/findings/run/", follow=True)
    asked = CheckRun.objects.get()
    assert asked.requested_by == officer
    assert [arguments[0] for arguments in sent] == [(asked.pk,)]
    assert "The checks are running" in page.text
    assert 'hx-trigger="every 2s"' in page.text
    client.post("/findings/run/")
    assert CheckRun.objects.count() == 1


def test_a_run_that_never_finished_is_told(client, officer):
    start_run(on=day(), at=at(-1))
    page = client.get(LIST).text
    assert "has not finished" in page
    assert "every 2s" not in page


def test_empty_lists_say_why(client, officer):
    assert "No findings yet" in client.get(LIST).text
    run()
    assert "Nothing to do" in client.get(LIST).text
    assert "Clear the filters" in client.get(f"{LIST}?severity=high").text


CHANGES = ["assign", "note"]


@pytest.mark.parametrize("role", ROLES)
def test_who_may_do_what(client, db, role, sent):
    (finding,) = reviews(3)
    client.force_login(person(role))
    assert client.get(LIST).status_code == 200
    page = client.get(f"/findings/{finding.pk}/").text
    changes = role == "officer"
    assert ("Add a note" in page) is changes
    for path in CHANGES:
        expected = 302 if changes else 403
        body = {"note": "Seen."}
        assert client.post(f"/findings/{finding.pk}/{path}/", body).status_code == expected
    runs = role in ("officer", "administrator")
    assert ("Run the checks now" in client.get(LIST).text) is runs
    assert client.post("/findings/run/").status_code == (302 if runs else 403)


@pytest.mark.parametrize(
    "path", [LIST, "/findings/1/", "/findings/export/", "/findings/about/vendor/1/"]
)
def test_strangers_and_people_without_a_role_see_nothing(client, db, path):
    assert client.get(path).status_code == 302
    client.force_login(person())
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/findings/run/", "/findings/1/assign/", "/findings/1/note/"])
def test_nothing_changes_by_looking(client, officer, path):
    assert client.get(path).status_code == 405
