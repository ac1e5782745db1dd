"""Pages of access reviews: who may, what they show, and that nothing is kept unseen."""

from __future__ import annotations

import datetime as dt
import io

import pikepdf
import pytest
from django.urls import reverse
from django.utils import timezone

from policies.models import AccessReview, AccessReviewDecision
from policies.tests import make
from portal import inbox
from portal.models import PersonalToken
from portal.services.reviewing import Choice, Plan, close_review, decide, start_review, verify
from portal.services.tokens import issue_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer():
    return make.person("officer", "officer@example.com")


@pytest.fixture
def second():
    return make.person("administrator", "second@example.com")


@pytest.fixture
def review(officer, second) -> AccessReview:
    at = timezone.now()
    viewer = make.person("viewer", "viewer@example.com")
    viewer.last_login = at - dt.timedelta(hours=1)
    viewer.save()
    issue_token(viewer, "export", scopes=["register:read"], days=30, at=at)
    plan = Plan("Quarter 4", timezone.localdate(at), officer, second)
    return start_review(plan, by=officer, at=at)


def page(name: str, *args: object) -> str:
    return reverse(f"portal:accessreview-{name}", args=args)


def test_a_review_begins_with_what_the_page_shows(client, officer, second):
    client.force_login(officer)
    shown = client.get(page("create"))
    assert shown.context["figures"].total == 2
    assert "portal_user_groups" in shown.content.decode()
    values = {"title": "Q4", "due_on": timezone.localdate().isoformat()}
    values |= {"reviewer": officer.pk, "escalate_to": second.pk}
    assert client.post(page("create"), values).status_code == 302
    assert AccessReview.objects.get().population_count == 2
    again = client.post(page("create"), values)
    assert "open already" in again.content.decode()


def test_nothing_but_what_is_on_the_form_is_taken(client, officer, second):
    client.force_login(officer)
    values = {"title": "Q4", "due_on": timezone.localdate().isoformat()}
    values |= {"reviewer": officer.pk, "escalate_to": second.pk}
    values |= {"population_count": 0, "signed_by": officer.pk, "closed_digest": "00"}
    client.post(page("create"), values)
    made = AccessReview.objects.get()
    assert (made.population_count, made.signed_by, made.closed_digest) == (2, None, "")


def test_an_engineer_neither_escalates_nor_reviews(client, officer):
    client.force_login(officer)
    engineer = make.person("engineer")
    values = {"title": "Q4", "due_on": timezone.localdate().isoformat()}
    values |= {"reviewer": officer.pk, "escalate_to": engineer.pk}
    assert client.post(page("create"), values).status_code == 200
    assert not AccessReview.objects.exists()


def test_lines_are_shown_in_few_queries(client, officer, review, django_assert_max_num_queries):
    client.force_login(officer)
    with django_assert_max_num_queries(14):
        answer = client.get(page("detail", review.pk))
    assert answer.status_code == 200
    assert answer.context["figures"].undecided == review.population_count
    assert "viewer@example.com" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("kind=token", 1),
        ("flag=privileged", 2),
        ("flag=none", 2),
        ("flag=any", 2),
        ("state=undecided", 4),
        ("state=unproven", 0),
        ("state=keep", 0),
        ("holder=VIEWER", 2),
    ],
)
def test_lines_are_narrowed(client, officer, review, query, count):
    client.force_login(officer)
    answer = client.get(page("detail", review.pk) + f"?{query}")
    assert answer.context["page_obj"].paginator.count == count


def test_there_is_no_way_to_approve_all(client, officer, review):
    client.force_login(officer)
    shown = client.get(page("detail", review.pk)).content.decode()
    assert "data-check-all" not in shown
    numbers = list(range(1, review.population_count + 1))
    answer = client.post(page("keep", review.pk), {"number": numbers, "seen": "x", "note": "All."})
    assert answer.status_code == 409
    assert not AccessReviewDecision.objects.exists()


def test_ticked_lines_are_kept_with_the_note(client, officer, review):
    client.force_login(officer)
    shown = client.get(page("detail", review.pk))
    values = {"number": shown.context["ticked"], "seen": shown.context["seen"], "note": "Seen."}
    assert client.post(page("keep", review.pk), values).status_code == 302
    kept = AccessReviewDecision.objects.all()
    assert {each.note for each in kept} == {"Seen."}
    assert len(kept) == len(shown.context["ticked"]) == 2
    assert client.post(page("keep", review.pk), {**values, "note": ""}).status_code == 400


def test_what_was_ticked_and_written_stands_there_where_it_was_refused(client, officer, review):
    client.force_login(officer)
    asked = "?state=undecided&holder=viewer"
    shown = client.get(page("detail", review.pk) + asked)
    assert f'action="{page("keep", review.pk)}{asked.replace("&", "&amp;")}"' in shown.text
    ticked = shown.context["ticked"][0]
    values = {"number": ticked, "seen": shown.context["seen"]}
    refused = client.post(page("keep", review.pk) + asked, values)
    assert refused.status_code == 400
    assert refused.context["page_obj"].paginator.count == 2
    assert f'name="number" value="{ticked}" checked' in refused.text
    values |= {"seen": "x", "note": "Asked her lead."}
    assert "Asked her lead.</textarea>" in client.post(page("keep", review.pk), values).text
    # The filters and pages of what was refused ask this address.
    answer = client.get(page("keep", review.pk) + asked)
    assert answer.url == page("detail", review.pk) + asked


def test_lines_of_another_review_are_not_reached(client, officer, second, review):
    client.force_login(officer)
    assert client.get(page("entry", review.pk, 99)).status_code == 404
    assert client.get(page("entry", review.pk + 1, 1)).status_code == 404


def test_a_line_is_revoked_on_its_page_and_the_proof_stands_there(client, officer, review):
    client.force_login(officer)
    entry = review.entries.get(kind="token")
    url = page("entry", review.pk, entry.number)
    assert "Nothing records" not in client.get(url).content.decode()
    assert client.post(url, {"decision": "revoke", "note": ""}).status_code == 200
    assert client.post(url, {"decision": "change", "note": "x"}).status_code == 200
    answer = client.post(url, {"decision": "revoke", "note": "Not used."}, follow=True)
    assert "Executed" in answer.content.decode()
    assert PersonalToken.objects.get(pk=entry.row_id).revoked_at is not None
    client.post(page("verify", review.pk))
    assert "Tokens of this id that still work: 0, expected 0" in client.get(url).content.decode()


def test_own_access_is_shown_and_not_decided(client, officer, review):
    client.force_login(officer)
    entry = review.entries.get(user=officer)
    url = page("entry", review.pk, entry.number)
    assert client.get(url).context["form"] is None
    answer = client.post(url, {"decision": "keep", "note": "Mine."})
    assert answer.status_code == 200
    assert not AccessReviewDecision.objects.exists()


def test_a_reviewer_raises_nobody(client, officer, review):
    client.force_login(officer)
    entry = review.entries.get(kind="role", holder="viewer@example.com")
    url = page("entry", review.pk, entry.number)
    values = {"decision": "change", "note": "Up.", "change_to": "Administrator"}
    assert client.post(url, values).status_code == 200
    assert [group.name for group in entry.user.groups.all()] == ["Viewer"]


def test_an_auditor_looks_and_decides_nothing(client, review):
    client.force_login(make.person("auditor"))
    url = page("entry", review.pk, 1)
    assert client.get(url).context["form"] is None
    assert client.post(url, {"decision": "keep", "note": "x"}).status_code == 403


def finished(review, officer, second) -> AccessReview:
    entry = review.entries.get(kind="token")
    decide(entry, Choice("revoke", "Not used."), by=officer, at=timezone.now())
    verify(entry, at=timezone.now())
    for each in review.entries.undecided():
        by = second if each.user_id == officer.pk else officer
        decide(each, Choice("keep", "Needed."), by=by, at=timezone.now())
    return close_review(review, by=officer, at=timezone.now())


def test_the_second_person_sees_that_it_is_as_closed_and_signs(client, officer, second, review):
    finished(review, officer, second)
    client.force_login(officer)
    assert "You closed it" in client.post(page("sign", review.pk), {"note": "x"}).content.decode()
    client.force_login(second)
    assert client.get(page("sign", review.pk)).context["intact"]
    assert client.post(page("sign", review.pk), {"note": "Looked at it."}).status_code == 302
    review.refresh_from_db()
    assert review.signed_by == second


def test_a_review_is_exported_with_its_decisions_and_proof(client, officer, second, review):
    finished(review, officer, second)
    client.force_login(officer)
    answer = client.get(page("export", review.pk, "csv"))
    rows = b"".join(answer.streaming_content).decode().splitlines()
    assert len(rows) == review.population_count + 1
    revoked = next(row for row in rows if "Not used." in row)
    assert "Tokens of this id that still work: 0 (0)" in revoked
    assert client.get(page("export", review.pk, "doc")).status_code == 404


def test_the_pdf_holds_the_campaign(client, officer, second, review):
    finished(review, officer, second)
    client.force_login(officer)
    answer = client.get(page("export", review.pk, "pdf"))
    with pikepdf.open(io.BytesIO(b"".join(answer.streaming_content))) as pdf:
        assert len(pdf.pages) >= 2
        assert pdf.Root.MarkInfo.Marked


def test_the_list_says_when_the_next_one_begins(client, officer, review):
    client.force_login(officer)
    answer = client.get(page("list"))
    assert "Quarter 4" in answer.content.decode()
    assert 89 <= answer.context["days"] <= 90


def test_what_waits_stands_on_home(officer, second, review):
    def told(person) -> list[str]:
        today = timezone.localdate()
        return [item.detail for item in inbox.access_reviews(person, today)]

    assert told(officer) == told(second) == ["Lines to decide"]
    finished(review, officer, second)
    assert told(officer) == []
    assert told(second) == ["Closed: a second person signs it off"]
